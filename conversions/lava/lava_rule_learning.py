"""Learning by rules of the learning engine in Lava: samples, as the engine has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conversions.lava.exchange_folder import LavaRequest, Sample
from hw_models import FixedPointNetwork, InputError
from hw_models.learning_schedule import LearningForm, LearningSchedule, SampleClock, learning_plan
from ssdp_neuro.engine.learn_result import LearnResult
from ssdp_neuro.engine.rule_task import RuleRecord, RuleTask
from ssdp_neuro.engine.teaching import SampleStart


def learn_rules_in_lava(
    task: RuleTask, form: LearningForm, run: Callable[[LavaRequest], Sample]
) -> LearnResult:
    """Let projections learn by their LearningRule in Lava's ``LearningDense``.

    Parameters
    ----------
    task
        What is to be learned.
    form
        ``PROCESS``; the other one is a replay of DaSsdpParams.
    run
        Runs a request of one sample: all samples on one axis of steps, or one that begins as
        the network was given.
    """
    if form is not LearningForm.PROCESS:
        raise InputError(
            f"form: {form}; it replays DaSsdpParams to a LearningDense. A LearningRule is"
            " Lava's own LearningDense in any case, LearningForm.PROCESS is needed"
        )
    record = RuleRecord(task)
    if task.told.sample_start is SampleStart.ALL_AS_GIVEN:
        return _copies(task, record, form, run)
    learns = {name: np.tile(mask, task.told.epochs) for name, mask in task.mask.items()}
    learned = _learn(task, record, form, run, np.arange(task.n_seen), learns)
    visited = {name: _visited(p, learns[name].sum() * task.n_steps) for name, p in _rules(task)}
    return record.result(learned, visited)


def _copies(
    task: RuleTask, record: RuleRecord, form: LearningForm, run: Callable[[LavaRequest], Sample]
) -> LearnResult:
    """Every sample in a program of its own; epochs repeat them."""
    copies = []
    for sample in range(task.n_samples):
        learns = {name: mask[sample : sample + 1] for name, mask in task.mask.items()}
        seen = np.arange(sample, task.n_seen, task.n_samples)
        copies.append(_learn(task, record, form, run, seen[:1], learns))
        for name in record.spike_counts:
            record.spike_counts[name][seen] = record.spike_counts[name][sample]
            record.decisions[name][seen] = record.decisions[name][sample]
    visited = {
        name: task.told.epochs * int(task.mask[name].sum()) * _visited(p, task.n_steps)
        for name, p in _rules(task)
    }
    return record.result(copies[-1], visited, tuple(copies * task.told.epochs))


def _learn(
    task: RuleTask,
    record: RuleRecord,
    form: LearningForm,
    run: Callable[[LavaRequest], Sample],
    seen: np.ndarray,
    learns: Mapping[str, np.ndarray],
) -> FixedPointNetwork:
    """Show the samples of these numbers, one after the other in one program."""
    schedules = {name: LearningSchedule(learns=mask) for name, mask in learns.items()}
    clears = task.told.sample_start is SampleStart.TRACES_CLEARED
    plan = learning_plan(task.network, task.n_steps, form, schedules, clears)
    samples = seen % task.n_samples
    given = task.given.rasters(task.network, task.n_steps)
    request = LavaRequest(
        task.network,
        {name: on_one_axis(batch[samples], plan.clock)[None] for name, batch in given.items()},
        1,
        len(seen) * plan.clock.period,
        (),
        plan,
        rules=True,
        sent={n: on_one_axis(batch[samples], plan.clock)[None] for n, batch in task.sent.items()},
    )
    rasters, recorded = run(request)
    for name in record.spike_counts:
        shape = (len(seen), plan.clock.period, -1)
        fired = rasters[name].reshape(shape)[:, : task.n_steps]
        first = np.where(fired.any(axis=1), fired.argmax(axis=1), task.n_steps)
        for number, at in enumerate(seen):
            record.note_spikes(at, name, fired[number].sum(axis=0), first[number])
    learned: list[Any] = [
        dataclasses.replace(
            projection,
            weights=recorded[name, "weights"],
            **{
                tag: recorded[name, tag]
                for tag, products in (
                    ("tag_1", projection.plasticity.dt),
                    ("tag_2", projection.plasticity.dd),
                )
                if products
            },
        )
        for name, projection in _rules(task)
    ]
    return task.network.replace(*learned)


def on_one_axis(batch: np.ndarray, clock: SampleClock) -> np.ndarray:
    """Samples ``(B, n_steps, ...)`` one after the other, ``(B * period, ...)``, zeros between."""
    rest = ((0, 0), (0, clock.period - clock.n_steps), *((0, 0),) * (batch.ndim - 2))
    return np.pad(batch, rest).reshape(-1, *batch.shape[2:])


def _rules(task: RuleTask) -> Any:
    return task.rules.items()


def _visited(projection: Any, n_steps: int) -> int:
    """Lava visits every synapse in every epoch."""
    return int(n_steps) // projection.plasticity.epoch * projection.weights.size
