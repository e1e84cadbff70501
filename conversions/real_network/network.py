"""Populations and projections in real numbers, as one checked description."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from conversions.real_network.dynamics import PER_NEURON, NeuronDynamics
from conversions.real_network.projections import RealConv, RealDense, RealProjection
from hw_models import (
    InputPopulation,
    NameClashError,
    ShapeError,
    TypeMismatchError,
    UnknownNameError,
)
from hw_models.integers import integer, name_of, shape_of
from hw_models.records import short_repr

RealInput = InputPopulation  # a source of spikes is the same in real numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class RealNeurons:
    """A named population of neurons of one shape, with their dynamics.

    ``begins`` is the step before which they do nothing: nothing reaches them, no bias acts.
    """

    name: str
    shape: tuple[int, ...]
    dynamics: NeuronDynamics
    begins: int = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "name", name_of("RealNeurons.name", self.name))
        put(self, "shape", shape_of(f"{self.name}.shape", self.shape))
        if not isinstance(self.dynamics, NeuronDynamics):
            raise TypeMismatchError(f"{self.name}.dynamics: {self.dynamics!r}; NeuronDynamics")
        put(self, "begins", integer(f"{self.name}.begins", self.begins, 0, 2**20))
        for field in PER_NEURON:
            size = getattr(self.dynamics, field).size
            if size not in (1, self.n_neurons):
                raise ShapeError(
                    f"{self.name}.{field}: {size} values; 1 or {self.n_neurons} are needed"
                )

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class RealNetwork:
    """A spiking network in real numbers, in the time of its source.

    Parameters
    ----------
    populations
        :class:`RealInput` and :class:`RealNeurons`, in any order.
    projections
        :class:`RealProjection`; several may share a target, loops are allowed if they
        take at least one step.

    Raises
    ------
    NameClashError
        If names repeat or an end of a projection does not exist.
    ShapeError
        If a map does not fit its ends.
    """

    populations: Any
    projections: Any

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "populations", tuple(self.populations))
        object.__setattr__(self, "projections", tuple(self.projections))
        for part in (self.populations, self.projections):
            names = [record.name for record in part]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise NameClashError(f"RealNetwork: {twice[0]!r} is used twice")
        for projection in self.projections:
            _check_ends(projection, *(self.population(e) for e in _ends(projection)))

    def population(self, name: str) -> RealInput | RealNeurons:
        """The population of that name; UnknownNameError lists the names there are."""
        for record in self.populations:
            if record.name == name:
                return record
        known = ", ".join(repr(record.name) for record in self.populations)
        raise UnknownNameError(f"no population named {name!r}; there are {known}")

    def into(self, name: str) -> tuple[RealProjection, ...]:
        """Projections that end at a population."""
        return tuple(p for p in self.projections if p.target == name)

    @property
    def inputs(self) -> tuple[RealInput, ...]:
        """Populations whose spikes the user supplies."""
        return tuple(p for p in self.populations if isinstance(p, RealInput))

    @property
    def neurons(self) -> tuple[RealNeurons, ...]:
        """Populations that compute."""
        return tuple(p for p in self.populations if isinstance(p, RealNeurons))


def _ends(projection: RealProjection) -> tuple[str, str]:
    return projection.source, projection.target


def _check_ends(projection: RealProjection, source: Any, target: Any) -> None:
    if isinstance(target, RealInput):
        raise NameClashError(f"{projection.name}: target {target.name!r} is an input")
    linear = projection.map
    if isinstance(linear, RealConv):
        made = linear.output_shape(source.shape)
        if made != target.shape:
            raise ShapeError(
                f"{projection.name}: makes shape {made}; {target.name!r} has {target.shape}"
            )
    elif isinstance(linear, RealDense):
        needed = (target.n_neurons, source.n_neurons)
        if linear.weights.shape != needed:
            raise ShapeError(
                f"{projection.name}.weights: shape {linear.weights.shape}; {needed} is needed"
            )
    elif linear.weights.size and (
        int(linear.pre.max()) >= source.n_neurons or int(linear.post.max()) >= target.n_neurons
    ):
        raise ShapeError(f"{projection.name}: a synapse lies outside its populations")
