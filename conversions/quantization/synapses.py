"""Weights of one projection with the gain of its target in them, row by row.

A row is what shares a scale: the weights of a neuron, or of a convolution's channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from conversions.real_network import RealConv, RealDense, RealNetwork, RealProjection
from hw_models import ConversionError
from hw_models.bounds import InputBound, row_bound
from hw_models.weight_grid import covering_step


@dataclass(frozen=True, eq=False)
class ScaledSynapses:
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
    def into(cls, network: RealNetwork, name: str) -> tuple[ScaledSynapses, ...]:
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
    def _of(cls, network: RealNetwork, digits: list[RealProjection]) -> ScaledSynapses:
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

    def bound(self, values: np.ndarray) -> InputBound:
        """What values of one sign (one per weight) add up to at each neuron."""
        return row_bound(values, self.n_post, getattr(self.projection.map, "post", None))

    def steps_needed(self, bits: int) -> np.ndarray:
        """Smallest real mantissa of one that covers a neuron's weights, float64 ``(n_post,)``."""
        up, down = self.weights.clip(min=0), -self.weights.clip(max=0)
        ends = (self.largest(up), self.largest(down))
        return covering_step(*ends, one_sign=self.one_sign, bits=bits)

    def _every(self, values: np.ndarray) -> np.ndarray:
        return np.repeat(values, self.n_post // len(values))


def _power(projection: RealProjection) -> int:
    return projection.power
