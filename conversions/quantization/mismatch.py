"""How far the spikes of two runs differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import InputError


def spike_mismatch(one: Any, other: Any) -> float:
    """Share of spikes that have no counterpart at the same place and step.

    Parameters
    ----------
    one, other : bool or 0/1, equal shapes

    Returns
    -------
    float
        0 if equal (or both silent), 1 if they share no spike.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> spike_mismatch([1, 1, 0, 0], [1, 0, 0, 1])
    0.5
    """
    first, second = np.asarray(one) != 0, np.asarray(other) != 0
    if first.shape != second.shape:
        raise InputError(f"spike_mismatch: shapes {first.shape} and {second.shape} differ")
    spikes = int(first.sum()) + int(second.sum())
    return float((first != second).sum() / spikes) if spikes else 0.0
