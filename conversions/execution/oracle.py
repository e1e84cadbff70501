"""The slow, obvious simulator in NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from conversions.execution.executable import SPIKES, Executable
from conversions.execution.executor import EpropRun, LearningRun, Run
from hw_models import FixedPointNetwork
from ssdp_neuro.engine.learning_task import LearningTask
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


def prepare_eprop(network: FixedPointNetwork) -> EpropRun:
    """Nothing is to be done before."""
    from ssdp_neuro.oracle.eprop_learn import beginning, sample_steps

    def run(task: LearningTask, probes: Any) -> Iterator[Any]:
        assert task.factors.labels is not None  # the task was checked
        weights, keys = beginning(network, task.seed)
        batch = task.given.rasters(network, task.n_steps)
        for seen in range(task.n_seen):
            sample = seen % task.n_samples
            steps = sample_steps(
                network,
                weights,
                {name: rasters[sample] for name, rasters in batch.items()},
                task.n_steps,
                int(task.factors.labels[sample]),
                keys,
                (task.first_sample + seen) * task.n_steps,
                {name: bool(mask[sample]) for name, mask in task.mask.items()},
            )
            for step, (fired, neurons, traces) in enumerate(steps):
                values = {(name, SPIKES): raster[step] for name, raster in fired.items()}
                values |= {(name, v): getattr(neurons[name], v)[0] for name, v in probes}
                values |= {(name, "weights"): array for name, array in weights.items()}
                yield values | {(name, "trace"): np.array(one) for name, one in traces.items()}

    return run
