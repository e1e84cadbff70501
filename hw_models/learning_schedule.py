"""What teaches the plastic projections over a sequence of samples, on a clock of samples.

This is what a learning program has beside its network: the engine's learner keeps the same
things, Lava's Processes are given them when they are built.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hw_models.choices import member
from hw_models.dopamine import GATE_ONE, SynchronyStatistics
from hw_models.errors import RangeError, ShapeError
from hw_models.network import FixedPointNetwork
from hw_models.plasticity import DaSsdpParams
from hw_models.records import short_repr


class LearningForm(enum.Enum):
    """How a plastic projection becomes Lava Processes.

    ``PROCESS`` is a Process of this distribution that computes the rule bit for bit.
    ``LOIHI`` is Lava's own three-factor ``LearningDense``, unmodified, which sees the
    rule in a replay after each sample: compatible with Loihi 2 in form, checked in
    Lava's CPU model, nothing more.
    """

    PROCESS = "process"
    LOIHI = "loihi"


@dataclass(frozen=True, kw_only=True)
class SampleClock:
    """Samples of ``n_steps`` steps, one every ``period`` steps.

    Lava counts time steps from 1; samples and the steps in them count from 0.
    """

    n_steps: int
    period: int

    def __post_init__(self) -> None:
        if not 1 <= self.n_steps <= self.period:
            raise RangeError(f"SampleClock.n_steps: {self.n_steps}; allowed 1..{self.period}")

    def sample(self, time_step: int) -> int:
        """The sample to which a time step of Lava belongs."""
        return (time_step - 1) // self.period

    def step(self, time_step: int) -> int:
        """Steps since that sample began; ``n_steps`` and more when it is over."""
        return (time_step - 1) % self.period


@dataclass(frozen=True, kw_only=True, eq=False)
class LearningSchedule:
    """What teaches one plastic projection in ``B`` samples.

    Parameters
    ----------
    learns
        Which samples it learns from, bool ``(B,)``.
    seed, first_sample
        Of the key of its random numbers.
    gates
        Given third factors, int32 ``(B, n_post)`` in 1/128; None if one of the next two
        makes them.
    labels
        The neuron that should win each sample, int64 ``(B,)``.
    losses, statistics
        For a dopamine gate: int64 ``(B,)``, and what was counted before.

    Raises
    ------
    ShapeError
        If an array is not of ``B`` samples.
    """

    learns: np.ndarray
    seed: int = 0
    first_sample: int = 0
    gates: np.ndarray | None = None
    labels: np.ndarray | None = None
    losses: np.ndarray | None = None
    statistics: SynchronyStatistics | None = None

    __repr__ = short_repr

    def __post_init__(self) -> None:
        for name in ("gates", "labels", "losses"):
            array = getattr(self, name)
            if array is not None and len(array) != self.learns.size:
                raise ShapeError(
                    f"LearningSchedule.{name}: shape {array.shape}; learns has"
                    f" {self.learns.size} samples"
                )

    def learned_gates(self, n_post: int) -> np.ndarray:
        """Gates int32 ``(B, n_post)``: the given ones or one, 0 in what is not learned."""
        given = GATE_ONE if self.gates is None else self.gates
        gates = np.full((self.learns.size, n_post), given, dtype=np.int32)
        gates[~self.learns] = 0
        return gates


@dataclass(frozen=True, kw_only=True, eq=False)
class LearningPlan:
    """How a network learns: in which form, on which clock, and from what.

    With ``clears_traces``, what a LearningRule heard before a sample is forgotten.
    """

    form: LearningForm
    clock: SampleClock
    schedules: Mapping[str, LearningSchedule] = field(repr=False)
    clears_traces: bool = False

    def __post_init__(self) -> None:
        member("LearningPlan.form", self.form, LearningForm)


def learning_plan(
    network: FixedPointNetwork,
    n_steps: int,
    form: LearningForm,
    schedules: Mapping[str, LearningSchedule],
    clears_traces: bool = False,
) -> LearningPlan:
    """The plan for samples of ``n_steps`` steps, with the clock that the form needs.

    Between samples there is time for a replay, and for spikes under way to arrive nowhere.
    """
    n_replay = 0
    if form is LearningForm.LOIHI:
        rules = (getattr(projection, "plasticity", None) for projection in network.projections)
        n_replay = max(n_replay_steps(rule, n_steps) for rule in rules if rule is not None)
    delays = (getattr(projection, "delays", None) for projection in network.projections)
    longest = max((int(d.max(initial=0)) for d in delays if d is not None), default=0)
    clock = SampleClock(n_steps=n_steps, period=n_steps + max(n_replay, longest))
    return LearningPlan(form=form, clock=clock, schedules=schedules, clears_traces=clears_traces)


def n_replay_steps(rule: DaSsdpParams, n_steps: int) -> int:
    """Steps of a replay: one per latency code that a sample can have, and one for silence."""
    return ((n_steps - 1) >> rule.latency_shift) + 2
