"""Weights of one layer on the chip's grid: mantissas, their exponent, the threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY, STATE_LIMIT
from hw_models.chips import LOIHI2, Chip, chip_of
from hw_models.errors import RangeError
from hw_models.formats import FixedFormat, Overflow
from hw_models.integers import integer
from hw_models.populations import THRESHOLD_LIMIT


@dataclass(frozen=True, kw_only=True)
class WeightGrid:
    """How the real weights of a layer stand in integers, relative to its threshold.

    The neuron only sees weights in proportion to its threshold, so the two are chosen
    together: a real weight ``w`` is ``w * scale`` in units of the synaptic input, with
    ``scale = threshold / real_threshold``. Mixed-sign weights of ``bits`` bits have even
    mantissas, ``-2**bits .. 2**bits - 2``.

    Parameters
    ----------
    weight_exponent
        Of the projection, 0..7: what arrives is then exact, nothing is floored.
    threshold
        Mantissa of the population, at least 1.
    real_threshold
        What the mantissa stands for; positive and finite.
    bits
        Width of a weight, sign included, 2..8.

    Raises
    ------
    RangeError, TypeMismatchError
        If a field does not fit.

    Examples
    --------
    >>> grid = WeightGrid(weight_exponent=0, threshold=100, real_threshold=1.0)
    >>> grid.mantissas([0.5, -0.013, 9.0]).tolist()
    [50, -2, 254]
    >>> grid.values([50, -2, 254]).tolist()
    [0.5, -0.02, 2.54]
    """

    weight_exponent: int
    threshold: int
    real_threshold: float = 1.0
    bits: int = 8

    def __post_init__(self) -> None:
        put = object.__setattr__
        for field, low, high in (
            ("weight_exponent", 0, 7),
            ("threshold", 1, THRESHOLD_LIMIT - 1),
            ("bits", 2, 8),
        ):
            put(self, field, integer(f"WeightGrid.{field}", getattr(self, field), low, high))
        if not (math.isfinite(self.real_threshold) and self.real_threshold > 0):
            raise RangeError(
                f"WeightGrid.real_threshold: {self.real_threshold}; a positive number is needed"
            )

    @property
    def scale(self) -> float:
        """Units of synaptic input for a real weight of one."""
        return self.threshold / self.real_threshold

    @property
    def step(self) -> float:
        """Real weight between two neighbouring mantissas."""
        return math.ldexp(2.0, self.weight_exponent) / self.scale

    @property
    def format(self) -> FixedFormat:
        """Register of a mixed-sign mantissa: even, saturating."""
        return FixedFormat(bits=self.bits, exponent=1, overflow=Overflow.SATURATE)

    def mantissas(self, weights: Any) -> np.ndarray:
        """Nearest mantissas of real weights, int64, same shape; those beyond saturate."""
        scaled = np.asarray(weights, dtype=np.float64) * self.scale
        register = self.format
        return 2 * register.encode(np.ldexp(scaled, -self.weight_exponent))

    def integers(self, weights: Any) -> np.ndarray:
        """What a spike delivers, ``mantissas << weight_exponent``, int64, same shape."""
        return self.mantissas(weights) << self.weight_exponent

    def values(self, mantissas: Any) -> np.ndarray:
        """Real weights that mantissas stand for, float64, same shape."""
        wide = np.asarray(mantissas, dtype=np.float64)
        return np.ldexp(wide, self.weight_exponent) / self.scale

    def saturates(self, weights: Any) -> np.ndarray:
        """Where a real weight is beyond the grid by more than half a step; bool, same shape."""
        scaled = np.ldexp(np.asarray(weights, dtype=np.float64) * self.scale, -self.weight_exponent)
        rounded = np.rint(scaled / 2)
        return (rounded < self.format.low) | (rounded > self.format.high)


def covering_grid(
    weights: Any,
    *,
    real_threshold: float,
    current_decay: int,
    chip: Chip | str = LOIHI2,
    coverage: float = 1.0,
) -> WeightGrid:
    """The finest grid that covers the weights and keeps the current inside its register.

    Parameters
    ----------
    weights
        Real weights, first axis the target neuron or channel; finite, not all zero unless
        any grid will do.
    real_threshold
        Of the target neurons, in the unit of the weights.
    current_decay
        ``du`` of the target neurons, 0..4095: the slower the current decays, the more
        of it piles up.
    chip
        Its weight and threshold registers.
    coverage
        Share of the weights' largest magnitude that must not saturate, in (0, 1].

    Returns
    -------
    WeightGrid
        With the largest weight exponent in 0..7 for which every neuron's current stays
        below 2**23 even if all its positive (or all its negative) synapses are hit in
        every step; exponent 0 if none does (see :func:`largest_current`).

    Raises
    ------
    RangeError
        If the weights are so small beside the threshold that no mantissa fits, a weight is
        not finite, or coverage is not in (0, 1].
    """
    real = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(real).all():
        raise RangeError("covering_grid: a weight is not finite")
    if not 0 < coverage <= 1:
        raise RangeError(f"covering_grid.coverage: {coverage}; allowed above 0 up to 1")
    chip = chip_of("chip", chip)
    bits = chip.weight_bits.value or 8
    threshold_high = (1 << (chip.threshold_bits.value or 25)) - 1
    half = 1 << (bits - 1)
    largest = max(real.max(initial=0) / (half - 1), -real.min(initial=0) / half) * coverage
    steps = real_threshold / largest if largest > 0 else 128.0
    grid = None
    for exponent in range(8):
        threshold = math.floor(math.ldexp(steps, exponent + 1))
        if not 1 <= threshold <= threshold_high:
            continue
        wider = WeightGrid(
            weight_exponent=exponent,
            threshold=threshold,
            real_threshold=real_threshold,
            bits=bits,
        )
        if grid is None or largest_current(wider, real, current_decay) < STATE_LIMIT:
            grid = wider
    if grid is None:
        raise RangeError(
            f"covering_grid: threshold {real_threshold} is {steps:.4g} steps of the weights;"
            f" {chip.name} holds 0.5..{threshold_high / 2}"
        )
    return grid


def largest_current(grid: WeightGrid, weights: Any, current_decay: int) -> int:
    """Bound of the current register if all synapses of one sign are hit in every step.

    Returns
    -------
    int
        In units of the register; up to 2**23 - 1 it can never wrap.
    """
    delivered = grid.integers(weights)
    rows = delivered.reshape(len(delivered), -1)
    most = max(rows.clip(min=0).sum(axis=1).max(), -rows.clip(max=0).sum(axis=1).min())
    return (int(most) << ALIGN_SHIFT) * DECAY_UNITY // (current_decay + 1)
