"""The model's own numbers: what it returned, arranged by sample, step and class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from conversions.pytorch.calling import LayoutError, by_sample
from conversions.pytorch.network.wiring import FLOAT_NOISE
from conversions.pytorch.neurons.neuron_reading import TimeAxis
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
    if tensor.ndim == 2 and axis is TimeAxis.SECOND:
        raise LayoutError("numbers of each sample are scores, however many there are")
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


def ranks_otherwise(own: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Where scores ``(B, K)`` don't order the classes, equal ones too, as the model's own do.

    An increasing function may stand between them; bool ``(B,)``.
    """
    order = own.argsort(axis=1)
    steps, noise = [], []
    for one in (own, scores):
        steps.append(np.diff(np.take_along_axis(one, order, axis=1), axis=1))
        noise.append(FLOAT_NOISE * np.maximum(np.abs(one).max(axis=1, keepdims=True), 1e-6))
    wrong = np.where(steps[0] > noise[0], steps[1] < -noise[1], np.abs(steps[1]) > noise[1])
    return np.asarray(wrong.any(axis=1))


def is_multiple(own: np.ndarray, scores: np.ndarray) -> bool:
    """Whether the model's own numbers ``(B, K)`` are the scores times one positive factor."""
    square = float((scores * scores).sum())
    factor = float((own * scores).sum()) / square if square else 0.0
    noise = FLOAT_NOISE * max(1e-6, float(np.abs(own).max(initial=0.0)))
    return factor >= 0 and bool((np.abs(own - factor * scores) <= noise).all())
