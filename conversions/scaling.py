"""Choosing the integers of a layer: weight exponent and threshold mantissa, jointly.

Pure functions on arrays; no framework.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hw_models import LOIHI2, Chip, InputError
from hw_models.weight_grid import WeightGrid, covering_grid

# shares of the largest weight that a candidate covers; below half, too much saturates
COVERAGES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)


def candidate_grids(
    weights: Any, *, real_threshold: float, current_decay: int, chip: Chip = LOIHI2
) -> list[WeightGrid]:
    """Grids worth trying for a layer: finer and finer steps, more and more saturation.

    Parameters
    ----------
    weights
        Real weights, first axis the target neuron or channel.
    real_threshold, current_decay
        Of the target neurons.
    chip
        Registers.

    Returns
    -------
    list of WeightGrid
        The first saturates nothing; no two are equal.
    """
    grids = [
        covering_grid(
            weights,
            real_threshold=real_threshold,
            current_decay=current_decay,
            chip=chip,
            coverage=coverage,
        )
        for coverage in COVERAGES
    ]
    return list(dict.fromkeys(grids))


def best_grid(grids: list[WeightGrid], mismatch: Callable[[WeightGrid], float]) -> WeightGrid:
    """The grid of least mismatch; of equal ones the first, which saturates least.

    Parameters
    ----------
    grids
        At least one.
    mismatch
        Called once for each; the smaller, the better.
    """
    return min(grids, key=mismatch)


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
