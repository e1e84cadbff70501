"""The model's own numbers: what it returned, arranged by sample, step and class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from conversions.pytorch.calling import LayoutError, by_sample
from conversions.pytorch.network.wiring import FLOAT_NOISE
from conversions.pytorch.neurons.reading import TimeAxis
from conversions.quantization import ReadoutDecision


class OutputWay(NamedTuple):
    """What the user does with numbers of every step, and how many neighbours vote for a class."""

    over_steps: ReadoutDecision = ReadoutDecision.MEAN
    votes: int = 1


def arranged(
    tensor: torch.Tensor, axis: TimeAxis | None, n_samples: int, n_steps: int
) -> torch.Tensor:
    """An output as ``(B, T, K)``, or ``(B, 1, K)`` without time; LayoutError if it is not that."""
    if axis is None:
        if tensor.ndim == 0 or len(tensor) != n_samples:
            raise LayoutError(f"an output of shape {tuple(tensor.shape)}")
        return tensor.reshape(n_samples, 1, -1)
    return by_sample(tensor, axis, n_samples, n_steps)


def own_scores(values: np.ndarray, chosen: bool, way: OutputWay) -> np.ndarray:
    """The model's own numbers ``(B, K)``, of its output ``(B, T or 1, K)``: scores, or classes."""
    made: np.ndarray
    if way.over_steps is ReadoutDecision.LAST or chosen:
        made = values[:, -1]
    elif way.over_steps is ReadoutDecision.LARGEST:
        made = values.max(axis=1)
    else:
        made = values.sum(axis=1)
    return made if chosen else made.reshape(len(made), -1, way.votes).sum(axis=2)


def disagrees(decided: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Where scores ``(B, K)`` decide otherwise by more than rounding, bool ``(B,)``."""
    best = np.take_along_axis(scores, decided.astype(np.int64)[:, None], axis=1)[:, 0]
    noise = FLOAT_NOISE * np.maximum(np.abs(scores).max(axis=1), 1e-6)
    return np.asarray(scores.max(axis=1) - best > noise)
