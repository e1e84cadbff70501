"""The event-driven engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from conversions.execution.executable import SPIKES, Executable
from conversions.execution.executor import EpropRun, LearningRun, Run
from hw_models import FixedPointNetwork
from ssdp_neuro.engine.learning_task import LearningTask
from ssdp_neuro.engine.results import RunResult


def prepare(executable: Executable) -> Run:
    """Compile what the network needs."""
    from ssdp_neuro import simulate
    from ssdp_neuro.engine.readiness import make_ready

    make_ready(executable.network)

    def run(spikes: Any, n_steps: int, probes: Iterable[tuple[str, str]] = ()) -> RunResult:
        return simulate(executable.network, spikes, n_steps=n_steps, probes=probes)

    return run


def prepare_learning(network: FixedPointNetwork) -> LearningRun:
    """Compile what the network and its rules need."""
    from ssdp_neuro import Session

    Session(network, learning=True).run(None, 1)

    def run(rasters: Any, n_steps: int, probes: Any, sent: Any) -> Iterator[Any]:
        """Spikes, probes and the end are those of one run, variables of one that is cut."""
        whole, cut = (Session(network, learning=True) for _ in range(2))
        result = whole.run(rasters, n_steps, probes=probes, sent=sent or None)
        names = [population.name for population in network.populations]
        fired = {(name, SPIKES): result.raster(name) for name in names}
        recorded = {probe: result.probe(*probe) for probe in probes}
        for step in range(n_steps):
            here = slice(step, step + 1)
            numbers = {name: values[here] for name, values in sent.items()}
            cut.run({n: raster[here] for n, raster in rasters.items()}, 1, sent=numbers or None)
            values = {key: array[step] for key, array in (*fired.items(), *recorded.items())}
            session = whole if step == n_steps - 1 else cut
            for name in session.learning:
                learned = session.variables(name).items()
                values |= {(name, variable): value for variable, value in learned}
            yield values

    return run


def prepare_eprop(network: FixedPointNetwork) -> EpropRun:
    """Compile what the network and its rules need."""
    from ssdp_neuro import Session, Teaching

    first = Session(network)
    first.begin_sample(Teaching(labels=[0]))
    first.run(None, 1, probes=[(lif.name, "v") for lif in network.neurons])

    def run(task: LearningTask, probes: Any) -> Iterator[Any]:
        """Spikes, probes and the end of a sample are those of one run, as with LearningRules."""
        assert task.factors.labels is not None  # the task was checked
        sessions = whole, cut = Session(network), Session(network)
        before = task.first_sample * task.n_steps
        for session in sessions:
            session.restore(dataclasses.replace(session.state(), steps_learned=before))
        batch = task.given.rasters(network, task.n_steps)
        for seen in range(task.n_seen):
            sample = seen % task.n_samples
            told = Teaching(
                labels=task.factors.labels[[sample]],
                seed=task.seed,
                learning_mask={name: bool(mask[sample]) for name, mask in task.mask.items()},
            )
            for session in sessions:
                session.begin_sample(told)
            shown = {name: rasters[sample] for name, rasters in batch.items()}
            result = whole.run(shown, task.n_steps, probes=probes)
            fired = {(name, SPIKES): result.raster(name) for name in result.populations}
            recorded = {probe: result.probe(*probe) for probe in probes}
            for step in range(task.n_steps):
                cut.run({name: raster[[step]] for name, raster in shown.items()}, 1)
                values = {key: array[step] for key, array in (*fired.items(), *recorded.items())}
                session = whole if step == task.n_steps - 1 else cut
                for name in task.plastic:
                    learned = session.variables(name).items()
                    values |= {(name, variable): value for variable, value in learned}
                yield values
            for session in sessions:
                session.end_sample()

    return run
