"""What ``ssdp-neuro learn`` does: a lesson on a network, and its accuracy before and after."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

import ssdp_neuro  # its verbs load their kernels when they are called
from hw_models import (
    DaSsdpParams,
    EpropParams,
    FixedPointNetwork,
    InputError,
    LearningRule,
    Rounding,
    ThirdFactor,
)
from ssdp_neuro.data import SpikeDataset, Subset, to_arrays
from ssdp_neuro.dataset_run import decisions, network_spikes, only_input
from ssdp_neuro.engine.learn_result import WeightChange, weight_change
from ssdp_neuro.engine.teaching import Teaching
from ssdp_neuro.rules.da_ssdp import DaSsdp
from ssdp_neuro.rules.names import THIRD_FACTORS, RuleName
from ssdp_neuro.rules.teacher_input import TEACHER, teacher_spikes, with_teacher, without_teacher

MOST_LATENCY_BITS = 8


# the error gate chooses its neurons itself, and a reward is for what the network did
FORCED = (ThirdFactor.CONSTANT, ThirdFactor.DOPAMINE)
FORCED_STEP = 3


def chip_rule(rule: RuleName, real: DaSsdp, n_samples: int) -> DaSsdpParams:
    """A rule in integers whose constants are in weight mantissas and steps.

    Parameters
    ----------
    rule
        One that learns on the chip.
    real
        Largest changes of a weight by one sample, width of the kernel, steps of a sample.
    n_samples
        A warm-up of the dopamine gate lasts for all of them once.
    """
    third_factor = THIRD_FACTORS[rule]
    n_steps, by_teacher = real.n_steps, third_factor is ThirdFactor.TEACHER
    bits = next((b for b in range(5, MOST_LATENCY_BITS) if n_steps < 1 << b), MOST_LATENCY_BITS)
    params, _ = real.to_fixed(
        latency_bits=bits,
        weight_unit=1.0,
        rounding=Rounding.STOCHASTIC,
        third_factor=third_factor,
        teacher_latency=min(FORCED_STEP, n_steps - 1) if by_teacher else 0,
        warm_up=max(2, n_samples) if third_factor is ThirdFactor.DOPAMINE else 0,
    )
    return params


@dataclass(frozen=True, kw_only=True, eq=False)
class LessonResult:
    """A network that had a lesson.

    Parameters
    ----------
    network
        With what it learned, without the teacher.
    change
        Of the weights of the plastic projection.
    n_seen
        Samples seen, a warm-up included.
    warm_up
        Samples of it, of which nothing was learned.
    """

    network: FixedPointNetwork
    change: WeightChange
    n_seen: int
    warm_up: int


def teach(
    network: FixedPointNetwork, name: str, lesson: SpikeDataset, *, epochs: int, seed: int
) -> LessonResult:
    """Let one plastic projection learn labelled samples.

    With a constant or dopamine gate the labelled neuron is forced to fire; the losses of a
    dopamine gate's warm-up are the spikes of the best rival less those of the labelled neuron. A
    reward is one if the network decides for the label in this epoch, minus one if not.

    Parameters
    ----------
    network
        With plasticity in the projection ``name`` to its output.
    lesson
        Samples whose labels are neurons of the output.
    epochs
        How often they are gone through.
    seed
        Of the stochastic rounding.

    Raises
    ------
    SsdpError
        If the network cannot be taught so.
    """
    readout: Any = network.projection(name)
    rule: DaSsdpParams = readout.plasticity
    if len(lesson) == 0:
        raise InputError("the data have no sample of the classes to be learned")
    is_forced = rule.third_factor in FORCED
    learner = with_teacher(network, readout.target) if is_forced else network
    factors: dict[str, Any] = {}
    first = 0
    if rule.third_factor is ThirdFactor.DOPAMINE:
        shown = Subset(dataset=lesson, places=np.arange(rule.warm_up) % len(lesson))
        losses = _losses(network, readout.target, shown)
        counted = ssdp_neuro.learn(
            learner,
            _given(learner, name, shown),
            Teaching(losses=losses, seed=seed),
            n_steps=lesson.n_steps,
        )
        factors["dopamine"], first = counted.dopamine, counted.next_sample
    if rule.third_factor is ThirdFactor.TEACHER:
        factors["labels"] = lesson.labels
    rounds, epochs_each = 1, epochs
    if rule.third_factor is ThirdFactor.REWARD:
        rounds, epochs_each = epochs, 1
    given = _given(learner, name, lesson)
    for _ in range(rounds):
        if rule.third_factor is ThirdFactor.REWARD:
            source = only_input(learner, but=(TEACHER,))
            right = decisions(learner, lesson, readout.target, source=source) == lesson.labels
            factors["rewards"] = np.where(right, 128, -128)
        told = Teaching(epochs=epochs_each, first_sample=first, seed=seed, **factors)
        result = ssdp_neuro.learn(learner, given, told, n_steps=lesson.n_steps)
        learner, first = result.network, result.next_sample
    learned = without_teacher(learner) if is_forced else learner
    n_updates = len(lesson) * epochs
    change = weight_change(readout, learned.projection(name), n_updates, 0)
    return LessonResult(network=learned, change=change, n_seen=first, warm_up=rule.warm_up)


def stored_rule(network: FixedPointNetwork, name: str) -> DaSsdpParams:
    """The rule that a projection has.

    Raises
    ------
    InputError
        If it has none, or one that learns in every epoch and not from samples.
    """
    rule: DaSsdpParams | EpropParams | LearningRule | None = getattr(
        network.projection(name), "plasticity", None
    )
    known = [rule.value for rule in THIRD_FACTORS]
    if isinstance(rule, (EpropParams, LearningRule)):
        raise InputError(
            f"{name}: the file has {type(rule).__name__} for it, and lessons teach by DA-SSDP; name"
            f" a form of that by --rule, of {known}"
        )
    if rule is None:
        raise InputError(f"{name}: the file has no rule for it; name one by --rule, of {known}")
    return rule


def without_other_rules(network: FixedPointNetwork, name: str) -> FixedPointNetwork:
    """The network with fixed weights in every projection but one."""
    fixed: list[Any] = [
        dataclasses.replace(projection, plasticity=None)
        for projection in network.projections
        if projection.name != name and getattr(projection, "plasticity", None) is not None
    ]
    return network.replace(*fixed)


def _given(network: FixedPointNetwork, name: str, lesson: SpikeDataset) -> dict[str, np.ndarray]:
    """Input spikes of a lesson; with those of the teacher if the network has one."""
    source = only_input(network, but=(TEACHER,))
    given = {source: network_spikes(network, source, to_arrays(lesson)[0])}
    if any(population.name == TEACHER for population in network.inputs):
        n_outputs = network.population(network.projection(name).target).n_neurons
        step = min(FORCED_STEP, lesson.n_steps - 1)
        given[TEACHER] = teacher_spikes(lesson.labels, n_outputs, lesson.n_steps, step=step)
    return given


def _losses(network: FixedPointNetwork, target: str, samples: SpikeDataset) -> np.ndarray:
    """Spikes of the best rival less those of the labelled neuron, int64 ``(B,)``."""
    source = only_input(network)
    given = {source: network_spikes(network, source, to_arrays(samples)[0])}
    run = ssdp_neuro.simulate(network, given, n_steps=samples.n_steps, n_threads=1)
    counts = run.raster(target).sum(axis=1).astype(np.int64)
    rows = np.arange(len(samples))
    own = counts[rows, samples.labels]
    counts[rows, samples.labels] = -1
    return counts.max(axis=1) - own
