"""Lava's fixed-point models, without its runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from conversions.execution.executable import SPIKES, Executable
from conversions.execution.executor import LearningRun, Run
from conversions.lava.lava_run import LavaExecution, run_lava
from hw_models import FixedPointNetwork
from ssdp_neuro.engine.results import RunResult


def prepare(executable: Executable, execution: LavaExecution = LavaExecution.DIRECT) -> Run:
    """Nothing is to be done before."""

    def run(spikes: Any, n_steps: int, probes: Iterable[tuple[str, str]] = ()) -> RunResult:
        return run_lava(executable.network, spikes, n_steps, probes=probes, execution=execution)

    return run


def prepare_learning(network: FixedPointNetwork) -> LearningRun:
    """Nothing is to be done before."""
    from hw_models.lava_processes.sample_run import learning_steps_direct

    def run(rasters: Any, n_steps: int, probes: Any, sent: Any) -> Iterator[Any]:
        steps = learning_steps_direct(network, rasters, n_steps, probes, sent)
        for step, values in enumerate(steps):
            yield values | {(name, SPIKES): raster[step] for name, raster in rasters.items()}

    return run
