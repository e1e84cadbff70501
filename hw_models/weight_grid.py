"""Weights of one layer on the chip's grid: mantissas, their exponent, the threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from hw_models.arithmetic import STATE_LIMIT
from hw_models.bias_register import bias_bits
from hw_models.bounds import row_bound
from hw_models.chips import LOIHI2, Chip, chip_of
from hw_models.errors import RangeError
from hw_models.formats import FixedFormat, Overflow
from hw_models.integers import integer
from hw_models.populations import THRESHOLD_LIMIT

EXPONENT_HIGH = 7


@dataclass(frozen=True, kw_only=True)
class WeightGrid:
    """How the real weights of a layer stand in integers, relative to its threshold.

    The neuron only sees weights in proportion to its threshold, so the two are chosen
    together: a real weight ``w`` is ``w * scale`` in units of the synaptic input, with
    ``scale = threshold / real_threshold``. Mantissas are those of weights of both signs, see
    :func:`nearest_mantissas`.

    Parameters
    ----------
    weight_exponent
        Of the projection, 0..7: what arrives is then exact, nothing is floored.
    threshold
        Mantissa of the population, at least 1.
    real_threshold
        What the mantissa stands for; positive and finite.
    bits
        Of a mantissa, 2..8, see :func:`nearest_mantissas`.
    bias_bits
        Of the mantissa, 2..16, and of the exponent, 1..4, of the register that holds the layer's
        biases, see :func:`hw_models.bias_register.bias_limits`.

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
    bias_bits: tuple[int, int] = bias_bits(LOIHI2)

    def __post_init__(self) -> None:
        put = object.__setattr__
        for field, low, high in (
            ("weight_exponent", 0, 7),
            ("threshold", 1, THRESHOLD_LIMIT - 1),
            ("bits", 2, 8),
        ):
            put(self, field, integer(f"WeightGrid.{field}", getattr(self, field), low, high))
        for bits, name, low, high in zip(
            self.bias_bits, ("mantissa", "exponent"), (2, 1), (16, 4), strict=True
        ):
            integer(f"WeightGrid.bias_bits, of the {name}", bits, low, high)
        put(self, "bias_bits", tuple(self.bias_bits))  # files hold lists
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
        return nearest_mantissas(self._scaled(weights), one_sign=False, bits=self.bits)

    def integers(self, weights: Any) -> np.ndarray:
        """What a spike delivers, ``mantissas << weight_exponent``, int64, same shape."""
        return self.mantissas(weights) << self.weight_exponent

    def values(self, mantissas: Any) -> np.ndarray:
        """Real weights that mantissas stand for, float64, same shape."""
        wide = np.asarray(mantissas, dtype=np.float64)
        return np.ldexp(wide, self.weight_exponent) / self.scale

    def saturates(self, weights: Any) -> np.ndarray:
        """Where a real weight is beyond the grid by more than half a step; bool, same shape."""
        return beyond_grid(self._scaled(weights), self.mantissas(weights), 2)

    def _scaled(self, weights: Any) -> np.ndarray:
        scaled = np.asarray(weights, dtype=np.float64) * self.scale
        return np.ldexp(scaled, -self.weight_exponent)


def nearest_mantissas(scaled: np.ndarray, *, one_sign: bool, bits: int = 8) -> np.ndarray:
    """Nearest mantissas, int64; what is beyond the register saturates.

    Parameters
    ----------
    scaled
        Real weights in units of a mantissa of one.
    one_sign
        Whether all weights of the projection have one sign.
    bits
        Of a mantissa. If all have one sign they are its magnitude, ``0 .. 2**bits - 1``. If
        not, the sign takes the place of the lowest one: ``-2**bits .. 2**bits - 2`` in steps of 2.

    Raises
    ------
    RangeError
        If a weight is not finite.

    Examples
    --------
    >>> nearest_mantissas(np.array([0.4, 1.0, 254.6, 900.0]), one_sign=True).tolist()
    [0, 1, 255, 255]
    >>> nearest_mantissas(np.array([-900.0, 0.4, 1.2, 900.0]), one_sign=False).tolist()
    [-256, 0, 2, 254]
    """
    if not np.isfinite(scaled).all():
        raise RangeError(f"weights: {scaled[~np.isfinite(scaled)][0]} is not finite")
    if one_sign:
        top = (1 << bits) - 1
        return np.rint(scaled).clip(-top, top).astype(np.int64)
    half = 1 << (bits - 1)
    return 2 * np.rint(scaled / 2).clip(-half, half - 1).astype(np.int64)


def beyond_grid(scaled: np.ndarray, mantissas: np.ndarray, step: int) -> np.ndarray:
    """Where a weight lies more than half a step from its mantissa, bool: it saturates."""
    return np.abs(mantissas - scaled) > step / 2 * (1 + 1e-9)


def covering_step(up: Any, down: Any, *, one_sign: bool, bits: int) -> Any:
    """Smallest real weight of a mantissa of one with which mantissas cover some weights.

    Parameters
    ----------
    up, down
        The largest weight and the largest magnitude of a negative one, each at least 0.
    one_sign, bits
        As of :func:`nearest_mantissas`.

    Examples
    --------
    >>> float(covering_step(127.0, 64.0, one_sign=False, bits=8))
    0.5
    """
    if one_sign:
        return np.maximum(up, down) / (2**bits - 1)
    return np.maximum(np.asarray(up) / (2**bits - 2), np.asarray(down) / 2**bits)


Grid = TypeVar("Grid")


def choose_exponent(
    grid_of: Callable[[int], Grid | None], is_good: Callable[[int, Grid], bool], lowest: int = 0
) -> Grid | None:
    """The grid of the largest weight exponent that will do.

    The larger the exponent, the finer the weights stand beside the threshold, and the fuller
    are the registers.

    Parameters
    ----------
    grid_of
        Of an exponent; None if there is none.
    is_good
        Whether the registers hold what they must.
    lowest
        Exponent to end with.

    Returns
    -------
    Where none is good, the grid of the smallest exponent that has one; None if none has.
    """
    last = None
    for exponent in range(EXPONENT_HIGH, lowest - 1, -1):
        grid = grid_of(exponent)
        if grid is None:
            continue
        last = grid
        if is_good(exponent, grid):
            break
    return last


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
        Its registers of weights, thresholds and biases.
    coverage
        Share of the weights' largest magnitude that must not saturate, in (0, 1].

    Returns
    -------
    WeightGrid
        With the largest weight exponent in 0..7 for which every neuron's current stays
        below 2**23 even if all its positive (or all its negative) synapses are hit in
        every step; the smallest possible one if none does.

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
    up, down = float(real.max(initial=0)), -float(real.min(initial=0))
    step = float(covering_step(up, down, one_sign=False, bits=bits)) * coverage
    steps = real_threshold / step if step > 0 else 256.0

    def grid_of(exponent: int) -> WeightGrid | None:
        threshold = math.floor(math.ldexp(steps, exponent))
        if not 1 <= threshold <= threshold_high:
            return None
        return WeightGrid(
            weight_exponent=exponent,
            threshold=threshold,
            real_threshold=real_threshold,
            bits=bits,
            bias_bits=bias_bits(chip),
        )

    def never_wraps(exponent: int, grid: WeightGrid) -> bool:
        bound = row_bound(grid.integers(real), len(real)).current(current_decay)
        return bool((bound < STATE_LIMIT).all())

    grid = choose_exponent(grid_of, never_wraps)
    if grid is None:
        raise RangeError(
            f"covering_grid: threshold {real_threshold} is {steps:.4g} of the steps of the weights;"
            f" {chip.name} holds {2.0**-EXPONENT_HIGH:.3g}..{threshold_high}"
        )
    return grid


def nearest_grid(
    weights: Any, *, real_threshold: float, current_decay: int, chip: Chip | str = LOIHI2
) -> WeightGrid:
    """The grid nearest to the weights in the mean square, of those whose largest may saturate.

    Few bits that cover the largest weights leave nothing of the others: with two bits all but
    the largest would be 0.

    Parameters
    ----------
    weights, real_threshold, current_decay, chip
        As of :func:`covering_grid`, which makes the grids for shares of the largest magnitude
        from 1 down to an eighth, each 0.84 times the one before.

    Raises
    ------
    RangeError
        As there.
    """
    real = np.asarray(weights, dtype=np.float64)
    grids = [
        covering_grid(
            real,
            real_threshold=real_threshold,
            current_decay=current_decay,
            chip=chip,
            coverage=2.0 ** (-quarters / 4),
        )
        for quarters in range(13)
    ]
    return min(grids, key=lambda grid: ((grid.values(grid.mantissas(real)) - real) ** 2).sum())
