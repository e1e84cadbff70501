"""Projections with a weight of its own for every synapse: all of them, or a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.arrays import checked_integers, frozen_array, integer_array
from hw_models.eprop import EpropParams
from hw_models.errors import RangeError, ShapeError
from hw_models.learning_engine.learning_rule import TAG_LIMITS, LearningRule
from hw_models.plasticity import DaSsdpParams
from hw_models.projections.fields import (
    MAX_DELAY,
    WEIGHT_HIGH,
    WEIGHT_LOW,
    check_plasticity,
    set_names,
    set_weights,
)
from hw_models.projections.synapse_order import is_sorted, sort_synapses
from hw_models.records import FrozenRecord

# of the columns of a list: lowest and highest value, and type
LIMITS = {
    "pre": (0, 2**31 - 1, np.int32),
    "post": (0, 2**31 - 1, np.int32),
    "weights": (WEIGHT_LOW, WEIGHT_HIGH, np.int16),
    "delays": (0, MAX_DELAY, np.int16),
    **{field: (*TAG_LIMITS[field], np.int16) for field in TAG_LIMITS},
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DenseProjection(FrozenRecord):
    """All-to-all synapses.

    Parameters
    ----------
    source, target
        Names of populations.
    weights
        Mantissas, shape ``(n_post, n_pre)``, -256..255.
    weight_exponent
        -8..7.
    delays
        Extra steps per synapse, same shape, 0..63; None for none.
    plasticity
        Rule that changes these weights on the chip; None if they are fixed: integer DA-SSDP,
        after every sample and only with ``weight_exponent >= 0``, integer e-prop, in every step
        and only without delays, or a rule of the learning engine, at the end of every epoch.
        Weights lie inside its range.
    tag_1, tag_2
        Of a LearningRule: what the synapses' tags (``t``, -257..255, where -257 is left by
        learning only) and delay variables (``d``, 0..255, which delay nothing) are at the
        beginning, same shape as the weights; None for zeros.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    weights: Any
    weight_exponent: int = 0
    delays: Any = None
    plasticity: DaSsdpParams | EpropParams | LearningRule | None = None
    tag_1: Any = None
    tag_2: Any = None
    name: str = ""

    def __post_init__(self) -> None:
        set_names(self)
        set_weights(self, 2)
        check_plasticity(self)
        for field, (low, high) in {"delays": (0, MAX_DELAY), **TAG_LIMITS}.items():
            if getattr(self, field) is None:
                continue
            where = f"{self.name}.{field}"
            values = integer_array(where, getattr(self, field), low, high, np.int16)
            if values.shape != self.weights.shape:
                raise ShapeError(
                    f"{where}: shape {values.shape}; weights have {self.weights.shape}"
                )
            object.__setattr__(self, field, values)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SparseProjection(FrozenRecord):
    """Listed synapses; kept sorted by source, then target.

    Parameters
    ----------
    source, target
        Names of populations.
    pre, post
        Flat neuron indices of each synapse, shape ``(n_synapses,)``; a pair at most once.
    weights
        Mantissas, shape ``(n_synapses,)``, -256..255.
    weight_exponent
        -8..7.
    delays
        Extra steps per synapse, same shape, 0..63; None for none.
    plasticity, tag_1, tag_2
        As of a :class:`DenseProjection`, for the listed synapses.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    pre: Any
    post: Any
    weights: Any
    weight_exponent: int = 0
    delays: Any = None
    plasticity: DaSsdpParams | EpropParams | LearningRule | None = None
    tag_1: Any = None
    tag_2: Any = None
    name: str = ""

    def __post_init__(self) -> None:
        set_names(self)
        check_plasticity(self)
        columns = {}
        for field, (low, high, _) in LIMITS.items():
            if field in ("pre", "post", "weights") or getattr(self, field) is not None:
                where = f"{self.name}.{field}"
                columns[field] = checked_integers(where, getattr(self, field), low, high)
        shapes = {field: column.shape for field, column in columns.items()}
        if len(set(shapes.values())) != 1 or columns["pre"].ndim != 1:
            raise ShapeError(f"{self.name}: shapes {shapes}; equal one-axis shapes are needed")
        if not is_sorted(columns["pre"], columns["post"]):
            columns, twice = sort_synapses(columns, LIMITS)
            if twice is not None:
                raise RangeError(f"{self.name}: synapse (pre, post) = {twice} is listed twice")
        for field, column in columns.items():
            object.__setattr__(self, field, frozen_array(column, LIMITS[field][2]))
