"""What becomes of integer weights in lava-dl: as SLAYER means them, and as netx loads them.

netx shifts a matrix to the left until it fills Lava's register, names the number of bits
that are in use and undoes the shift by the exponent. That is exact but for a matrix without
positive weights whose least one is a power of two (it lands on -256, which Lava's inhibitory
register does not have), and for one that is out of range.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hw_models import ConversionError
from hw_models.projections import WEIGHT_HIGH, WEIGHT_LOW

LOW, HIGH = -256, 254
WEIGHT_BITS = 8


class Mantissas(NamedTuple):
    """Weights of a projection: mantissas, int64, and their exponent."""

    values: np.ndarray
    exponent: int

    @property
    def is_whole(self) -> bool:
        """Whether every weight is a whole number."""
        return self.exponent >= 0 or not (self.values % (1 << -self.exponent)).any()

    def whole(self) -> np.ndarray:
        """The weights, int64, which are whole numbers."""
        if self.exponent >= 0:
            return self.values << self.exponent
        return self.values >> -self.exponent


def fitted(where: str, weights: np.ndarray, shift: int = 0) -> Mantissas:
    """Whole weights times ``2**shift``, in the smallest exponent that holds them.

    Raises
    ------
    ConversionError
        If there is none.
    """
    for exponent in range(shift, 8):
        left = exponent - shift
        if (weights % (1 << left)).any():
            break
        values = weights >> left
        if values.min() >= WEIGHT_LOW and values.max() <= WEIGHT_HIGH and exponent >= -8:
            return Mantissas(values, exponent)
    raise ConversionError(
        f"{where}: weights {int(weights.min())}..{int(weights.max())} times 2**{shift};"
        f" mantissas {WEIGHT_LOW}..{WEIGHT_HIGH} with exponents -8..7 are supported"
    )


def loaded_by_netx(
    where: str, parts: list[np.ndarray], *, keeps_exponent: bool = True
) -> list[Mantissas]:
    """Weights as Lava holds them after netx has loaded them.

    Parameters
    ----------
    where
        For messages.
    parts
        Matrices that netx treats as one, int64: of a recurrent layer two, else one.
    keeps_exponent
        Whether netx hands the exponent on; it does not for recurrent layers with delays.

    Raises
    ------
    ConversionError
        If netx or Lava fails on these weights, or makes of them what a network cannot hold.
    """
    together = np.concatenate([part.reshape(-1) for part in parts])
    if (together.max() > HIGH and together.min() < 0) or together.min() < LOW < 0 < together.max():
        together = together.clip(LOW, HIGH)
        parts = [part.clip(LOW, HIGH) for part in parts]
    shift, bits = _number_format(where, together)
    made = []
    for part in parts:
        held = _in_lava(where, part << shift, bits)
        if not keeps_exponent:
            made.append(fitted(where, held))
            continue
        exact = Mantissas(held, -shift)
        made.append(fitted(where, exact.whole()) if exact.is_whole else exact)
    return made


def _number_format(where: str, weights: np.ndarray) -> tuple[int, int]:
    """Left shift and number of bits that netx chooses."""
    low, high = int(weights.min()), int(weights.max())
    is_mixed = low < 0 <= high
    if low == high == 0:
        raise ConversionError(f"{where}: all weights are 0, on which netx fails")
    if is_mixed:
        room = min(127 / high if high > 0 else np.inf, -128 / low)
    else:
        room = -256 / low if high < 0 else 255 / high
    shift = int(np.floor(np.log2(room))) + is_mixed
    if shift < 0:
        raise ConversionError(
            f"{where}: weights {low}..{high} are beyond Lava's, and netx fails on them"
        )
    common = next(n for n in range(WEIGHT_BITS, -1, -1) if not (weights % (1 << n)).any())
    return shift, WEIGHT_BITS - shift - (common - is_mixed)


def _in_lava(where: str, weights: np.ndarray, bits: int) -> np.ndarray:
    """Clipped to Lava's register and cut to its bits; the sign mode is that of these weights."""
    low, high = int(weights.min()), int(weights.max())
    is_mixed = low < 0 < high
    unused = WEIGHT_BITS - bits + is_mixed
    if unused < 0:
        raise ConversionError(
            f"{where}: netx asks Lava for {bits} bits for weights of one sign; at most"
            f" {WEIGHT_BITS} are there"
        )
    if is_mixed:
        return weights.clip(-256, 255) >> unused << unused
    sign = -1 if low < 0 else 1
    return sign * ((sign * weights).clip(0, 255) >> unused << unused)
