"""Where the numbers of a traced run come from.

Every number that a tensor holds during the run is a *cell*, an integer. Consecutive cells
belong to one record of this file, which says what they are: spikes that a population sent,
constants, or the outcome of an operation on other cells. An operation that only moves
numbers makes no cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from conversions.linear_maps.map_kinds import Map

EVERY_STEP = 2**31 - 1


class Moment(NamedTuple):
    """Spikes of one population in one step of one sample; values that never change, in any."""

    population: str
    sample: int
    step: int

    def age(self, step: int) -> int:
        """How many steps before another step it was."""
        return 0 if self.step == EVERY_STEP else step - self.step


@dataclass(frozen=True, kw_only=True, eq=False)
class Value:
    """Cells ``start .. start + size``, made inside the module at ``path``."""

    start: int
    size: int
    path: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Spikes(Value):
    """What a population sent; for each cell its sample, step and neuron."""

    population: str
    sample: np.ndarray
    step: np.ndarray
    neuron: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Constants(Value):
    """Numbers that depend on no spike, float64."""

    numbers: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Combination(Value):
    """Sum over ``parts`` of factor times cell, plus a constant; element by element.

    Factors and the constant are numbers or arrays ``(size,)``.
    """

    parts: tuple[tuple[Any, np.ndarray], ...]
    constant: Any


@dataclass(frozen=True, kw_only=True, eq=False)
class Mapped(Value):
    """A linear map, plus a bias ``(n_post,)``, of each row of ``given``, cells ``(L, n_pre)``."""

    given: np.ndarray
    map: Map
    bias: Any
    is_synapses: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Total(Value):
    """Sum of each row of ``given``, cells ``(size, K)``, times a factor."""

    given: np.ndarray
    factor: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Largest(Value):
    """Largest number in each window of each row of ``given``, cells ``(L, C * H * W)``.

    ``windows`` counts the pixels of a window: ones, as a convolution or a list.
    """

    given: np.ndarray
    windows: Map


@dataclass(frozen=True, kw_only=True, eq=False)
class Opaque(Value):
    """What is not followed: the outcome of ``operation`` on the cells ``given``."""

    operation: str
    given: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Potentials(Opaque):
    """Membrane potentials that a layer returned; of which sample, step and neuron, and how high.

    Nothing is sent by them, but the model's output may be made of them.
    """

    population: str
    sample: np.ndarray
    step: np.ndarray
    neuron: np.ndarray
    numbers: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Squashed(Opaque):
    """An increasing function of each cell; ``group`` numbers the cells it is normalized among."""

    group: np.ndarray | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Greatest(Opaque):
    """The largest in each row of ``given``, cells ``(size, n)``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen(Opaque):
    """The place of the largest in each row of ``given``, cells ``(size, n)``."""
