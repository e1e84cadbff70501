"""Number formats as values: width, sign, exponent, rounding and overflow of a register."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.choices import member
from hw_models.errors import RangeError, TypeMismatchError
from hw_models.integers import integer


class Rounding(enum.Enum):
    """What happens to the part of a value below one unit of the register."""

    FLOOR = "floor"
    TOWARD_ZERO = "toward_zero"
    NEAREST_EVEN = "nearest_even"
    NEAREST_AWAY = "nearest_away"
    STOCHASTIC = "stochastic"


class Overflow(enum.Enum):
    """What happens to a value beyond the largest or smallest code of the register."""

    REFUSE = "refuse"
    SATURATE = "saturate"
    WRAP = "wrap"


@dataclass(frozen=True, kw_only=True)
class FixedFormat:
    """A fixed-point register: ``value = raw * 2**exponent``.

    Parameters
    ----------
    bits
        Width in bits, sign bit included; 1..63.
    signed
        Two's complement if true, unsigned otherwise.
    exponent
        Power of two that one unit of ``raw`` stands for, -1000..1000.
    rounding, overflow
        Rules of :meth:`encode`. Stochastic rounding needs random bits there.

    Raises
    ------
    RangeError, TypeMismatchError
        If a field is outside its range or of another type.

    Examples
    --------
    >>> weight = FixedFormat(bits=8, signed=True, exponent=-6)
    >>> weight.low, weight.high
    (-128, 127)
    >>> weight.encode(np.array([0.5, -1.0])).tolist()
    [32, -64]
    """

    bits: int
    signed: bool = True
    exponent: int = 0
    rounding: Rounding = Rounding.NEAREST_EVEN
    overflow: Overflow = Overflow.REFUSE

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "bits", integer("FixedFormat.bits", self.bits, 1, 63))
        put(self, "exponent", integer("FixedFormat.exponent", self.exponent, -1000, 1000))
        if not isinstance(self.signed, bool):
            raise TypeMismatchError(f"FixedFormat.signed: {self.signed!r}; a bool is needed")
        member("FixedFormat.rounding", self.rounding, Rounding)
        member("FixedFormat.overflow", self.overflow, Overflow)

    @property
    def low(self) -> int:
        """Smallest raw integer."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest raw integer."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    def decode(self, raw: Any) -> Any:
        """Real values of raw integers; float64, same shape."""
        return np.ldexp(np.asarray(raw, dtype=np.float64), self.exponent)

    def encode(self, values: Any, random_bits: Any = None) -> Any:
        """Round real values to raw integers.

        Parameters
        ----------
        values : any shape, in the unit of the register; finite
        random_bits : uint32 of the same shape, only for stochastic rounding

        Returns
        -------
        int64, same shape

        Raises
        ------
        RangeError
            If a value is not finite, or leaves ``[low, high]`` under ``Overflow.REFUSE``;
            names the first offender and its index.
        TypeMismatchError
            If stochastic rounding is asked for without random bits.
        """
        values = np.asarray(values, dtype=np.float64)
        with np.errstate(over="ignore"):  # beyond float64 is outside the register as well
            scaled = np.ldexp(values, -self.exponent)
        bad = ~np.isfinite(scaled if self.overflow is Overflow.WRAP else values)
        if bad.any():
            raise RangeError(f"FixedFormat.encode: {_first(values, bad)} is not finite")
        largest = np.finfo(np.float64).max
        raw = self._round(np.clip(scaled, -largest, largest), random_bits)
        # high + 1 is a power of two, which float64 holds exactly while high it may not
        above, below = raw >= float(self.high + 1), raw < float(self.low)
        outside = above | below
        if not outside.any():
            return raw.astype(np.int64)
        if self.overflow is Overflow.REFUSE:
            raise RangeError(
                f"FixedFormat.encode: {_first(values, outside)} needs a raw integer"
                f" outside [{self.low}, {self.high}] of {self}"
            )
        if self.overflow is Overflow.SATURATE:
            inside = np.where(outside, 0.0, raw).astype(np.int64)
            return np.where(above, self.high, np.where(below, self.low, inside))
        cycle = np.fmod(raw, 2.0**self.bits).astype(np.int64) & ((1 << self.bits) - 1)
        return np.where(cycle > self.high, cycle + 2 * self.low, cycle)

    def _round(self, scaled: Any, random_bits: Any) -> Any:
        if self.rounding is Rounding.FLOOR:
            return np.floor(scaled)
        if self.rounding is Rounding.TOWARD_ZERO:
            return np.trunc(scaled)
        if self.rounding is Rounding.NEAREST_EVEN:
            return np.rint(scaled)
        if self.rounding is Rounding.NEAREST_AWAY:
            whole = np.trunc(scaled)
            return whole + np.sign(scaled) * (np.abs(scaled - whole) >= 0.5)
        if random_bits is None:
            raise TypeMismatchError("FixedFormat.encode: stochastic rounding needs random_bits")
        whole = np.floor(scaled)
        draw = np.asarray(random_bits, dtype=np.float64) * 2.0**-32
        return whole + (draw >= 1.0 - (scaled - whole))


def _first(values: Any, mask: Any) -> str:
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    return f"value {values[index]} at index {index}" if index else f"value {values}"
