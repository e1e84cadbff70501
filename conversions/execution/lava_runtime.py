"""Lava as its users have it: a process for every Process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conversions.execution import lava
from conversions.execution.executable import SPIKES, Executable
from conversions.execution.executor import LearningRun, Run
from conversions.lava.lava_run import LavaExecution, run_lava
from hw_models import FixedPointNetwork


def prepare(executable: Executable) -> Run:
    """Nothing is to be done before."""
    return lava.prepare(executable, LavaExecution.RUNTIME)


def prepare_learning(network: FixedPointNetwork) -> LearningRun:
    """Nothing is to be done before; what was learned is read at the end only."""

    def run(rasters: Any, n_steps: int, probes: Any, sent: Any) -> Iterator[Any]:
        numbers = {name: values[None] for name, values in sent.items()}
        result = run_lava(
            network, rasters, n_steps, probes=probes, rules=True, sent=numbers or None
        )
        fired = {
            (population.name, SPIKES): result.raster(population.name)
            for population in network.populations
        }
        learned = {key: value for key, value in result.probes.items() if key not in probes}
        for step in range(n_steps):
            values = {key: array[step] for key, array in fired.items()}
            values |= {probe: result.probe(*probe)[step] for probe in probes}
            yield values | (learned if step == n_steps - 1 else {})

    return run
