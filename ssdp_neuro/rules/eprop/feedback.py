"""Weights by which errors come back to hidden neurons."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from hw_models import RangeError, ShapeError
from hw_models.choices import choice
from hw_models.integers import integer
from ssdp_neuro.rules.eprop.array_kind import is_tensor, real_values, same_kind


class Feedback(enum.Enum):
    """Where feedback weights come from (Lillicrap et al. 2016; Kolen and Pollack 1994)."""

    SYMMETRIC = "symmetric"  # the readout's own, as they stand
    RANDOM = "random"  # drawn once and kept
    ADAPTIVE = "adaptive"  # drawn, then changed and shrunk as the readout is


def feedback_weights(kind: Feedback | str, readout: Any, *, seed: int = 0) -> Any:
    """Feedback weights for a readout, of its shape.

    Parameters
    ----------
    kind
        ``SYMMETRIC`` is to be asked for again after every change of the readout; ``ADAPTIVE``
        begins as ``RANDOM`` does, :func:`adapted_feedback` then changes it.
    readout : real, shape (n_outputs, n)
    seed
        Of the draw; normal, with the readout's root mean square (1 / sqrt(n) if that is 0).

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
    """
    weights = real_values("readout", readout, 2)
    if choice("kind", kind, Feedback) is Feedback.SYMMETRIC:
        return weights + 0.0  # its own memory
    rng = np.random.default_rng(integer("seed", seed, 0, 2**63 - 1))
    scale = float((weights**2).mean()) ** 0.5 or weights.shape[-1] ** -0.5
    drawn = rng.normal(0.0, scale, tuple(weights.shape))
    return weights.new_tensor(drawn) if is_tensor(weights) else drawn


def adapted_feedback(weights: Any, change: Any, decay: float) -> Any:
    """Weights that a change was added to, and a share taken off, ``(1 - decay) w + change``.

    Done to the readout and to its feedback alike, both become the same in time.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
    """
    old, added = real_values("weights", weights), real_values("change", change)
    same_kind("weights and change", old, added)
    if old.shape != added.shape:
        raise ShapeError(f"change: shape {tuple(added.shape)}; {tuple(old.shape)} is needed")
    if not 0 <= decay < 1:
        raise RangeError(f"decay: {decay}; allowed 0 to below 1")
    return (1.0 - decay) * old + added
