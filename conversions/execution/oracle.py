"""The slow, obvious simulator in NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from conversions.execution.executable import SPIKES, Executable
from conversions.execution.executor import LearningRun, Run
from hw_models import FixedPointNetwork
from ssdp_neuro.engine.results import RunResult


def prepare(executable: Executable) -> Run:
    """Nothing is to be done before."""
    from ssdp_neuro.oracle import simulate

    def run(spikes: Any, n_steps: int, probes: Iterable[tuple[str, str]] = ()) -> RunResult:
        return simulate(executable.network, spikes, n_steps=n_steps, probes=probes)

    return run


def prepare_learning(network: FixedPointNetwork) -> LearningRun:
    """Nothing is to be done before."""
    from ssdp_neuro.oracle.rule_network import RuleNetwork

    def run(rasters: Any, n_steps: int, probes: Any, sent: Any) -> Iterator[Any]:
        oracle = RuleNetwork(network)
        for step, (spikes, recorded) in enumerate(oracle.steps(rasters, n_steps, probes, sent)):
            values = {(name, SPIKES): raster[step] for name, raster in spikes.items()}
            values |= {probe: kept[step] for probe, kept in recorded.items()}
            for name, arrival in oracle.learned.items():
                learned = arrival.variables().items()
                values |= {(name, variable): value for variable, value in learned}
            yield values

    return run
