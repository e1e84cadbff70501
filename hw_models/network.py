"""The one description that every executor runs: frozen populations and projections."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.errors import NameClashError, TypeMismatchError, UnknownNameError, brief
from hw_models.populations import InputPopulation, LifPopulation, Population
from hw_models.projections import Projection, check_ends
from hw_models.records import FrozenRecord

MOST_NAMED = 8  # in a repr


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FixedPointNetwork(FrozenRecord):
    """A spiking network in integers.

    Parameters
    ----------
    populations
        :class:`InputPopulation` and :class:`LifPopulation` records, in any order.
    projections
        Dense, sparse, convolutional and pooling projections; several may share a target,
        and loops are allowed.

    Raises
    ------
    NameClashError
        If two populations or two projections share a name, or a projection names a
        population that does not exist.
    ShapeError, RangeError
        If a projection does not fit its ends.

    Examples
    --------
    >>> from hw_models import DenseProjection
    >>> network = FixedPointNetwork(
    ...     populations=[
    ...         InputPopulation(name="pixels", shape=(2,)),
    ...         LifPopulation(name="out", shape=(1,), current_decay=4095, voltage_decay=0,
    ...                       threshold=100),
    ...     ],
    ...     projections=[DenseProjection(source="pixels", target="out", weights=[[60, 60]])],
    ... )
    >>> [population.name for population in network.populations]
    ['pixels', 'out']
    """

    populations: Any
    projections: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "populations", tuple(self.populations))
        object.__setattr__(self, "projections", tuple(self.projections))
        for part, kinds in (("populations", Population), ("projections", Projection)):
            for record in getattr(self, part):
                if not isinstance(record, kinds):
                    raise TypeMismatchError(f"FixedPointNetwork.{part}: {brief(record)} is not one")
            names = [record.name for record in getattr(self, part)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise NameClashError(f"FixedPointNetwork.{part}: {twice[0]!r} is used twice")
        for projection in self.projections:
            source = self.population(projection.source)
            target = self.population(projection.target)
            check_ends(projection, source, target)

    def __repr__(self) -> str:
        populations = [f"{p.name} {p.shape}" for p in self.populations]
        projections = [p.name for p in self.projections]
        parts = f"populations=[{_some(populations)}], projections=[{_some(projections)}]"
        return f"FixedPointNetwork({parts})"

    def population(self, name: str) -> Population:
        """The population of that name; UnknownNameError lists the names there are."""
        return self._find(self.populations, name, "population")

    def projection(self, name: str) -> Projection:
        """The projection of that name; UnknownNameError lists the names there are."""
        return self._find(self.projections, name, "projection")

    @property
    def inputs(self) -> tuple[InputPopulation, ...]:
        """Populations whose spikes the user supplies."""
        return tuple(p for p in self.populations if isinstance(p, InputPopulation))

    @property
    def neurons(self) -> tuple[LifPopulation, ...]:
        """Populations that compute."""
        return tuple(p for p in self.populations if isinstance(p, LifPopulation))

    def replace(self, *records: Any) -> FixedPointNetwork:
        """A copy in which each record given takes the place of the one with its name."""
        changed = {(isinstance(r, Population), r.name): r for r in records}
        for is_population, name in changed:
            (self.population if is_population else self.projection)(name)
        return FixedPointNetwork(
            populations=[changed.get((True, p.name), p) for p in self.populations],
            projections=[changed.get((False, p.name), p) for p in self.projections],
        )

    def _find(self, records: Any, name: str, kind: str) -> Any:
        for record in records:
            if record.name == name:
                return record
        known = ", ".join(repr(record.name) for record in records)
        raise UnknownNameError(f"no {kind} named {name!r}; there are {known}")


def _some(names: list[str]) -> str:
    more = f", and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def same_record(one: Any, other: Any) -> bool:
    """Whether two records (or networks) hold the same values, arrays included."""
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            same_record(getattr(one, field.name), getattr(other, field.name))
            for field in dataclasses.fields(one)
        )
    if isinstance(one, tuple):
        return (
            isinstance(other, tuple)
            and len(one) == len(other)
            and all(same_record(a, b) for a, b in zip(one, other, strict=True))
        )
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and np.array_equal(one, other)
        )
    return type(one) is type(other) and bool(one == other)
