"""What teaches plastic projections beside the spikes: one record for every learner."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from hw_models.choices import member
from hw_models.integers import integer


class SampleStart(enum.Enum):
    """What is left of learning by rules when the network begins afresh with another sample.

    ``TRACES_KEPT``: all of it; traces and spikes of an epoch under way go on into the sample.
    ``TRACES_CLEARED``: weights and tags; traces are 0 and no spike has been heard, epochs and
    random numbers go on. ``ALL_AS_GIVEN``: nothing; samples are independent copies.
    """

    TRACES_KEPT = "traces kept"
    TRACES_CLEARED = "traces cleared"
    ALL_AS_GIVEN = "all as given"


@dataclass(frozen=True, kw_only=True, eq=False)
class Teaching:
    """What a learning run is told about its ``B`` samples, and how it goes through them.

    Whether it fits the network and its rules is checked by the learner.

    Parameters
    ----------
    labels
        For rules with ``ThirdFactor.TEACHER``: the neuron of the target population that
        should win each sample, int ``(B,)``.
    rewards
        For rules with ``ThirdFactor.REWARD``: one per sample, int ``(B,)``, in 1/128,
        -256..255.
    teacher
        Instead of labels: signed errors, int ``(B, n_post)``, in 1/128, -256..255; or a
        mapping from target populations to such arrays.
    losses
        For rules with ``ThirdFactor.DOPAMINE``, as long as one is in its warm-up: the loss
        of each sample in any unit, int ``(B,)``, 32 bits.
    dopamine
        For the same rules: what has been counted before, the ``dopamine`` of an earlier
        result; a mapping from plastic projections to :class:`hw_models.SynchronyStatistics`.
        Nothing if not given.
    seed
        Key of the stochastic rounding, 0..2**63 - 1.
    epochs
        How often the samples are gone through, from 1.
    learning_mask
        Which samples are learned from, bool ``(B,)``; or a mapping from plastic
        projections to that or to a bool (those not named learn). All if not given.
    first_sample
        Number of the first sample, part of the key of the stochastic rounding.
    sample_start
        For a LearningRule: what each sample begins with.
    sent
        For rules with ``PostTraces.SENT``: a mapping from projections to what their targets
        send as y1, y2 and y3, int ``(B, n_steps, 3, n_post)``, 32 bits. Zeros if not given.

    Raises
    ------
    RangeError, TypeMismatchError
        If a number is not one of those.
    """

    labels: Any = None
    rewards: Any = None
    teacher: Any = None
    losses: Any = None
    dopamine: Any = None
    seed: int = 0
    epochs: int = 1
    learning_mask: Any = None
    first_sample: int = 0
    sample_start: SampleStart = SampleStart.TRACES_CLEARED
    sent: Any = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("seed", 0, 2**63 - 1),
            ("epochs", 1, 2**31 - 1),
            ("first_sample", 0, 2**62),
        ):
            object.__setattr__(self, name, integer(name, getattr(self, name), low, high))
        member("sample_start", self.sample_start, SampleStart)
