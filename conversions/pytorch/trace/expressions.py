"""From cells back to the spikes that they are made of: linear maps and a constant."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from conversions.linear_maps.algebra import (
    apply,
    composed,
    placed,
    rows,
    scaled,
    summed,
    totals,
)
from conversions.linear_maps.map_kinds import Identity, Map, Sparse, fingerprint
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.values import (
    Combination,
    Constants,
    Largest,
    Mapped,
    Moment,
    Opaque,
    Spikes,
    Total,
    Value,
)
from hw_models import ConversionError


class LinearTerm(NamedTuple):
    """A linear map of the spikes of a moment, and the paths of the synapses it is made of."""

    moment: Moment
    map: Map
    paths: tuple[str, ...]


class Expression(NamedTuple):
    """Sum of terms and a constant, float64 ``(n,)``."""

    terms: tuple[LinearTerm, ...]
    constant: np.ndarray


@dataclass(frozen=True, eq=False)
class Gate:
    """Neurons that stand for a maximum over windows of spikes: any spike makes one."""

    path: str
    source: str
    windows: Map


class Resolver:
    """Resolves cells of one run; remembers what it has resolved.

    Attributes
    ----------
    gates
        By name, the populations that had to be added for maxima.
    used
        Starts of the mapped values that the cells resolved so far are made of.
    """

    def __init__(self, tape: Tape, sizes: dict[str, int]) -> None:
        self.tape = tape
        self.sizes = sizes
        self.gates: dict[str, Gate] = {}
        self.used: set[int] = set()
        self._rows: dict[tuple[int, int], Expression] = {}

    def resolve(self, cells: np.ndarray) -> Expression:
        """What flat cells ``(n,)`` are made of.

        Raises
        ------
        ConversionError
            If that is not linear; names the operation and the module that does it.
        """
        found = list(self.tape.values_of(cells))
        if len(found) == 1:
            value, _ = found[0]
            return self._of(value, cells - value.start)
        parts = []
        for value, places in found:
            part = self._of(value, cells[places] - value.start)
            constant = np.zeros(len(cells))
            constant[places] = part.constant
            terms = tuple(
                term._replace(map=placed(term.map, places, len(cells))) for term in part.terms
            )
            parts.append(Expression(terms, constant))
        return _sum(parts, len(cells))

    @functools.singledispatchmethod
    def _of(self, value: Value, local: np.ndarray) -> Expression:
        raise AssertionError(type(value))

    @_of.register
    def _(self, value: Spikes, local: np.ndarray) -> Expression:
        sample, step = value.sample[local], value.step[local]
        neuron = value.neuron[local]
        size = self.sizes[value.population]
        terms = []
        for pair in np.unique(np.stack([sample, step]), axis=1).T:
            places = np.flatnonzero((sample == pair[0]) & (step == pair[1]))
            chosen = placed(rows(Identity(size), neuron[places]), places, len(local))
            terms.append(
                LinearTerm(Moment(value.population, int(pair[0]), int(pair[1])), chosen, ())
            )
        return Expression(tuple(terms), np.zeros(len(local)))

    @_of.register
    def _(self, value: Constants, local: np.ndarray) -> Expression:
        return Expression((), value.numbers[local])

    @_of.register
    def _(self, value: Combination, local: np.ndarray) -> Expression:
        parts = [Expression((), np.broadcast_to(_at(value.constant, local), len(local)))]
        for factor, cells in value.parts:
            part, by = self.resolve(cells[local]), _at(factor, local)
            terms = tuple(term._replace(map=scaled(term.map, by)) for term in part.terms)
            parts.append(Expression(terms, part.constant * by))
        return _sum(parts, len(local))

    @_of.register
    def _(self, value: Total, local: np.ndarray) -> Expression:
        given = value.given[local]
        part = self.resolve(given.reshape(-1))
        terms = tuple(
            term._replace(map=scaled(totals(term.map, given.shape[1]), value.factor))
            for term in part.terms
        )
        return Expression(terms, part.constant.reshape(given.shape).sum(axis=1) * value.factor)

    @_of.register
    def _(self, value: Mapped, local: np.ndarray) -> Expression:
        if value.is_synapses:
            self.used.add(value.start)
        return self._by_row(value, local, value.map.n_post)

    @_of.register
    def _(self, value: Largest, local: np.ndarray) -> Expression:
        return self._by_row(value, local, value.windows.n_post)

    @_of.register
    def _(self, value: Opaque, local: np.ndarray) -> Expression:
        raise ConversionError(f"{self.tape.place(value)}: {value.operation}")

    def _by_row(self, value: Mapped | Largest, local: np.ndarray, size: int) -> Expression:
        parts = []
        row, place = np.divmod(local, size)
        for number in np.unique(row):
            key = (value.start, int(number))
            if key not in self._rows:
                given = self.resolve(value.given[number])
                made = _mapped if isinstance(value, Mapped) else self._gated
                self._rows[key] = made(value, given)  # type: ignore[arg-type]
            whole = self._rows[key]
            here = np.flatnonzero(row == number)
            terms = tuple(
                term._replace(map=placed(rows(term.map, place[here]), here, len(local)))
                for term in whole.terms
            )
            constant = np.zeros(len(local))
            constant[here] = whole.constant[place[here]]
            parts.append(Expression(terms, constant))
        return parts[0] if len(parts) == 1 else _sum(parts, len(local))

    def _gated(self, value: Largest, given: Expression) -> Expression:
        """A maximum over windows, as the spikes of neurons that any spike makes fire."""
        one = given.terms[0] if len(given.terms) == 1 else None
        real = one is not None and one.moment.population in self.tape.numbers_of
        if one is None or real or given.constant.any() or not _moves_only(one.map):
            raise ConversionError(
                f"{self.tape.place(value)}: a maximum over what is not the spikes of one"
                " population; supported is MaxPool of spikes, between neurons and synapses. The"
                " model can be converted with pooling='after-spikes' or pooling='average' of"
                " from_torch, which say what they change; better, train it with the pooling after"
                " its neurons, or with AvgPool, which may be before them"
            )
        windows = composed(value.windows, one.map)
        source = one.moment.population
        name = self._gate_name(value.path, source, windows)
        if name not in self.gates:
            self.gates[name] = Gate(value.path, source, windows)
            self.sizes[name] = windows.n_post
        moment = one.moment._replace(population=name)
        return Expression(
            (LinearTerm(moment, Identity(windows.n_post), ()),), np.zeros(windows.n_post)
        )

    def _gate_name(self, path: str, source: str, windows: Map) -> str:
        """Of the gate for these windows of a source; one module or function may have several."""
        wanted, number = path or f"maximum of {source}", 1
        name = wanted
        while name in self.gates:
            known = self.gates[name]
            if known.source == source and fingerprint(known.windows) == fingerprint(windows):
                return name
            number += 1
            name = f"{wanted} ({number})"
        return name


def _mapped(value: Mapped, given: Expression) -> Expression:
    paths = (value.path,) if value.is_synapses else ()
    terms = tuple(
        LinearTerm(term.moment, composed(value.map, term.map), term.paths + paths)
        for term in given.terms
    )
    constant = np.zeros(value.map.n_post) + value.bias
    if given.constant.any():
        constant = constant + apply(value.map, given.constant[None])[0]
    return Expression(terms, constant)


def _moves_only(linear: Map) -> bool:
    if isinstance(linear, Identity):
        return True
    return (
        isinstance(linear, Sparse)
        and bool((linear.weights == 1).all())
        and len(np.unique(linear.post)) == len(linear.post)
    )


def _sum(parts: list[Expression], size: int) -> Expression:
    constant = np.zeros(size)
    for part in parts:
        constant = constant + part.constant
    terms: list[LinearTerm] = []
    for term in (term for part in parts for term in part.terms):
        for place, other in enumerate(terms):
            both = summed(other.map, term.map) if other.moment == term.moment else None
            if both is not None:
                paths = tuple(dict.fromkeys(other.paths + term.paths))
                terms[place] = LinearTerm(term.moment, both, paths)
                break
        else:
            terms.append(term)
    return Expression(tuple(terms), constant)


def _at(number: object, local: np.ndarray) -> np.ndarray:
    array = np.asarray(number, dtype=np.float64)
    return array if array.ndim == 0 else array[local]
