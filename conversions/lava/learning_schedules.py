"""How plastic projections learn, as a file of arrays; and as made from a checked task."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from hw_models import EpropParams, SynchronyStatistics, ThirdFactor
from hw_models.learning_schedule import LearningForm, LearningPlan, LearningSchedule, SampleClock
from ssdp_neuro.engine.learning_task import LearningTask

ARRAYS = ("learns", "gates", "labels", "losses")
SUMS = [field.name for field in dataclasses.fields(SynchronyStatistics)]


def schedules_of(task: LearningTask) -> dict[str, LearningSchedule]:
    """What teaches each plastic projection in all samples of a task, epochs included."""
    return {name: _schedule(task, name) for name in task.plastic}


def _schedule(task: LearningTask, name: str) -> LearningSchedule:
    n_epochs = task.n_seen // task.n_samples
    projection, factors = task.plastic[name], task.factors
    fields: dict[str, Any] = {}
    is_eprop = isinstance(projection.plasticity, EpropParams)
    kind = None if is_eprop else task.rule(name).third_factor
    if is_eprop:
        fields["labels"] = factors.labels
    elif kind is ThirdFactor.REWARD and factors.rewards is not None:
        fields["gates"] = factors.rewards[:, None].repeat(projection.weights.shape[0], axis=1)
    elif kind is ThirdFactor.TEACHER and projection.target in factors.teacher:
        fields["gates"] = factors.teacher[projection.target]
    elif kind is ThirdFactor.TEACHER:
        fields["labels"] = factors.labels
    elif kind is ThirdFactor.DOPAMINE:
        fields["statistics"] = task.dopamine[name]
        fields["losses"] = factors.losses
    for field, values in fields.items():
        if field != "statistics" and values is not None:
            fields[field] = np.concatenate([values] * n_epochs)
    return LearningSchedule(
        learns=np.tile(task.mask[name], n_epochs),
        seed=task.seeds[name],
        first_sample=task.first_sample,
        **fields,
    )


def write_plan(path: Path, plan: LearningPlan) -> None:
    """Put a plan into a file."""
    arrays: dict[str, Any] = {
        "form": plan.form.value,
        "clock": np.array([plan.clock.n_steps, plan.clock.period]),
        "names": np.array(list(plan.schedules), dtype=np.str_),
        "clears_traces": plan.clears_traces,
    }
    for place, schedule in enumerate(plan.schedules.values()):
        arrays[f"key{place}"] = np.array([schedule.seed, schedule.first_sample])
        for name in ARRAYS:
            if getattr(schedule, name) is not None:
                arrays[f"{name}{place}"] = getattr(schedule, name)
        if schedule.statistics is not None:  # as text: the sums may be longer than 64 bits
            sums = [str(getattr(schedule.statistics, name)) for name in SUMS]
            arrays[f"sums{place}"] = np.array(sums, dtype=np.str_)
    np.savez(path, **arrays)


def read_plan(path: Path) -> LearningPlan:
    """Take a plan from a file."""
    with np.load(path, allow_pickle=False) as arrays:
        schedules = {}
        for place, name in enumerate(arrays["names"].tolist()):
            fields: dict[str, Any] = {
                field: arrays[f"{field}{place}"] for field in ARRAYS if f"{field}{place}" in arrays
            }
            if f"sums{place}" in arrays:
                sums = map(int, arrays[f"sums{place}"].tolist())
                fields["statistics"] = SynchronyStatistics(**dict(zip(SUMS, sums, strict=True)))
            seed, first_sample = map(int, arrays[f"key{place}"])
            schedules[name] = LearningSchedule(seed=seed, first_sample=first_sample, **fields)
        n_steps, period = map(int, arrays["clock"])
        form = LearningForm(str(arrays["form"]))
        clears_traces = bool(arrays["clears_traces"])
    return LearningPlan(
        form=form,
        clock=SampleClock(n_steps=n_steps, period=period),
        schedules=schedules,
        clears_traces=clears_traces,
    )
