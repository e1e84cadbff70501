"""What cells are made of, as one matrix: for outputs that reach back through all the steps.

Values are gone through in the order in which they were made, so the depth of a sum over time
does not matter.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from conversions.linear_maps.algebra import sparse
from conversions.linear_maps.map_kinds import Sparse
from conversions.linear_maps.synapse_list import joined, unique
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.values import (
    Combination,
    Constants,
    Largest,
    Mapped,
    Opaque,
    Potentials,
    Spikes,
    Total,
    Value,
)
from hw_models import ConversionError

Ends = Callable[[Value, np.ndarray], bool]
"""``(value, local cells) -> whether it is one of those that the matrix is of``."""


class OutputMap(NamedTuple):
    """Matrix ``(n, number of cells)`` of the cells ``ends``, and a constant ``(n,)``."""

    matrix: Sparse
    constant: np.ndarray
    ends: np.ndarray


def output_map(tape: Tape, cells: np.ndarray, stops: Ends) -> OutputMap:
    """Follow flat cells ``(n,)`` back to spikes, potentials and where else it stops.

    Raises
    ------
    ConversionError
        If something on the way is not linear; names the operation and its module.
    """
    needed, ends = _needed(tape, cells, stops)
    return _Forward(tape, needed, ends).of(cells)


def _needed(
    tape: Tape, cells: np.ndarray, stops: Ends
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Local cells by the number of their value, of those on the way and of those at the end."""
    waiting: dict[int, list[np.ndarray]] = {}
    order: list[int] = []

    def ask(wanted: np.ndarray) -> None:
        wanted = np.unique(wanted)
        for value, places in tape.values_of(wanted):
            number = _number(tape, value)
            if number not in waiting:
                waiting[number] = []
                heapq.heappush(order, -number)
            waiting[number].append(wanted[places] - value.start)

    ask(cells)
    needed: dict[int, np.ndarray] = {}
    ends: dict[int, np.ndarray] = {}
    while order:
        number = -heapq.heappop(order)
        value, local = tape.values[number], np.unique(np.concatenate(waiting.pop(number)))
        if isinstance(value, (Spikes, Potentials, Largest)) or stops(value, local):
            ends[number] = local
            continue
        if isinstance(value, Opaque):
            raise ConversionError(_refused(tape, value))
        needed[number] = local
        for given in _given(value, local):
            ask(given)
    return needed, ends


def _given(value: Value, local: np.ndarray) -> list[np.ndarray]:
    if isinstance(value, Combination):
        return [cells[local] for _, cells in value.parts]
    if isinstance(value, Total):
        return [value.given[local].reshape(-1)]
    if isinstance(value, Mapped):
        return [value.given[np.unique(local // value.map.n_post)].reshape(-1)]
    return []


def _refused(tape: Tape, value: Opaque) -> str:
    return (
        f"{tape.place(value)}: {value.operation} comes between the last neurons and the model's"
        " output; supported there are linear layers, sums, factors and other linear operations,"
        " the largest over the steps, and softmax, sigmoid and argmax of the scores. A way to"
        " call the model that leaves it out can be given by from_torch(run=...)"
    )


def _number(tape: Tape, value: Value) -> int:
    return bisect.bisect_right(tape.starts, value.start) - 1


class _Forward:
    """Rows of the needed values, one value after the other."""

    def __init__(
        self, tape: Tape, needed: dict[int, np.ndarray], ends: dict[int, np.ndarray]
    ) -> None:
        self.tape, self.needed = tape, needed
        self.local = {**needed, **ends}
        self.rows: dict[int, tuple[Sparse, np.ndarray]] = {}
        parts: list[np.ndarray] = []
        size, column = sum(len(local) for local in ends.values()), 0
        for number, local in ends.items():
            parts.append(tape.values[number].start + local)
            every = np.arange(len(local))
            one = Sparse(every, column + every, np.ones(len(local)), (len(local), size))
            self.rows[number] = (one, np.zeros(len(local)))
            column += len(local)
        self.ends = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        for number in sorted(needed):
            self.rows[number] = self._row(tape.values[number], needed[number])

    def of(self, cells: np.ndarray) -> OutputMap:
        matrix, constant = self._gathered(cells)
        return OutputMap(matrix, constant, self.ends)

    def _gathered(self, cells: np.ndarray) -> tuple[Sparse, np.ndarray]:
        posts, pres, weights = [], [], []
        constant = np.zeros(len(cells))
        for value, places in self.tape.values_of(cells):
            number = _number(self.tape, value)
            rows, constants = self.rows[number]
            at = np.searchsorted(self.local[number], cells[places] - value.start)
            chosen = joined(Sparse(places, at, np.ones(len(at)), (len(cells), rows.n_post)), rows)
            posts.append(chosen.post)
            pres.append(chosen.pre)
            weights.append(chosen.weights)
            constant[places] = constants[at]
        return self._sum(posts, pres, weights, len(cells)), constant

    def _sum(
        self,
        posts: list[np.ndarray],
        pres: list[np.ndarray],
        weights: list[np.ndarray],
        size: int,
    ) -> Sparse:
        shape = (size, len(self.ends))
        if not posts:
            nothing = np.zeros(0, dtype=np.int64)
            return Sparse(nothing, nothing, np.zeros(0), shape)
        return unique(np.concatenate(posts), np.concatenate(pres), np.concatenate(weights), shape)

    def _row(self, value: Value, local: np.ndarray) -> tuple[Sparse, np.ndarray]:
        if isinstance(value, Constants):
            return self._sum([], [], [], len(local)), value.numbers[local]
        if isinstance(value, Combination):
            return self._combined(value, local)
        if isinstance(value, Total):
            given = value.given[local]
            rows, constant = self._gathered(given.reshape(-1))
            made = self._sum(
                [rows.post // given.shape[1]], [rows.pre], [rows.weights * value.factor], len(local)
            )
            return made, constant.reshape(given.shape).sum(axis=1) * value.factor
        assert isinstance(value, Mapped)
        return self._mapped(value, local)

    def _combined(self, value: Combination, local: np.ndarray) -> tuple[Sparse, np.ndarray]:
        constant = np.zeros(len(local)) + _at(value.constant, local)
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for factor, cells in value.parts:
            rows, added = self._gathered(cells[local])
            by = np.broadcast_to(_at(factor, local), len(local))
            parts.append((rows.post, rows.pre, rows.weights * by[rows.post]))
            constant = constant + added * by
        posts, pres, weights = ([part[i] for part in parts] for i in range(3))
        return self._sum(posts, pres, weights, len(local)), constant

    def _mapped(self, value: Mapped, local: np.ndarray) -> tuple[Sparse, np.ndarray]:
        size = value.map.n_post
        bias = np.broadcast_to(value.bias, size)
        linear = sparse(value.map)
        posts, pres, weights = [], [], []
        constant = np.zeros(len(local))
        row, place = np.divmod(local, size)
        for number in np.unique(row):
            here = np.flatnonzero(row == number)
            given, added = self._gathered(value.given[number])
            made = joined(linear, given)
            whole = bias + np.bincount(
                linear.post, linear.weights * added[linear.pre], minlength=size
            )
            at = np.full(size, -1)
            at[place[here]] = here
            kept = at[made.post] >= 0
            posts.append(at[made.post[kept]])
            pres.append(made.pre[kept])
            weights.append(made.weights[kept])
            constant[here] = whole[place[here]]
        return self._sum(posts, pres, weights, len(local)), constant


def _at(number: object, local: np.ndarray) -> np.ndarray:
    array = np.asarray(number, dtype=np.float64)
    return array if array.ndim == 0 else array[local]
