"""How a model makes classes of what its last layer does, found in its own run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from conversions.quantization import ReadoutDecision
from ssdp_neuro.decision import UNDECIDED, decide, grouped

# two ways to decide that are the same for nearly every sample can't be told apart, nor need be
_AGREEMENT = 0.75
_ALIKE = 1 - 1e-6


class ModelDecision(NamedTuple):
    """Which potential of a readout counts, and how many spiking neurons vote for a class."""

    readout: ReadoutDecision = ReadoutDecision.MEAN
    neurons_per_class: int = 1


def scores_of(out: Any, n_samples: int, n_steps: int) -> list[np.ndarray]:
    """Tensors ``(B, K)`` in what a model returned: numbers that may be of classes.

    If there are none, those of every step, ``(T, B, K)`` or ``(B, T, K)``, summed over steps.
    """
    leaves = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
    found = [leaf for leaf in leaves if leaf.ndim == 2 and len(leaf) == n_samples > 1]
    if not found:
        axes = {torch.Size([n_steps, n_samples]): 0, torch.Size([n_samples, n_steps]): 1}
        found = [
            leaf.sum(axes[leaf.shape[:2]])
            for leaf in leaves
            if leaf.ndim == 3 and leaf.shape[:2] in axes and n_samples > 1
        ]
    return [leaf.detach().double().cpu().numpy() for leaf in found]


def model_decision(
    scores: list[np.ndarray], *, potentials: np.ndarray | None, spikes: np.ndarray | None
) -> ModelDecision | None:
    """The way to decide that agrees with the model; None if its output does not show it.

    Parameters
    ----------
    scores
        As :func:`scores_of` gives them.
    potentials, spikes
        Of the last layer in the model's own run, ``(B, T, N)``, whichever it has.
    """
    n_neurons = (spikes if potentials is None else potentials).shape[2]  # type: ignore[union-attr]
    fitting = [s for s in scores if s.shape[1] > 1 and n_neurons % s.shape[1] == 0]
    if len(fitting) != 1:
        return None
    classes, decided = fitting[0].shape[1], fitting[0].argmax(axis=1)
    found: list[tuple[tuple[float, float], ModelDecision]] = []
    if potentials is not None and classes == n_neurons:
        for way in ReadoutDecision:
            agreement = float((way.decide(potentials) == decided).mean())
            alike = _likeness(_REDUCED[way](potentials), fitting[0])
            found.append(((agreement, alike), ModelDecision(readout=way)))
    elif spikes is not None and classes < n_neurons:
        votes = decide(grouped(spikes, n_neurons // classes))
        some = votes != UNDECIDED
        agreement = float((votes == decided)[some].mean()) if some.any() else 0.0
        found.append(((agreement, 1.0), ModelDecision(neurons_per_class=n_neurons // classes)))
    if not found:
        return None
    # several ways may decide alike on these samples; the model's own also makes its numbers
    exact = [one for one in found if one[0][1] > _ALIKE]
    (agreement, _), best = max(exact or found, key=lambda one: one[0])
    return best if agreement >= _AGREEMENT else None


_REDUCED: dict[ReadoutDecision, Callable[[np.ndarray], np.ndarray]] = {
    ReadoutDecision.MEAN: lambda potentials: potentials.mean(axis=1),
    ReadoutDecision.LAST: lambda potentials: potentials[:, -1],
    ReadoutDecision.LARGEST: lambda potentials: potentials.max(axis=1),
}


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of numbers ``(B, K)``; what a logarithm of a softmax takes off is left out."""
    first, second = (values - values.mean(axis=1, keepdims=True) for values in (one, other))
    size = float(np.sqrt(np.square(first).sum() * np.square(second).sum()))
    return float((first * second).sum()) / size if size > 0 and math.isfinite(size) else 0.0
