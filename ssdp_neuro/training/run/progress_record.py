"""How far a run is: all that is neither a tensor nor a setting."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from ssdp_neuro.training.run.choices import ScheduleKind
from ssdp_neuro.training.run.settings.optimizer import OptimizerSettings


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
    has_fired
        Whether the output was other than 0 anywhere in it.
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
    has_fired: bool = False
    history: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = -1
    best_accuracy: float = -1.0
    since_gain: int = 0
    rate_scale: float = 1.0
    since_cut: int = 0
    seconds: float = 0.0

    def begin_epoch(self) -> None:
        """Count anew."""
        self.loss_sum, self.n_correct, self.n_seen, self.has_fired = 0.0, 0, 0, False

    def count_step(self, n_samples: int) -> None:
        """One step more was made, with so many samples on all ranks."""
        self.n_seen += n_samples
        self.step += 1
        self.batch += 1

    def count(self, loss: float, n_correct: int, *, has_fired: bool) -> None:
        """Take up what a step came to; its loss is the sum over the samples."""
        self.has_fired = self.has_fired or has_fired
        self.loss_sum += loss
        self.n_correct += n_correct

    def end_epoch(self, record: EpochRecord, settings: OptimizerSettings) -> bool:
        """Take up what an epoch gave, and cut the learning rate at the end of a plateau.

        Returns
        -------
        bool
            Whether it is the best epoch so far; without validation samples each one is.
        """
        self.history.append(record)
        self.epoch, self.batch = self.epoch + 1, 0
        share = record.validation_accuracy
        if share is None or share > self.best_accuracy:
            self.best_epoch = record.epoch
            self.best_accuracy = -1.0 if share is None else share
            self.since_gain = self.since_cut = 0
            return True
        self.since_gain += 1
        self.since_cut += 1
        plateau = settings.schedule is ScheduleKind.PLATEAU
        if plateau and self.since_cut >= settings.plateau_patience:
            self.rate_scale *= settings.plateau_factor
            self.since_cut = 0
        return False

    def forget_best(self) -> None:
        """Choose the best epoch among those to come."""
        self.best_epoch, self.best_accuracy = -1, -1.0
        self.since_gain = 0

    def to_plain(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def of_plain(cls, values: dict[str, Any]) -> ProgressRecord:
        """What :meth:`to_plain` gave."""
        history = [EpochRecord(**entry) for entry in values["history"]]
        return cls(**{**values, "history": history})
