"""Synapses with no neurons after them: readouts, whose potential is in each step what they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from conversions.linear_maps.algebra import scaled, sparse
from conversions.linear_maps.map_kinds import Map
from conversions.pytorch.network.output_map import OutputMap, output_map
from conversions.pytorch.network.wiring import Arriving, Link, Wiring
from conversions.pytorch.trace.expressions import Expression, Resolver
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.values import EVERY_STEP, Mapped, Value
from hw_models import ConversionError


class Readout(NamedTuple):
    """A population of neurons without memory that never fire, and what arrives at it.

    ``rows`` says of each row of the synapses' outcomes, by the number of the first of its
    cells, how much of which steps' potentials it is. ``has_steps`` says that these numbers, or
    a bias, belong to the number of steps of the run they come from.
    """

    path: str
    arriving: Arriving
    rows: dict[int, dict[int, float]]
    has_steps: bool


def map_scores(
    tape: Tape, resolver: Resolver, cells: np.ndarray, wired: Wiring
) -> tuple[OutputMap, dict[str, Readout]]:
    """The scores as a matrix, of spikes, potentials and the outcome of synapses before them."""
    not_read: set[tuple[str, int]] = set()

    def stops(value: Value, local: np.ndarray) -> bool:
        return isinstance(value, Mapped) and value.is_synapses and _layer(value) not in not_read

    while True:
        made = output_map(tape, cells.reshape(-1), stops)
        rows: dict[tuple[str, int], dict[int, tuple[Mapped, int]]] = {}
        for value, places in tape.values_of(made.ends):
            if isinstance(value, Mapped):
                for row in np.unique((made.ends[places] - value.start) // value.map.n_post):
                    first = value.start + int(row) * value.map.n_post
                    rows.setdefault(_layer(value), {})[first] = (value, int(row))
        readouts: dict[str, Readout] = {}
        refused = set()
        for layer, parts in rows.items():
            one = readout(resolver, list(parts.values()))
            if one is None:
                refused.add(layer)
                continue
            number = len(readouts) + 1
            name = "readout" if number == 1 else f"readout {number}"
            while name in wired.layers or name in resolver.gates or name in readouts:
                name += "'"
            readouts[name] = one
        if not refused:
            return made, readouts
        not_read |= refused


def _layer(value: Mapped) -> tuple[str, int]:
    """Of synapses, whatever the step: their path and their map, of which there is one object."""
    return value.path, id(value.map)


def readout(resolver: Resolver, rows: list[tuple[Mapped, int]]) -> Readout | None:
    """The readout that rows of one layer's outcomes of sample 0 are made by.

    Parameters
    ----------
    rows
        Values of the same synapses, each with the number of a row.

    Returns
    -------
    Readout or None
        None where what the synapses are given is no spikes, or is weighed otherwise from neuron
        to neuron in the steps: then no population has these potentials.

    Raises
    ------
    ConversionError
        If they are given the model's input itself, as values that do not change, or another
        sample.
    """
    seen: dict[int, Expression] = {}
    for value, row in rows:
        size = value.map.n_post
        first = value.start + row * size
        try:
            seen[first] = resolver.resolve(np.arange(first, first + size))
        except (ConversionError, RecursionError):
            return None
        moments = [term.moment for term in seen[first].terms]
        if any(moment.step == EVERY_STEP for moment in moments):
            raise ConversionError(
                f"{value.path}: the model's output is made of values of its input with no neurons"
                " between"
            )
        if any(moment.sample != 0 for moment in moments):
            raise ConversionError(
                f"{value.path}: the model's output for one sample depends on another"
            )
        if not moments:
            return None
    path = rows[0][0].path
    if len(seen) > 1:
        return _step_by_step(path, seen) or _weighed(path, seen)
    return _weighed(path, seen) or _step_by_step(path, seen)


def _step_by_step(path: str, seen: Mapping[int, Expression]) -> Readout | None:
    """The same synapses with the same delays in each row, of different steps."""
    links: dict[tuple[str, int], Link] = {}
    rows = {}
    for number, (first, one) in enumerate(seen.items()):
        steps = [term.moment.step for term in one.terms]
        last = max(steps)
        if len(set(steps)) > 1 and min(steps) == 0:
            return None  # no delays, but as far back as the run goes
        rows[first] = {last: 1.0}
        ages = {(term.moment.population, last - term.moment.step): term for term in one.terms}
        if number == 0:
            constant = one.constant
            links = {key: Link(*key, term.map, term.paths) for key, term in ages.items()}
        alike = set(ages) == set(links) and np.allclose(one.constant, constant)
        if not alike or not all(_ratio(ages[key].map, links[key].map) == 1.0 for key in links):
            return None
    return Readout(path, Arriving(links=tuple(links.values()), constant=constant), rows, False)


def _weighed(path: str, seen: Mapping[int, Expression]) -> Readout | None:
    """Sums over the steps, of weights that are the same for all neurons."""
    maps: dict[str, Link] = {}
    rows: dict[int, dict[int, float]] = {}
    constants = []
    for first, one in seen.items():
        steps: dict[str, dict[int, float]] = {}
        for term in one.terms:
            name = term.moment.population
            link = maps.setdefault(name, Link(name, 0, term.map, term.paths))
            ratio = _ratio(term.map, link.map)
            if ratio is None:
                return None
            steps.setdefault(name, {})[term.moment.step] = ratio
        weights, *others = steps.values()
        if any(other != weights for other in others):
            return None
        rows[first] = weights
        constants.append(one.constant)
    totals = np.array([sum(weights.values()) for weights in rows.values()])
    if np.ptp(totals) > 1e-9 or abs(totals[0]) < 1e-9 or not np.allclose(constants, constants[0]):
        return None
    total = float(totals[0])  # weights that sum to one count a bias once
    rows = {first: {t: w / total for t, w in weights.items()} for first, weights in rows.items()}
    links = tuple(link._replace(map=scaled(link.map, total)) for link in maps.values())
    arriving = Arriving(links=links, constant=constants[0])
    several = any(len(weights) > 1 for weights in rows.values())
    return Readout(path, arriving, rows, several and bool(constants[0].any()))


def _ratio(one: Map, other: Map) -> float | None:
    """Factor between two maps; None if there is none."""
    if one is other:
        return 1.0
    first, second = sparse(one), sparse(other)
    if len(first.post) != len(second.post) or not len(first.post):
        return None
    if (first.post != second.post).any() or (first.pre != second.pre).any():
        return None
    largest = int(np.abs(second.weights).argmax())
    ratio = float(first.weights[largest] / second.weights[largest])
    if not np.allclose(first.weights, ratio * second.weights, rtol=1e-6):
        return None
    return 1.0 if abs(ratio - 1.0) < 1e-9 else ratio
