"""Weights of one projection with the gain of its target in them, row by row.

A row is what shares a scale: the weights of a neuron, or of a convolution's channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from conversions.real_network import RealConv, RealDense, RealNetwork, RealProjection
from hw_models import ConversionError


@dataclass(frozen=True, eq=False)
class Synapses:
    """A projection as its target feels it.

    Parameters
    ----------
    projection
        Of the network in real numbers.
    weights
        Times the gain, of the shape of the map's weights.
    n_post
        Neurons of the target.
    lower
        Projections of the same map from lower binary digits, which get the same mantissas
        with smaller exponents.
    """

    projection: RealProjection
    weights: np.ndarray
    n_post: int
    lower: tuple[RealProjection, ...] = ()

    @classmethod
    def into(cls, network: RealNetwork, name: str) -> tuple[Synapses, ...]:
        """All into a population; the digits of a number together."""
        digits: dict[tuple[object, ...], list[RealProjection]] = {}
        for projection in network.into(name):
            delays = projection.delays
            later = None if delays is None else delays.tobytes()
            alike: tuple[object, ...] = (id(projection.map), projection.latency, later)
            while projection.power in {one.power for one in digits.get(alike, [])}:
                alike = (*alike, projection.name)  # the same weights twice, which are no digits
            digits.setdefault(alike, []).append(projection)
        return tuple(cls._of(network, sorted(same, key=_power)) for same in digits.values())

    @classmethod
    def _of(cls, network: RealNetwork, digits: list[RealProjection]) -> Synapses:
        *lower, projection = digits
        target = network.population(projection.target)
        gain = np.broadcast_to(target.dynamics.gain, target.n_neurons)  # type: ignore[union-attr]
        gain = np.ldexp(gain, projection.power)
        bare = cls(projection, projection.map.weights, target.n_neurons)
        if bare.shares_channels and (bare.by_channel(gain) != gain.reshape(bare._per_row)).any():
            raise ConversionError(
                f"{target.name}.gain: differs inside a channel; a convolution has one for each"
            )
        weights = projection.map.weights * bare.spread(gain)
        return cls(projection, weights, target.n_neurons, tuple(lower))

    @property
    def digits(self) -> tuple[tuple[RealProjection, int], ...]:
        """Each projection with how much smaller its exponent is than the highest digit's."""
        every = (self.projection, *reversed(self.lower))
        return tuple((one, self.projection.power - one.power) for one in every)

    @property
    def largest_number(self) -> float:
        """What the digits come to if all are 1, in units of the highest one."""
        return sum(math.ldexp(1.0, -less) for _, less in self.digits)

    @property
    def shares_channels(self) -> bool:
        """Whether a channel's neurons have their weights in common."""
        return isinstance(self.projection.map, RealConv)

    @property
    def one_sign(self) -> bool:
        """Whether all weights have one sign; they may then be odd on the chip."""
        return bool((self.weights >= 0).all() or (self.weights <= 0).all())

    @property
    def _per_row(self) -> tuple[int, int]:
        return len(self.weights), -1

    def by_channel(self, values: np.ndarray) -> np.ndarray:
        """First value of each channel, ``(channels, 1)``, of one per neuron."""
        return values.reshape(self._per_row)[:, :1]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """One value per target neuron, laid out so that it multiplies the weights."""
        if isinstance(self.projection.map, RealDense):
            return values[:, None]
        if isinstance(self.projection.map, RealConv):
            return self.by_channel(values)[:, :, None, None]
        return values[self.projection.map.post]

    def largest(self, values: np.ndarray) -> np.ndarray:
        """Largest of some non-negative values (one per weight) in each neuron's row, float64."""
        if isinstance(self.projection.map, RealDense):
            return values.max(axis=1)
        if isinstance(self.projection.map, RealConv):
            return self._every(values.reshape(len(values), -1).max(axis=1))
        found = np.zeros(self.n_post)
        np.maximum.at(found, self.projection.map.post, values)
        return found

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum of some values (one per weight) in each neuron's row, float64."""
        if isinstance(self.projection.map, RealDense):
            return values.sum(axis=1, dtype=np.float64)
        if isinstance(self.projection.map, RealConv):
            return self._every(values.reshape(len(values), -1).sum(axis=1, dtype=np.float64))
        return np.bincount(self.projection.map.post, values, self.n_post)

    def steps_needed(self, bits: int) -> np.ndarray:
        """Smallest real step that still covers each neuron's weights, float64 ``(n_post,)``.

        The step is what a mantissa of one stands for.
        """
        if self.one_sign:
            return self.largest(np.abs(self.weights)) / (2**bits - 1)
        up, down = self.weights.clip(min=0), -self.weights.clip(max=0)
        return np.maximum(self.largest(up) / (2**bits - 2), self.largest(down) / 2**bits)

    def _every(self, values: np.ndarray) -> np.ndarray:
        return np.repeat(values, self.n_post // len(values))


def _power(projection: RealProjection) -> int:
    return projection.power


def mantissas(scaled: np.ndarray, *, one_sign: bool, bits: int = 8) -> np.ndarray:
    """Nearest mantissas, int64; what is beyond the register saturates.

    Parameters
    ----------
    scaled
        Real weights in units of a mantissa of one.
    one_sign
        Whether all have one sign: then 0..2**bits - 1 (or negative) in steps of 1, else
        even numbers from -2**bits to 2**bits - 2.
    bits
        Without the sign.
    """
    if not one_sign:
        half = 1 << (bits - 1)
        return 2 * np.rint(scaled / 2).clip(-half, half - 1).astype(np.int64)
    top = (1 << bits) - 1
    return np.rint(scaled).clip(-top, top).astype(np.int64)
