"""The decision of a classifier: one rule for every executor, in PyTorch or in integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import InputError, ShapeError
from hw_models.arrays import plain_array, spike_array

UNDECIDED = -1


def decide(raster: Any) -> np.ndarray:
    """Class of each sample: most output spikes, then the earliest first spike, then the lowest.

    Parameters
    ----------
    raster : bool or 0/1, shape (B, T, N)
        Spikes of the output population, one neuron per class.

    Returns
    -------
    int64, shape (B,)
        Index of the neuron, or ``UNDECIDED`` (-1) where none fired.

    Raises
    ------
    ShapeError
        If the raster does not have three axes, or no neurons.

    Examples
    --------
    >>> raster = np.zeros((2, 4, 3), dtype=bool)
    >>> raster[0, [1, 3], 2] = raster[0, [0, 3], 1] = True
    >>> decide(raster).tolist()
    [1, -1]
    """
    fired = spike_array("raster", raster)
    if fired.ndim != 3:
        raise ShapeError(f"decide: raster of shape {fired.shape}; (B, T, N) is needed")
    if fired.shape[2] == 0:
        raise ShapeError(f"decide: raster of shape {fired.shape}; at least one neuron is needed")
    counts = fired.sum(axis=1)
    n_steps = fired.shape[1]
    earliness = n_steps - first_spikes(fired)
    score = counts.astype(np.int64) * (n_steps + 1) + earliness
    return np.where(counts.any(axis=1), score.argmax(axis=1), UNDECIDED)


def grouped(raster: Any, neurons_per_class: int) -> np.ndarray:
    """Spikes of neighbouring neurons that vote for one class, as if of one neuron.

    Parameters
    ----------
    raster : bool or 0/1, shape (B, T, N)
    neurons_per_class
        Neurons ``k * neurons_per_class`` to ``(k + 1) * neurons_per_class - 1`` vote for class k.

    Returns
    -------
    bool, shape (B, T * neurons_per_class, N // neurons_per_class)
        For :func:`decide`: the votes of a step follow each other.

    Raises
    ------
    ShapeError
        If the neurons can't be divided like this.
    """
    fired = spike_array("raster", raster)
    if fired.ndim != 3 or neurons_per_class < 1 or fired.shape[2] % neurons_per_class:
        raise ShapeError(
            f"grouped: raster of shape {fired.shape} by {neurons_per_class} neurons;"
            " (B, T, N) is needed, N a multiple of them"
        )
    n_samples, n_steps, n_neurons = fired.shape
    n_classes = n_neurons // neurons_per_class
    apart = fired.reshape(n_samples, n_steps, n_classes, neurons_per_class)
    return apart.swapaxes(2, 3).reshape(n_samples, n_steps * neurons_per_class, n_classes)


def first_spikes(raster: Any) -> np.ndarray:
    """Step of each neuron's first spike, int64 ``(B, N)`` of ``(B, T, N)``; T if silent."""
    fired = spike_array("raster", raster)
    if fired.ndim != 3:
        raise ShapeError(f"first_spikes: raster of shape {fired.shape}; (B, T, N) is needed")
    n_steps = fired.shape[1]
    if 0 in fired.shape:
        return np.full((len(fired), fired.shape[2]), n_steps, dtype=np.int64)
    return np.where(fired.any(axis=1), fired.argmax(axis=1), n_steps)


def accuracy(decisions: Any, labels: Any) -> float:
    """Share of samples decided as labelled; undecided ones count as wrong.

    Raises
    ------
    InputError
        If there are no samples, not as many decisions as labels, or these are no integers.
    """
    decided, wanted = plain_array("decisions", decisions), plain_array("labels", labels)
    if decided.shape != wanted.shape or decided.size == 0:
        raise InputError(
            f"accuracy: decisions {decided.shape} and labels {wanted.shape};"
            " equal shapes with at least one sample are needed"
        )
    for what, values in (("decisions", decided), ("labels", wanted)):
        if values.dtype.kind not in "iu":
            raise InputError(f"accuracy: {what} of dtype {values.dtype}; integers are needed")
    return float((decided == wanted).mean())


@dataclass(frozen=True, kw_only=True)
class ClassAccuracy:
    """Accuracy on all samples, and on those of old and of new classes, as fractions.

    Parameters
    ----------
    everything
        Of all samples.
    trained, new
        Of those whose classes come first, and of the others; None if there is none.
    """

    everything: float
    trained: float | None
    new: float | None


def class_accuracy(decisions: Any, labels: Any, n_trained: int) -> ClassAccuracy:
    """Accuracy by old and new classes: labels below ``n_trained``, and the others.

    Raises
    ------
    InputError
        If there are no samples, or not as many decisions as labels.
    """
    decided, wanted = np.asarray(decisions), np.asarray(labels)
    everything = accuracy(decided, wanted)
    old = wanted < n_trained
    trained, new = (
        accuracy(decided[some], wanted[some]) if some.any() else None for some in (old, ~old)
    )
    return ClassAccuracy(everything=everything, trained=trained, new=new)
