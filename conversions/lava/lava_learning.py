"""Learning in Lava, with the same call and the same result as the engine's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from conversions.lava.exchange_folder import LavaRequest, Sample
from conversions.lava.interpreter import run_in_interpreter
from conversions.lava.lava_rule_learning import learn_rules_in_lava, on_one_axis
from conversions.lava.lava_run import LavaExecution
from conversions.lava.learning_schedules import schedules_of
from hw_models import FixedPointNetwork, RangeError, TypeMismatchError
from hw_models.choices import member
from hw_models.errors import brief
from hw_models.learning_schedule import LearningForm, SampleClock, learning_plan
from ssdp_neuro.engine.learn_result import LearnResult
from ssdp_neuro.engine.learning_task import LearningRecord, LearningTask, learning_task
from ssdp_neuro.engine.rule_learning import rules_of
from ssdp_neuro.engine.rule_task import rule_task
from ssdp_neuro.engine.teaching import Teaching


def learn_lava(
    network: FixedPointNetwork,
    spikes: Any,
    teaching: Teaching | None = None,
    *,
    n_steps: int,
    form: LearningForm = LearningForm.PROCESS,
    execution: LavaExecution = LavaExecution.DIRECT,
    timeout_s: float = 120.0,
) -> LearnResult:
    """Let the plastic projections of a network learn in Lava.

    All samples run one after the other in one Lava program, which knows where a sample
    ends: neurons and synapses are cleared there, weights change, gates are made. With
    ``SampleStart.ALL_AS_GIVEN`` each has a program of its own.

    Parameters
    ----------
    network, spikes, teaching, n_steps
        As of :func:`ssdp_neuro.learn`.
    form
        ``PROCESS`` computes the rule bit for bit: the result is that of the engine, but
        for ``rows_visited``, as every weight is visited. ``LOIHI`` is Lava's own
        ``LearningDense`` with a replay after each sample; it rounds stochastically by
        Lava's random numbers, whatever ``rounding`` and seed say, and is within one
        mantissa of the rule per sample. Those numbers begin anew in each call, so here a
        split of the samples matters. A :class:`hw_models.LearningRule` is computed by Lava's
        ``LearningDense`` and needs ``PROCESS``; the result is that of the engine. So does e-prop
        (:class:`hw_models.EpropParams`), in a Process of this distribution.
    execution
        Lava's models alone, or Lava's multiprocess runtime (slow: for a few samples).
    timeout_s
        Seconds that all samples together, or each program, may take in the runtime.

    Returns
    -------
    LearnResult

    Raises
    ------
    MissingExtraError
        If Lava is not installed; names the commands that install it.
    ExecutorError
        If Lava's runtime failed or hung.
    SsdpError
        If an argument does not fit, ``LOIHI`` cannot express a rule, or Lava cannot learn by a
        LearningRule: of listed synapses, with delays, without ``RandomStream.LAVA``.

    References
    ----------
    docs/explanation/fixed_point_da_ssdp.md, docs/explanation/learning_engine.md
    """
    member("form", form, LearningForm)
    member("execution", execution, LavaExecution)
    if not timeout_s > 0:
        raise RangeError(f"timeout_s: {timeout_s!r}; allowed is more than 0")
    if isinstance(network, FixedPointNetwork) and rules_of(network):
        told = Teaching() if teaching is None else teaching
        if not isinstance(told, Teaching):
            raise TypeMismatchError(f"teaching: {brief(told)}; a Teaching is needed")
        return learn_rules_in_lava(
            rule_task(network, spikes, told, n_steps=n_steps),
            form,
            lambda request: _run(request, execution, timeout_s),
        )
    task = learning_task(network, spikes, teaching, n_steps=n_steps)
    request = program_request(task, form)
    assert request.plan is not None
    rasters_out, recorded = _run(request, execution, timeout_s)
    return _result(task, request.plan.clock, {**request.inputs_of(0), **rasters_out}, recorded)


def program_request(
    task: LearningTask, form: LearningForm, probes: Sequence[tuple[str, str]] = ()
) -> LavaRequest:
    """One program, a sample of its own, in which all samples of a task are learned from."""
    plan = learning_plan(task.network, task.n_steps, form, schedules_of(task))
    inputs = {name: raster[None] for name, raster in task_rasters(task, plan.clock).items()}
    n_steps = task.n_seen * plan.clock.period
    return LavaRequest(task.network, inputs, 1, n_steps, probes, plan)


def task_rasters(task: LearningTask, clock: SampleClock) -> dict[str, np.ndarray]:
    """Input spikes of all samples on one axis of steps, bool ``(n_seen * period, N)``."""
    rasters = {}
    for name, batch in task.given.rasters(task.network, task.n_steps).items():
        rasters[name] = on_one_axis(
            np.concatenate([batch] * (task.n_seen // task.n_samples)), clock
        )
    return rasters


def _run(request: LavaRequest, execution: LavaExecution, timeout_s: float) -> Sample:
    if execution is LavaExecution.RUNTIME:
        (sample,) = run_in_interpreter(request, timeout_s)
        return sample
    from hw_models.lava_processes.sample_run import run_sample_direct

    return run_sample_direct(
        request.network,
        request.inputs_of(0),
        request.n_steps,
        (),
        request.plan,
        request.rules,
        request.sent_in(0),
    )


def _result(task: LearningTask, clock: SampleClock, rasters: Any, recorded: Any) -> LearnResult:
    record = LearningRecord(task)
    shape = (task.n_seen, clock.period, -1)
    samples = {name: r.reshape(shape)[:, : clock.n_steps] for name, r in rasters.items()}
    counts = {name: raster.sum(axis=1) for name, raster in samples.items()}
    for seen in range(task.n_seen):
        for target in record.spike_counts:
            fired = samples[target][seen]
            first_spikes = np.where(fired.any(axis=0), fired.argmax(axis=0), task.n_steps)
            record.note_spikes(seen, target, counts[target][seen], first_spikes)
        for name in record.dopamine:
            if task.mask[name][seen % task.n_samples]:
                n_pre, n_post = (
                    int(np.count_nonzero(counts[end][seen])) for end in task.ends(name)
                )
                record.note_synchrony(seen, name, n_pre * n_post)
    learned: list[Any] = [
        dataclasses.replace(projection, weights=recorded[name, "weights"])
        for name, projection in task.plastic.items()
    ]
    n_epochs = task.n_seen // task.n_samples
    rows_visited = {
        name: task.network.population(projection.source).n_neurons
        * n_epochs
        * int(task.mask[name].sum())
        for name, projection in task.plastic.items()
    }
    return record.result(task.network.replace(*learned), rows_visited)
