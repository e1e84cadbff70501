"""Projections with a weight of its own for every synapse: all of them, or a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.arrays import integer_array
from hw_models.errors import RangeError, ShapeError
from hw_models.plasticity import DaSsdpParams
from hw_models.projections.fields import (
    MAX_DELAY,
    WEIGHT_HIGH,
    WEIGHT_LOW,
    check_plasticity,
    set_names,
    set_weights,
)
from hw_models.records import FrozenRecord


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
        Rule that changes these weights on the chip; None if they are fixed. Only with
        ``weight_exponent >= 0`` and weights inside its range.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    weights: Any
    weight_exponent: int = 0
    delays: Any = None
    plasticity: DaSsdpParams | None = None
    name: str = ""

    def __post_init__(self) -> None:
        set_names(self)
        set_weights(self, 2)
        check_plasticity(self)
        if self.delays is not None:
            where = f"{self.name}.delays"
            delays = integer_array(where, self.delays, 0, MAX_DELAY, np.int16)
            if delays.shape != self.weights.shape:
                raise ShapeError(
                    f"{where}: shape {delays.shape}; weights have {self.weights.shape}"
                )
            object.__setattr__(self, "delays", delays)


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
    plasticity
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
    plasticity: DaSsdpParams | None = None
    name: str = ""

    def __post_init__(self) -> None:
        set_names(self)
        check_plasticity(self)
        put = object.__setattr__
        limits = {
            "pre": (0, 2**31 - 1, np.int32),
            "post": (0, 2**31 - 1, np.int32),
            "weights": (WEIGHT_LOW, WEIGHT_HIGH, np.int16),
            "delays": (0, MAX_DELAY, np.int16),
        }
        columns = {}
        for field, (low, high, dtype) in limits.items():
            if field != "delays" or self.delays is not None:
                where = f"{self.name}.{field}"
                columns[field] = integer_array(where, getattr(self, field), low, high, dtype)
        shapes = {field: column.shape for field, column in columns.items()}
        if len(set(shapes.values())) != 1 or columns["pre"].ndim != 1:
            raise ShapeError(f"{self.name}: shapes {shapes}; equal one-axis shapes are needed")
        key = columns["pre"].astype(np.int64) << 32 | columns["post"]
        order = np.argsort(key, kind="stable")
        twice = np.flatnonzero(np.diff(key[order]) == 0)
        if twice.size:
            first = order[twice[0]]
            pair = (int(columns["pre"][first]), int(columns["post"][first]))
            raise RangeError(f"{self.name}: synapse (pre, post) = {pair} is listed twice")
        for field, column in columns.items():
            ordered = np.ascontiguousarray(column[order])
            ordered.flags.writeable = False
            put(self, field, ordered)
