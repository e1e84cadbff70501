"""How far a run is: all that is neither a tensor nor a setting."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """What one epoch gave.

    Parameters
    ----------
    epoch
        From 0.
    loss
        Mean over the training samples, as they were trained on.
    train_accuracy
        Share of them whose highest score was the right one.
    validation_accuracy
        By the decision of the chip's output; ``None`` without validation samples.
    learning_rate
        Of the last step.
    quantized
        Whether it was trained on the chip's integers.
    """

    epoch: int
    loss: float
    train_accuracy: float
    validation_accuracy: float | None
    learning_rate: float
    quantized: bool


@dataclass(kw_only=True)
class ProgressRecord:
    """How far a run is; changes with every step.

    Parameters
    ----------
    epoch, batch
        What comes next.
    step
        Steps made so far.
    loss_sum, n_correct, n_seen
        Of the epoch under way.
    history
        Of the epochs that have ended.
    best_epoch, best_accuracy
        So far; -1 before the first.
    since_gain
        Epochs since the best one.
    rate_scale, since_cut
        What plateaus have made of the learning rate, and epochs since the last of them.
    seconds
        Spent so far; the one thing that differs between equal runs.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    n_correct: int = 0
    n_seen: int = 0
    history: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = -1
    best_accuracy: float = -1.0
    since_gain: int = 0
    rate_scale: float = 1.0
    since_cut: int = 0
    seconds: float = 0.0

    def to_plain(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def of_plain(cls, values: dict[str, Any]) -> ProgressRecord:
        """What :meth:`to_plain` gave."""
        history = [EpochRecord(**entry) for entry in values["history"]]
        return cls(**{**values, "history": history})
