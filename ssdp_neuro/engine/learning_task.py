"""What a learning run is asked to do, checked once, and what it writes down on the way.

The engine and Lava learn from the same :class:`LearningTask` and report by the same
:class:`LearningRecord`; how spikes and weights come about is their own business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import (
    DaSsdpParams,
    DenseProjection,
    EpropParams,
    FixedPointNetwork,
    InputError,
    RangeError,
    ShapeError,
    SparseProjection,
    SynchronyStatistics,
    ThirdFactor,
    TypeMismatchError,
    UnknownNameError,
)
from hw_models.arrays import flag_array, integer_array
from hw_models.eprop import MOST_STEPS, taught_population
from hw_models.errors import brief
from hw_models.integers import integer
from hw_models.random_bits import random_bits
from hw_models.records import short_repr
from ssdp_neuro.engine.learn_result import LearnResult, weight_change
from ssdp_neuro.engine.spike_input import SpikeInput, spike_input
from ssdp_neuro.engine.teaching import SampleStart, Teaching
from ssdp_neuro.engine.third_factors import ThirdFactors, third_factors, winner

MOST_PAIRS = 2**36  # of fired ends in a sample: more synapses than a memory holds


@dataclass(frozen=True, kw_only=True, eq=False)
class LearningTask:
    """A learning run, checked; made by :func:`learning_task`.

    Parameters
    ----------
    plastic
        The plastic projections by name, in the network's order.
    seeds
        By plastic projection: the first word of its random numbers' key.
    mask
        By plastic projection: which samples it learns from, bool ``(B,)``.
    dopamine
        By projection with a dopamine gate: what has been counted before.
    n_samples, n_seen
        Samples given, and all that are run, epochs together.
    """

    network: FixedPointNetwork
    plastic: Mapping[str, DenseProjection | SparseProjection]
    given: SpikeInput
    factors: ThirdFactors
    mask: Mapping[str, np.ndarray]
    dopamine: Mapping[str, SynchronyStatistics]
    seeds: Mapping[str, int]
    seed: int
    n_steps: int
    n_samples: int
    n_seen: int
    first_sample: int

    __repr__ = short_repr

    def rule(self, name: str) -> DaSsdpParams:
        """The rule of a plastic projection."""
        params = self.plastic[name].plasticity
        assert isinstance(params, DaSsdpParams)
        return params

    def ends(self, name: str) -> tuple[str, str]:
        """Source and target of a plastic projection."""
        return self.plastic[name].source, self.plastic[name].target


class LearningRecord:
    """What happened in each sample, and the dopamine statistics as they grow.

    Parameters
    ----------
    task
        The run that is recorded.
    """

    def __init__(self, task: LearningTask) -> None:
        self.task = task
        self.dopamine = dict(task.dopamine)
        targets = dict.fromkeys(projection.target for projection in task.plastic.values())
        self.spike_counts = {
            name: np.zeros((task.n_seen, task.network.population(name).n_neurons), dtype=np.int32)
            for name in targets
        }
        self.decisions = {name: np.full(task.n_seen, -1, dtype=np.int32) for name in targets}

    def note_spikes(self, seen: int, target: str, counts: Any, first_spikes: Any) -> None:
        """Write down the spikes of a target population in one sample."""
        self.spike_counts[target][seen] = counts
        self.decisions[target][seen] = winner(counts, first_spikes)

    def note_synchrony(self, seen: int, name: str, synchrony: int) -> None:
        """Count a learned sample of a projection, if it has a dopamine gate in its warm-up."""
        if name not in self.dopamine:
            return
        statistics, losses = self.dopamine[name], self.task.factors.losses
        if losses is not None and statistics.n_samples < self.task.rule(name).warm_up:
            loss = losses[seen % self.task.n_samples]
            self.dopamine[name] = statistics.add(synchrony, loss)

    def result(self, learned: FixedPointNetwork, rows_visited: Mapping[str, int]) -> LearnResult:
        """The run's result, with the weights of ``learned``."""
        task = self.task
        n_epochs = task.n_seen // task.n_samples
        return LearnResult(
            before=task.network,
            network=learned,
            n_samples=task.n_seen,
            next_sample=task.first_sample + task.n_seen,
            changes={
                name: weight_change(
                    projection,
                    learned.projection(name),
                    n_epochs * int(task.mask[name].sum()),
                    rows_visited[name],
                )
                for name, projection in task.plastic.items()
            },
            spike_counts=self.spike_counts,
            decisions=self.decisions,
            seed=task.seed,
            dopamine=self.dopamine,
        )


def learning_task(
    network: Any, spikes: Any, teaching: Teaching | None = None, *, n_steps: int
) -> LearningTask:
    """Check what :func:`ssdp_neuro.learn` was given.

    Raises
    ------
    SsdpError
        If an argument does not fit, or a sample is too long for the latency codes.
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"network: {brief(network)}; a FixedPointNetwork is needed")
    told = Teaching() if teaching is None else teaching
    if not isinstance(told, Teaching):
        raise TypeMismatchError(
            f"teaching: {type(told).__name__}; a Teaching is needed, as Teaching(labels=...)"
        )
    n_steps = integer("n_steps", n_steps, 1, 2**31 - 1)
    if learns_by_eprop(network):
        return _eprop_task(network, spikes, told, n_steps)
    plastic = plastic_projections(network, n_steps)
    if told.sent is not None or told.sample_start is not SampleStart.TRACES_CLEARED:
        raise InputError("sent, sample_start: of a LearningRule; DaSsdpParams have no use for them")
    given = spike_input(network, spikes, n_steps)
    n_samples = 1 if given.n_samples is None else given.n_samples
    statistics = dopamine_statistics(plastic, told.dopamine)
    factors = third_factors(
        network,
        n_samples,
        labels=told.labels,
        rewards=told.rewards,
        teacher=told.teacher,
        losses=told.losses,
        is_warming_up=any(
            counted.n_samples < plastic[name].plasticity.warm_up
            for name, counted in statistics.items()
        ),
    )
    return LearningTask(
        network=network,
        plastic=plastic,
        given=given,
        factors=factors,
        mask=learning_mask(told.learning_mask, list(plastic), n_samples),
        dopamine=statistics,
        seeds={name: projection_seed(told.seed, number) for number, name in enumerate(plastic)},
        seed=told.seed,
        n_steps=n_steps,
        n_samples=n_samples,
        n_seen=told.epochs * n_samples,
        first_sample=told.first_sample,
    )


def learns_by_eprop(network: FixedPointNetwork) -> bool:
    """Whether a projection has EpropParams."""
    return any(isinstance(getattr(p, "plasticity", None), EpropParams) for p in network.projections)


def _eprop_task(
    network: FixedPointNetwork, spikes: Any, told: Teaching, n_steps: int
) -> LearningTask:
    """The same of a network whose projections learn by e-prop, from labels."""
    plastic: dict[str, Any] = {}
    for projection in network.projections:
        rule = getattr(projection, "plasticity", None)
        if isinstance(rule, EpropParams):
            plastic[projection.name] = projection
        elif rule is not None:
            raise InputError(
                f"{projection.name}.plasticity: {type(rule).__name__} beside EpropParams; a call"
                " of learn teaches one kind"
            )
    taught = taught_population(network)
    for name in ("rewards", "teacher", "losses", "dopamine", "sent"):
        if getattr(told, name) is not None:
            raise InputError(f"{name}: EpropParams have no use for it; labels teach them")
    if told.sample_start is not SampleStart.TRACES_CLEARED:
        raise InputError("sample_start: of a LearningRule; EpropParams have no use for it")
    given = spike_input(network, spikes, n_steps)
    n_samples = 1 if given.n_samples is None else given.n_samples
    if told.labels is None:
        raise InputError("labels: needed; EpropParams teach the neuron of each sample's label")
    labels = integer_array("labels", told.labels, 0, taught.n_neurons - 1, np.int64)
    if labels.shape != (n_samples,):
        raise ShapeError(f"labels: shape {labels.shape}; ({n_samples},) is needed")
    last = (told.first_sample + told.epochs * n_samples) * n_steps
    if last > MOST_STEPS:
        raise RangeError(f"first_sample, epochs, n_steps: {last} steps; allowed {MOST_STEPS}")
    return LearningTask(
        network=network,
        plastic=plastic,
        given=given,
        factors=ThirdFactors(labels=labels, rewards=None, losses=None, teacher={}),
        mask=learning_mask(told.learning_mask, list(plastic), n_samples),
        dopamine={},
        seeds={name: projection_seed(told.seed, number) for number, name in enumerate(plastic)},
        seed=told.seed,
        n_steps=n_steps,
        n_samples=n_samples,
        n_seen=told.epochs * n_samples,
        first_sample=told.first_sample,
    )


def projection_seed(seed: int, number: int) -> int:
    """The first word of the key of a plastic projection's random numbers.

    The run's seed itself for the first plastic projection of the network (``number`` 0),
    and a hash of both for the others, so that no two share their bits.
    """
    return int(random_bits(seed, number)) if number else seed


def plastic_projections(network: FixedPointNetwork, n_steps: int) -> dict[str, Any]:
    """The plastic projections by name.

    Raises
    ------
    InputError
        If there is none, or one learns by a LearningRule, in epochs and not from samples.
    RangeError
        If ``n_steps`` are more than the latency codes of one can tell apart.
    """
    plastic = {}
    for projection in network.projections:
        params = getattr(projection, "plasticity", None)
        if params is None:
            continue
        if not isinstance(params, DaSsdpParams):
            raise InputError(
                f"{projection.name}.plasticity: a {type(params).__name__}; learning from samples"
                " is done by DaSsdpParams"
            )
        plastic[projection.name] = projection
        most = params.silent_code << params.latency_shift
        if n_steps > most:
            raise RangeError(
                f"{projection.name}: n_steps {n_steps}; latency_bits {params.latency_bits} and"
                f" latency_shift {params.latency_shift} allow 1..{most}"
            )
    if not plastic:
        raise InputError("no projection of the network has plasticity; nothing can learn")
    return plastic


def dopamine_statistics(plastic: Mapping[str, Any], given: Any) -> dict[str, SynchronyStatistics]:
    """What has been counted before by each projection with a dopamine gate, checked.

    Raises
    ------
    UnknownNameError, TypeMismatchError, RangeError
    """
    names = [
        name
        for name, projection in plastic.items()
        if projection.plasticity.third_factor is ThirdFactor.DOPAMINE
    ]
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise TypeMismatchError(
            f"dopamine: {brief(given)}; a mapping from projections to SynchronyStatistics is needed"
        )
    _known("dopamine", given, names)
    statistics = {}
    for name in names:
        statistics[name] = given.get(name, SynchronyStatistics())
        if not isinstance(statistics[name], SynchronyStatistics):
            raise TypeMismatchError(
                f"dopamine of {name!r}: {statistics[name]!r}; SynchronyStatistics are needed"
            )
        counted, warm_up = statistics[name].n_samples, plastic[name].plasticity.warm_up
        if counted > warm_up:
            raise RangeError(f"dopamine of {name!r}: {counted} samples; its warm_up is {warm_up}")
        given_sums = statistics[name]
        if (
            given_sums.synchrony > counted * MOST_PAIRS
            or given_sums.synchrony_squared > counted * MOST_PAIRS**2
        ):
            raise RangeError(
                f"dopamine of {name!r}: {given_sums!r}; a sample has at most {MOST_PAIRS} pairs"
            )
    return statistics


def learning_mask(given: Any, names: list[str], n_samples: int) -> dict[str, np.ndarray]:
    """Which samples each projection learns from, checked: bool ``(B,)`` by name."""
    if given is None:
        given = True
    if not isinstance(given, Mapping):
        given = dict.fromkeys(names, given)
    _known("learning_mask", given, names)
    masks = {}
    for name in names:
        mask = flag_array("learning_mask", given.get(name, True))
        if mask.shape not in {(), (n_samples,)}:
            raise ShapeError(f"learning_mask: shape {mask.shape}; ({n_samples},) is needed")
        masks[name] = np.broadcast_to(mask, (n_samples,))
    return masks


def _known(what: str, given: Mapping[str, Any], names: list[str]) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise UnknownNameError(f"{what}: {unknown[0]!r}; such plastic projections are {names}")
