"""Number formats as values: width, sign, exponent, rounding and overflow of a register."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.errors import RangeError, TypeMismatchError


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
        Power of two that one unit of ``raw`` stands for.
    rounding, overflow
        Rules of :meth:`encode`. Stochastic rounding needs random bits there.

    Raises
    ------
    RangeError
        If ``bits`` is outside 1..63.

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
        if not 1 <= self.bits <= 63:
            raise RangeError(f"FixedFormat.bits: {self.bits}; allowed 1..63")

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
        bad = ~np.isfinite(values)
        if bad.any():
            raise RangeError(f"FixedFormat.encode: {_first(values, bad)} is not finite")
        scaled = np.ldexp(values, -self.exponent)
        raw = self._round(scaled, random_bits)
        outside = (raw < self.low) | (raw > self.high)
        if outside.any():
            if self.overflow is Overflow.REFUSE:
                raise RangeError(
                    f"FixedFormat.encode: {_first(values, outside)} needs a raw integer"
                    f" outside [{self.low}, {self.high}] of {self}"
                )
            if self.overflow is Overflow.SATURATE:
                raw = np.clip(raw, self.low, self.high)
            else:
                raw = np.mod(raw - self.low, 2.0**self.bits) + self.low
        return raw.astype(np.int64)

    def _round(self, scaled: Any, random_bits: Any) -> Any:
        if self.rounding is Rounding.FLOOR:
            return np.floor(scaled)
        if self.rounding is Rounding.TOWARD_ZERO:
            return np.trunc(scaled)
        if self.rounding is Rounding.NEAREST_EVEN:
            return np.rint(scaled)
        if self.rounding is Rounding.NEAREST_AWAY:
            return np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)
        if random_bits is None:
            raise TypeMismatchError("FixedFormat.encode: stochastic rounding needs random_bits")
        return np.floor(scaled + np.asarray(random_bits, dtype=np.float64) * 2.0**-32)


def _first(values: Any, mask: Any) -> str:
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    return f"value {values[index]} at index {index}" if index else f"value {values}"
