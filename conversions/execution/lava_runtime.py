"""Lava as its users have it: a process for every Process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conversions.execution import lava
from conversions.execution.executable import SPIKES, Executable
from conversions.execution.executor import EpropRun, LearningRun, Run
from conversions.lava.interpreter import run_in_interpreter
from conversions.lava.lava_learning import program_request
from conversions.lava.lava_run import LavaExecution, run_lava
from hw_models import FixedPointNetwork
from hw_models.learning_schedule import LearningForm
from ssdp_neuro.engine.learning_task import LearningTask

TIMEOUT_S = 120.0


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


def prepare_eprop(network: FixedPointNetwork) -> EpropRun:
    """Nothing is to be done before; weights are read once, after the last sample."""

    def run(task: LearningTask, probes: Any) -> Iterator[Any]:
        request = program_request(task, LearningForm.PROCESS, probes)
        assert request.plan is not None
        ((rasters, recorded),) = run_in_interpreter(request, TIMEOUT_S)
        fired = {(name, SPIKES): r for name, r in {**request.inputs_of(0), **rasters}.items()}
        weights = {(name, "weights"): recorded[name, "weights"] for name in task.plastic}
        clock, last = request.plan.clock, task.n_seen * task.n_steps - 1
        in_samples = [k for k in range(request.n_steps) if clock.step(k + 1) < clock.n_steps]
        for number, step in enumerate(in_samples):
            values = {key: array[step] for key, array in fired.items()}
            values |= {probe: recorded[probe][step] for probe in probes}
            yield values | (weights if number == last else {})

    return run
