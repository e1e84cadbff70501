"""Real values at a network's input as binary digits, which a chip's input can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hw_models import InputError, RangeError
from hw_models.integers import integer, name_of

MOST_BITS = 8


@dataclass(frozen=True, kw_only=True)
class BitPlanes:
    """Real values between two bounds, each as the binary digits of its level.

    A value is rounded to ``low + step * n`` with ``step = (high - low) / (2**bits - 1)``, and
    digit ``b`` of ``n`` is a spike of the input population ``"<name>.bit<b>"``. Images of 8 bits
    lose nothing, normalized or not, if the bounds are what black and white become.

    Parameters
    ----------
    bits
        Digits, 1..8: input populations that stand for one of values.
    low, high
        Bounds. None for the smallest and largest value of the calibration data; values beyond
        them are refused later.
    name
        Of the input; conversions set it.

    Raises
    ------
    RangeError
        If there are no such levels.

    Examples
    --------
    >>> planes = BitPlanes(bits=2, low=-1.0, high=2.0)
    >>> spikes = planes.encode([[-1.0, 0.9, 2.0]], n_steps=1)
    >>> {name: sent.astype(int).ravel().tolist() for name, sent in spikes.items()}
    {'input.bit0': [0, 0, 1], 'input.bit1': [0, 1, 1]}
    >>> planes.decode(spikes).ravel().tolist()
    [-1.0, 1.0, 2.0]
    """

    bits: int = 8
    low: float | None = 0.0
    high: float | None = 1.0
    name: str = "input"

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", integer("BitPlanes.bits", self.bits, 1, MOST_BITS))
        object.__setattr__(self, "name", name_of("BitPlanes.name", self.name))
        for field in ("low", "high"):
            given = getattr(self, field)
            if given is not None:
                object.__setattr__(self, field, float(given))
                if not np.isfinite(given):
                    raise RangeError(f"BitPlanes.{field}: {given}; a finite number is needed")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise RangeError(f"BitPlanes: low {self.low} is not below high {self.high}")

    @property
    def bounds(self) -> tuple[float, float]:
        """Low and high; InputError if they are not known yet."""
        if self.low is None or self.high is None:
            raise InputError(
                "BitPlanes.low, high: not stated, and there are no calibration values to take them"
                " from"
            )
        return self.low, self.high

    @property
    def step(self) -> float:
        """Between neighbouring levels."""
        low, high = self.bounds
        return (high - low) / (2**self.bits - 1)

    def fitted(self, values: Any) -> BitPlanes:
        """With the bounds that are not stated taken from values."""
        given = np.asarray(values, dtype=np.float64)
        if self.low is not None and self.high is not None:
            return self
        low = float(given.min()) if self.low is None else self.low
        high = float(given.max()) if self.high is None else self.high
        return replace(self, low=low, high=high)

    @property
    def names(self) -> tuple[str, ...]:
        """Input populations, the lowest digit first."""
        return tuple(f"{self.name}.bit{place}" for place in range(self.bits))

    def levels(self, values: Any) -> np.ndarray:
        """Number of the level nearest to each value, uint8, same shape.

        Raises
        ------
        InputError
            If a value is beyond the bounds by more than rounding may move it.
        """
        low, high = self.bounds
        given = np.asarray(values)
        if given.dtype.kind not in "biuf":
            raise InputError(f"values of dtype {given.dtype}; numbers are needed")
        nearest = np.rint((given.astype(np.float64) - low) / self.step)
        bad = ~((nearest >= 0) & (nearest < 2**self.bits))
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise InputError(
                f"values: {given[place]:.6g} at index {place} (sample {place[0] if place else 0}),"
                f" {int(bad.sum())} such; allowed {low:.6g}..{high:.6g}, the bounds of BitPlanes"
            )
        return nearest.astype(np.uint8)

    def rounded(self, values: Any) -> np.ndarray:
        """What the digits stand for, float64, same shape; errors as of :meth:`levels`."""
        return self.bounds[0] + self.step * self.levels(values)

    def encode(
        self, values: Any, n_steps: int | None = None, *, later: int = 0
    ) -> dict[str, np.ndarray]:
        """Spikes of the input populations.

        Parameters
        ----------
        values : real, shape (B, *shape) with ``n_steps``, else (B, T, *shape)
        n_steps
            Steps in which each value is repeated.
        later
            Silent steps at the end, for what the network does later than its model: the largest
            of ``report.shifts``.

        Returns
        -------
        dict of bool, shape (B, T + later, *shape)
            As ``simulate``, ``verify`` and ``numpy.savez(path, **spikes)`` take them.

        Raises
        ------
        InputError
            If a value is out of bounds.
        """
        numbers = self.levels(values)
        if n_steps is not None:
            n_steps = integer("BitPlanes.encode.n_steps", n_steps, 1, 2**20)
            numbers = np.broadcast_to(numbers[:, None], (len(numbers), n_steps, *numbers.shape[1:]))
        if numbers.ndim < 3:
            raise InputError(
                f"values of shape {np.shape(values)}; (B, T, ...) is needed, or (B, ...) with"
                " n_steps"
            )
        later = integer("BitPlanes.encode.later", later, 0, 2**20)
        silent = ((0, 0), (0, later), *[(0, 0)] * (numbers.ndim - 2))
        return {one: np.pad(numbers >> b & 1 != 0, silent) for b, one in enumerate(self.names)}

    def decode(self, spikes: Mapping[str, Any]) -> np.ndarray:
        """The values that spikes of the input populations stand for, float64."""
        names = self.names
        if set(spikes) != set(names):
            raise InputError(f"spikes of {sorted(spikes)}; {', '.join(names)} are needed")
        numbers = sum((np.asarray(spikes[one]) != 0) * 2.0**b for b, one in enumerate(names))
        return np.asarray(self.bounds[0] + self.step * numbers)
