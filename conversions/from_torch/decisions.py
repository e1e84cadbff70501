"""How a model makes classes of what its last layer does, found in its own run."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor
from torch.utils._pytree import tree_leaves

from conversions.quantization import ReadoutDecision
from ssdp_neuro.decision import UNDECIDED, decide, grouped

# two ways to decide that are the same for nearly every sample can't be told apart, nor need be
_AGREEMENT = 0.75


class ModelDecision(NamedTuple):
    """Which potential of a readout counts, and how many spiking neurons vote for a class."""

    readout: ReadoutDecision = ReadoutDecision.MEAN
    neurons_per_class: int = 1


def scores_of(out: Any, n_samples: int) -> list[np.ndarray]:
    """Tensors ``(B, K)`` in what a model returned: numbers that may be of classes."""
    return [
        leaf.detach().double().cpu().numpy()
        for leaf in tree_leaves(out)
        if isinstance(leaf, Tensor) and leaf.ndim == 2 and len(leaf) == n_samples > 1
    ]


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
    found: list[tuple[float, ModelDecision]] = []
    if potentials is not None and classes == n_neurons:
        for way in ReadoutDecision:
            agreement = float((way.decide(potentials) == decided).mean())
            found.append((agreement, ModelDecision(readout=way)))
    elif spikes is not None and classes < n_neurons:
        votes = decide(grouped(spikes, n_neurons // classes))
        some = votes != UNDECIDED
        agreement = float((votes == decided)[some].mean()) if some.any() else 0.0
        found.append((agreement, ModelDecision(neurons_per_class=n_neurons // classes)))
    agreement, best = max(found, key=lambda one: one[0], default=(0.0, ModelDecision()))
    return best if agreement >= _AGREEMENT else None
