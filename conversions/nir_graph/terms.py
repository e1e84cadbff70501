"""Signals between the nodes of a graph: sums of maps from populations, and a constant."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from conversions.linear_maps import compose, identity
from conversions.real_network.projections import LinearMap

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Term:
    """One population's share of a signal; ``map`` None passes its spikes on as they are."""

    source: str
    source_shape: Shape
    map: LinearMap | None = None
    latency: int = 0

    def synapses(self) -> LinearMap:
        """The map, the identity written out."""
        return identity(math.prod(self.source_shape)) if self.map is None else self.map

    def then(self, linear: LinearMap, shape: Shape) -> Term:
        """What a further map makes of it; ``shape`` is that of the signal in between."""
        if self.map is None:
            return replace(self, map=linear)
        return replace(self, map=compose(linear, self.map, self.source_shape, shape))


@dataclass(frozen=True, eq=False)
class Signal:
    """What arrives at a node: terms, and a constant (flat, ``(n,)``)."""

    shape: Shape
    terms: tuple[Term, ...]
    constant: np.ndarray

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)
