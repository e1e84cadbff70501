"""Synapses with no neurons after them: readouts, whose outcome is summed over the steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from conversions.linear_maps.algebra import scaled, sparse
from conversions.linear_maps.kinds import Map
from conversions.pytorch.network.wiring import Arriving, Link
from conversions.pytorch.neurons.registry import supported_neurons
from conversions.pytorch.trace.expressions import Expression, Resolver
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.tracing import Trace
from conversions.pytorch.trace.values import (
    EVERY_STEP,
    Combination,
    Largest,
    Mapped,
    Opaque,
    Total,
    Value,
)
from hw_models import ConversionError

# of a decision by the largest of several numbers they change nothing
_MONOTONE = ("_softmax", "_log_softmax", "argmax", "max", "topk", "sort", "sigmoid")


class Readout(NamedTuple):
    """What arrives at it, computed at which path; and whether only the last step counts."""

    path: str
    arriving: Arriving
    last_only: bool = False


class _Met(NamedTuple):
    value: Mapped
    row: int
    between: str


def readouts(found: Trace, resolver: Resolver) -> list[Readout]:
    """Synapses that the output of the model is made of and no neuron is.

    Raises
    ------
    ConversionError
        If the output is made of them by more than a sum or mean over the steps.
    """
    used = {_signature(v) for v in found.tape.values if v.start in resolver.used}
    met: dict[tuple[object, ...], list[_Met]] = {}
    for cells in found.outputs:
        for one in _walk(found.tape, cells, used, "", False):
            met.setdefault(_signature(one.value), []).append(one)
    n_samples, n_steps = next(iter(found.spikes.values())).shape[:2]
    return [_readout(resolver, parts, n_samples, n_steps) for parts in met.values()]


def _readout(resolver: Resolver, parts: list[_Met], n_samples: int, n_steps: int) -> Readout:
    path = parts[0].value.path
    for part in parts:
        if part.between:
            raise ConversionError(
                f"{path}: {part.between} comes between these synapses and the model's output;"
                " supported are outputs that are summed or averaged over the steps, and as neurons"
                f" {supported_neurons()}, and what conversions.register_neuron has been taught"
            )
    rows = {(part.value.start, part.row): part for part in parts}
    seen: dict[tuple[int, tuple[int, ...]], Expression] = {}
    for value, row in ((part.value, part.row) for part in rows.values()):
        size = value.map.n_post
        first = value.start + row * size
        expression = resolver.resolve(np.arange(first, first + size))
        samples = {term.moment.sample for term in expression.terms}
        steps = tuple(sorted({term.moment.step for term in expression.terms}))
        if EVERY_STEP in steps:
            raise ConversionError(
                f"{path}: the model's output is made of values of its input with no neurons between"
            )
        if len(samples) > 1:
            raise ConversionError(f"{path}: what one sample is given depends on another")
        if samples:
            seen[samples.pop(), steps] = expression
    of_first = {steps: one for (sample, steps), one in seen.items() if sample == 0}
    every = tuple(range(n_steps))
    if list(of_first) == [every]:
        return Readout(path, _averaged(path, of_first[every], n_steps))
    last = {max(steps): one for steps, one in of_first.items() if steps}
    last_only = list(last) == [n_steps - 1]
    if not (last_only or sorted(last) == list(every)) or len(last) != len(of_first):
        raise ConversionError(
            f"{path}: the model's output uses what it makes in steps {sorted(last)} of"
            f" {n_steps}; supported are the last step, a sum or mean over all steps, or all of"
            " them"
        )
    links = tuple(
        Link(term.moment.population, n_steps - 1 - term.moment.step, term.map, term.paths)
        for term in last[n_steps - 1].terms
    )
    arriving = Arriving(links=links, constant=last[n_steps - 1].constant)
    return Readout(path, arriving, last_only)


def _averaged(path: str, whole: Expression, n_steps: int) -> Arriving:
    """Synapses after a mean over the steps are the mean of what they make in each."""
    links: dict[str, Link] = {}
    for term in whole.terms:
        name = term.moment.population
        known = links.get(name)
        if known is not None and not _equal(known.map, term.map):
            raise ConversionError(
                f"{path}: weighs the steps differently; supported is a sum or mean over all steps"
            )
        links[name] = Link(name, 0, term.map, term.paths)
    factor = float(n_steps)
    unscaled = tuple(link._replace(map=scaled(link.map, factor)) for link in links.values())
    return Arriving(links=unscaled, constant=whole.constant)


def _equal(one: Map, other: Map) -> bool:
    first, second = sparse(one), sparse(other)
    return (
        len(first.post) == len(second.post)
        and bool((first.post == second.post).all() and (first.pre == second.pre).all())
        and bool(np.allclose(first.weights, second.weights))
    )


def _signature(value: Value) -> tuple[object, ...]:
    """Of a layer, whatever the step: its path and its map, of which there is one object."""
    return (value.path, id(value.map) if isinstance(value, Mapped) else None)


def _walk(
    tape: Tape, cells: np.ndarray, used: set[tuple[object, ...]], between: str, reduced: bool
) -> Iterator[_Met]:
    """From an output back to the first synapses that no neuron is given anything of."""
    for value, places in tape.values_of(np.unique(cells)):
        local = np.unique(cells)[places] - value.start
        if isinstance(value, Mapped):
            if value.is_synapses and _signature(value) not in used:
                for row in np.unique(local // value.map.n_post):
                    yield _Met(value, int(row), between)
            elif not value.is_synapses:
                rows = np.unique(local // value.map.n_post)
                yield from _walk(tape, value.given[rows].reshape(-1), used, between, reduced)
        elif isinstance(value, Combination):
            for _, given in value.parts:
                yield from _walk(tape, given[local], used, between, reduced)
        elif isinstance(value, Total):
            yield from _walk(tape, value.given[local].reshape(-1), used, between, True)
        elif isinstance(value, Largest):
            rows = np.unique(local // value.windows.n_post)
            crossed = between or "a maximum"
            yield from _walk(tape, value.given[rows].reshape(-1), used, crossed, reduced)
        elif isinstance(value, Opaque) and value.given.size:
            harmless = value.operation in _MONOTONE and not reduced
            crossed = between if harmless else between or f"{tape.place(value)}: {value.operation}"
            yield from _walk(tape, value.given, used, crossed, reduced)
