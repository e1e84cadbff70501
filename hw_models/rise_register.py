"""The registers of a threshold that rises with a spike: what a real rise is in integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models.arithmetic import DECAY_UNITY
from hw_models.errors import RangeError
from hw_models.populations import ADAPTIVE_LIMIT

MOST_RISE = 32.0  # thresholds that a rise is given room for; neurons that fire more are rare


def rise_kept(kept: Any) -> np.ndarray:
    """The nearest share of a rise that a step keeps, in 1/4096, int64.

    Raises
    ------
    RangeError
        If it would be none or all: a rise that is not felt, or never ends.
    """
    real = np.asarray(kept, dtype=np.float64)
    nearest = np.rint(real * DECAY_UNITY)
    bad = ~((nearest >= 1) & (nearest <= DECAY_UNITY - 1))
    if bad.any():
        raise RangeError(
            f"share of a rise that a step keeps: {real[bad][0]:.6g}; in integers"
            f" 1/{DECAY_UNITY} to {DECAY_UNITY - 1}/{DECAY_UNITY} is allowed, to the nearest"
        )
    return nearest.astype(np.int64)


def nearest_rise(felt: Any, kept: Any) -> tuple[np.ndarray, np.ndarray]:
    """The nearest ``threshold_rise`` and ``threshold_decay``, each int64.

    A spike's rise decays once before it is felt, so the register holds ``felt / kept``, with
    ``kept`` as it is on 12 bits: what is felt in the step after a spike is right then.

    Parameters
    ----------
    felt
        Rise of the threshold in the step after a spike, in units of the threshold's register,
        positive.
    kept
        Share of the rise that remains after a step.

    Raises
    ------
    RangeError
        If what is kept would be none or all, or the rise none or beyond its register.

    Examples
    --------
    >>> rise, decay = nearest_rise(20.0, 0.97)
    >>> rise.tolist(), decay.tolist()
    (21, 123)
    """
    twelve_bits = rise_kept(kept)
    exact = np.asarray(felt, dtype=np.float64) * DECAY_UNITY / twelve_bits
    rise = np.rint(exact)
    bad = (rise < 1) | (rise > ADAPTIVE_LIMIT - 1)
    if bad.any():
        raise RangeError(
            f"threshold_rise: {exact[bad][0]:.6g} units of the threshold's register;"
            f" 1 to {ADAPTIVE_LIMIT - 1} is allowed, to the nearest"
        )
    return rise.astype(np.int64), DECAY_UNITY - twelve_bits


def risen_threshold_high(strength: Any, kept: Any) -> int:
    """Largest register of a threshold, 1 at least, that leaves room in 24 bits for its rise.

    Room is for a spike in every step, but for :data:`MOST_RISE` thresholds at most, and for
    one spike at least.

    Parameters
    ----------
    strength
        Rise felt in the step after a spike, in thresholds.
    kept
        Share that remains after a step, above 0 and below 1.

    Examples
    --------
    >>> risen_threshold_high(0.2, 0.97)
    16648
    """
    one = np.asarray(strength, dtype=np.float64) / kept
    risen = np.maximum(one, np.minimum(one / (1.0 - np.asarray(kept)), MOST_RISE))
    return max(int(np.min((ADAPTIVE_LIMIT - 1) / (1.0 + risen))), 1)
