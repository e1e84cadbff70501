"""What a study finds: one row per data set, task, rule and seed."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.few_shot_study.settings import Method
from ssdp_neuro.decision import accuracy


class Task(enum.Enum):
    """What is learned: all classes together, new ones one after the other, or a drifted input."""

    REHEARSED = "rehearsed"
    CONTINUAL = "continual"
    DRIFT = "drift"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Accuracy of one readout on test samples.

    Parameters
    ----------
    data, task, rule, seed
        Of which experiment.
    shots
        Samples of each class in the lesson.
    drift
        Kind of drift, or "".
    everything, trained, new
        Accuracy on all test samples, and on those of trained and of new classes; the last
        one is None where there are none.
    seconds
        Learning took.
    """

    data: str
    task: str
    rule: str
    seed: int
    shots: int
    drift: str
    everything: float
    trained: float
    new: float | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return asdict(self)


def measurement(
    decided: np.ndarray,
    labels: np.ndarray,
    n_trained: int,
    *,
    data: str,
    task: Task,
    rule: Method,
    seed: int,
    shots: int,
    drift: str = "",
    seconds: float,
) -> Measurement:
    """Compare decisions with labels, of which the first ``n_trained`` classes were trained."""
    old = labels < n_trained
    return Measurement(
        data=data,
        task=task.value,
        rule=rule.value,
        seed=seed,
        shots=shots,
        drift=drift,
        everything=accuracy(decided, labels),
        trained=accuracy(decided[old], labels[old]),
        new=None if old.all() else accuracy(decided[~old], labels[~old]),
        seconds=seconds,
    )
