"""Lava's fixed-point models, without its runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from conversions.execution.executable import SPIKES, Executable
from conversions.execution.executor import EpropRun, LearningRun, Run
from conversions.lava.lava_learning import program_request
from conversions.lava.lava_run import LavaExecution, run_lava
from hw_models import FixedPointNetwork
from hw_models.learning_schedule import LearningForm
from ssdp_neuro.engine.learning_task import LearningTask
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


def prepare_eprop(network: FixedPointNetwork) -> EpropRun:
    """Nothing is to be done before."""
    from hw_models.lava_processes.sample_run import learning_steps_direct

    def run(task: LearningTask, probes: Any) -> Iterator[Any]:
        """One program for all samples."""
        request = program_request(task, LearningForm.PROCESS, probes)
        rasters, plan = request.inputs_of(0), request.plan
        assert plan is not None
        steps = learning_steps_direct(network, rasters, request.n_steps, probes, plan=plan)
        for step, values in enumerate(steps):
            if plan.clock.step(step + 1) < plan.clock.n_steps:
                yield values | {(name, SPIKES): raster[step] for name, raster in rasters.items()}

    return run
