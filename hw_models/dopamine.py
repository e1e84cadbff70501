"""The fitted dopamine gate in integers: what is counted, what is fitted, what comes out.

The synchrony of a sample is the number of its pairs of a fired pre- and a fired
post-synaptic neuron. During the warm-up it is counted together with the sample's loss, in
six exact sums. They give ``k`` (minus the correlation of synchrony and loss), ``mu`` and
``sigma``, and from then on

    gate = min(max(1 + k * (synchrony - mu) / sigma, 0), 2)

References
----------
DA-SSDP, arXiv 2512.07194; docs/explanation/fixed_point_da_ssdp.md for widths and rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from hw_models.errors import RangeError
from hw_models.integers import integer

GATE_ONE = 128  # gates are in 1/128
OPEN_GATE_HIGH = 255
CORRELATION_ONE = 1 << 15
LEAST_SPREAD = 10_000  # of synchrony: its mean is at most so many deviations
SYNCHRONY_ONE = 1 << 8  # mean and deviation are in 1/256 of a pair
LOSS_LOW, LOSS_HIGH = -(2**31), 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class DopamineFit:
    """The frozen gate.

    Parameters
    ----------
    correlation
        ``k`` in 1/32768, -32768..32768; 0 if it is not believed.
    mean
        ``mu`` in 1/256 of a pair.
    deviation
        ``sigma`` in 1/256 of a pair, at least 1.
    """

    correlation: int
    mean: int
    deviation: int

    def gate(self, synchrony: int) -> int:
        """The gate of a sample in 1/128, 0..255.

        Examples
        --------
        >>> fit = DopamineFit(correlation=16384, mean=10 * 256, deviation=4 * 256)
        >>> [fit.gate(pairs) for pairs in (0, 10, 12, 100)]
        [0, 128, 160, 255]
        """
        distance = SYNCHRONY_ONE * int(synchrony) - self.mean
        scale = CORRELATION_ONE // GATE_ONE * self.deviation
        change = _divided_to_nearest(self.correlation * distance, scale)
        return min(max(GATE_ONE + change, 0), OPEN_GATE_HIGH)


@dataclass(frozen=True, kw_only=True)
class SynchronyStatistics:
    """What a projection's warm-up has counted: the whole state of its dopamine gate.

    Parameters
    ----------
    n_samples
        Samples counted.
    synchrony, loss
        Sums over these samples.
    synchrony_squared, loss_squared, product
        Sums of the squares, and of synchrony x loss.

    Raises
    ------
    RangeError, TypeMismatchError
        If a field is not an integer, or these are not sums of anything.
    """

    n_samples: int = 0
    synchrony: int = 0
    loss: int = 0
    synchrony_squared: int = 0
    loss_squared: int = 0
    product: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            low = -(2**160) if field.name in ("loss", "product") else 0
            where = f"SynchronyStatistics.{field.name}"
            value = integer(where, getattr(self, field.name), low, 2**160)
            object.__setattr__(self, field.name, value)
        spread = self._spread()
        if min(spread[:2]) < 0 or spread[2] ** 2 > spread[0] * spread[1]:
            raise RangeError(f"{self!r}: allowed are the sums of a sequence of samples")

    def add(self, synchrony: Any, loss: Any) -> SynchronyStatistics:
        """The statistics with one sample more."""
        s, error = int(synchrony), int(loss)
        return SynchronyStatistics(
            n_samples=self.n_samples + 1,
            synchrony=self.synchrony + s,
            loss=self.loss + error,
            synchrony_squared=self.synchrony_squared + s * s,
            loss_squared=self.loss_squared + error * error,
            product=self.product + s * error,
        )

    def fit(self, least_correlation: int = 0) -> DopamineFit:
        """The gate that these statistics give; every value rounded to nearest.

        The correlation is 0 where its magnitude is not above ``least_correlation``, or
        where synchrony hardly varied: by no more than 1/10000 of its mean.

        Parameters
        ----------
        least_correlation
            In 1/32768.

        Raises
        ------
        RangeError
            If nothing has been counted.

        Examples
        --------
        >>> statistics = SynchronyStatistics()
        >>> for synchrony, loss in ((2, 30), (4, 10), (6, 20)):
        ...     statistics = statistics.add(synchrony, loss)
        >>> statistics.fit()
        DopamineFit(correlation=16384, mean=1024, deviation=418)
        """
        n = self.n_samples
        if n == 0:
            raise RangeError("SynchronyStatistics.n_samples: 0; a fit needs at least 1")
        of_synchrony, of_loss, common = self._spread()
        correlation = 0
        varies = LEAST_SPREAD**2 * of_synchrony > self.synchrony**2
        if varies and of_loss:
            size = _root_to_nearest((CORRELATION_ONE * common) ** 2, of_synchrony * of_loss)
            size = size if size > least_correlation else 0
            correlation = size if common < 0 else -size
        return DopamineFit(
            correlation=correlation,
            mean=_divided_to_nearest(SYNCHRONY_ONE * self.synchrony, n),
            deviation=max(1, _root_to_nearest(SYNCHRONY_ONE**2 * of_synchrony, n * n)),
        )

    def _spread(self) -> tuple[int, int, int]:
        """Variances of synchrony and loss, and their covariance, times n squared."""
        n = self.n_samples
        return (
            n * self.synchrony_squared - self.synchrony**2,
            n * self.loss_squared - self.loss**2,
            n * self.product - self.synchrony * self.loss,
        )


def _divided_to_nearest(dividend: int, divisor: int) -> int:
    """``dividend / divisor``, halves away from zero."""
    size = (2 * abs(dividend) + divisor) // (2 * divisor)
    return size if dividend >= 0 else -size


def _root_to_nearest(dividend: int, divisor: int) -> int:
    """``sqrt(dividend / divisor)``, halves up, without a rounding in between."""
    return (math.isqrt(4 * dividend // divisor) + 1) // 2
