"""Integers too long for a mantissa, as synapses that add up to them exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

FINE = 256  # what the fine synapses make up for is below it


def whole_terms(values: Any) -> list[tuple[np.ndarray, int]]:
    """Weight vectors with exponents whose sum is ``values``.

    Each vector either has one sign or is even, and fits 8 bits, as the chip's weights do.
    One is enough for small or round numbers, two for all up to 32767.

    Parameters
    ----------
    values : integers, shape (N,)

    Returns
    -------
    list of (int64 mantissas ``(N,)``, exponent 0 or 7)
        Empty if all values are 0.

    Examples
    --------
    >>> [(weights.tolist(), exponent) for weights, exponent in whole_terms([3, -1000])]
    [([3, 24], 0), ([0, -8], 7)]
    >>> whole_terms([4, -6])[0][0].tolist()
    [4, -6]
    """
    left = np.asarray(values, dtype=np.int64)
    terms: list[tuple[np.ndarray, int]] = []
    if not left.any():
        return terms
    if ((left >= 0) & (left < FINE)).all() or ((left <= 0) & (left > -FINE)).all():
        return [(left, 0)]
    if (left % 2 == 0).all() and (left >= -FINE).all() and (left <= FINE - 2).all():
        return [(left, 0)]
    fine = left % FINE
    if fine.any():
        terms.append((fine, 0))
    coarse = (left - fine) // FINE
    while coarse.any():
        part = coarse.clip(-128, 127)
        terms.append((2 * part, 7))
        coarse = coarse - part
    return terms
