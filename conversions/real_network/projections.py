"""Projections in real numbers: linear maps from the spikes of one population to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import RangeError, ShapeError, TypeMismatchError
from hw_models.arrays import integer_array
from hw_models.integers import integer, name_of, pair_of
from hw_models.projections import MAX_DELAY, convolved_shape
from hw_models.records import short_repr

MOST_POWER = 62


@dataclass(frozen=True, kw_only=True, eq=False)
class RealDense:
    """Weights ``(n_post, n_pre)``, float64, between flattened populations."""

    weights: Any

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", _weights("RealDense", self.weights, 2))


@dataclass(frozen=True, kw_only=True, eq=False)
class RealSparse:
    """Listed synapses: flat indices ``pre``, ``post`` and float64 ``weights``, each ``(n,)``."""

    pre: Any
    post: Any
    weights: Any

    __repr__ = short_repr

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "weights", _weights("RealSparse", self.weights, 1))
        for field in ("pre", "post"):
            where = f"RealSparse.{field}"
            column = integer_array(where, getattr(self, field), 0, 2**31 - 1, np.int32)
            if column.shape != self.weights.shape:
                raise ShapeError(f"{where}: shape {column.shape}; {self.weights.shape} is needed")
            put(self, field, column)


@dataclass(frozen=True, kw_only=True, eq=False)
class RealConv:
    """2-D cross-correlation as PyTorch's Conv2d, between ``(C, H, W)`` shapes.

    ``weights`` float64 ``(channels_out, channels_in // groups, rows, columns)``; stride,
    padding and dilation one integer or (rows, columns). Average and sum pooling are
    depthwise convolutions; a 1-D convolution has one row.
    """

    weights: Any
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1

    __repr__ = short_repr

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "weights", _weights("RealConv", self.weights, 4))
        for field, low in (("stride", 1), ("padding", 0), ("dilation", 1)):
            put(self, field, pair_of(f"RealConv.{field}", getattr(self, field), low, 127))
        put(self, "groups", integer("RealConv.groups", self.groups, 1, 2**15))

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` made of a source's; ShapeError if it does not fit."""
        return convolved_shape(self, "RealConv", shape)


LinearMap = RealDense | RealSparse | RealConv


@dataclass(frozen=True, kw_only=True, eq=False)
class RealProjection:
    """Synapses between two populations.

    Parameters
    ----------
    source, target
        Names of populations.
    map
        What a spike vector of the source becomes at the target.
    latency
        Steps of the model from a spike to its arrival: 0 between layers of one forward
        call, 1 for recurrent synapses, more for delays.
    delays
        Further steps for each synapse, of the shape of the map's weights, 0..63; None for
        none. Not for convolutions.
    name
        Unique in the network; ``source->target`` if not given.
    power
        What the map makes counts ``2**power`` times. Projections that share a map (the very
        object) and differ in source and power only carry the binary digits of numbers; on
        the chip they get the same mantissas.
    """

    source: str
    target: str
    map: LinearMap
    latency: int = 0
    delays: Any = None
    name: str = ""
    power: int = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "source", name_of("RealProjection.source", self.source))
        put(self, "target", name_of("RealProjection.target", self.target))
        default = f"{self.source}->{self.target}"
        put(self, "name", name_of("RealProjection.name", self.name or default))
        if not isinstance(self.map, LinearMap):
            raise TypeMismatchError(
                f"{self.name}.map: {self.map!r}; RealDense, RealSparse or RealConv is needed"
            )
        put(self, "latency", integer(f"{self.name}.latency", self.latency, 0, MAX_DELAY + 1))
        put(self, "power", integer(f"{self.name}.power", self.power, -MOST_POWER, MOST_POWER))
        if self.delays is not None:
            where = f"{self.name}.delays"
            delays = integer_array(where, self.delays, 0, MAX_DELAY, np.int16)
            if isinstance(self.map, RealConv) or delays.shape != self.map.weights.shape:
                raise ShapeError(f"{where}: shape {delays.shape} does not fit the map")
            put(self, "delays", delays)


def _weights(where: str, weights: Any, n_axes: int) -> np.ndarray:
    array = np.array(weights, dtype=np.float64)
    if array.ndim != n_axes or (n_axes > 1 and 0 in array.shape):
        raise ShapeError(f"{where}.weights: shape {array.shape}; {n_axes} axes are needed")
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise RangeError(f"{where}.weights: {array[index]} at index {index} is not finite")
    array.flags.writeable = False
    return array
