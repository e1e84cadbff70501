"""Entries of an output's matrix as the terms of a decision: by population, and by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from conversions.decision_rule import (
    POTENTIAL,
    SPIKES,
    ScoreTerm,
    StepWeights,
)
from conversions.linear_maps.algebra import sparse
from conversions.pytorch.network.output_map import OutputMap
from conversions.pytorch.network.readouts import Readout
from conversions.pytorch.network.wiring import Wiring
from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.trace.expressions import Resolver
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.values import (
    Largest,
    Mapped,
    Potentials,
    Spikes,
)
from hw_models import ConversionError

PER_STEP = (TimeAxis.FIRST, TimeAxis.SECOND, TimeAxis.LAST, TimeAxis.FLATTENED)


class Atoms(NamedTuple):
    """Columns of a matrix: which population, variable, step and neuron; and their weights.

    ``entry`` is the number of the entry of the matrix ``(n, n ends)`` that each belongs to.
    """

    entry: np.ndarray
    source: np.ndarray
    step: np.ndarray
    neuron: np.ndarray
    weight: np.ndarray
    names: list[tuple[str, str]]


def atoms_of(
    tape: Tape,
    resolver: Resolver,
    wired: Wiring,
    matrix: OutputMap,
    readouts: Mapping[str, Readout],
) -> Atoms:
    """What each end of the matrix is, joined to the entries of the matrix."""
    names: list[tuple[str, str]] = []
    parts: list[tuple[np.ndarray, ...]] = []  # end, source, step, neuron, factor

    def add(
        name: str, variable: str, sample: object, end: np.ndarray, *rest: np.ndarray | float
    ) -> None:
        if np.any(np.asarray(sample) != 0):
            raise ConversionError(f"{name}: the model's output for one sample depends on another")
        if (name, variable) not in names:
            names.append((name, variable))
        columns = (end, np.full(len(end), names.index((name, variable))), *rest)
        parts.append(tuple(np.broadcast_to(column, len(end)) for column in columns))

    for value, places in tape.values_of(matrix.ends):
        cells = matrix.ends[places]
        local = cells - value.start
        if isinstance(value, (Spikes, Potentials)):
            if isinstance(value, Spikes) and value.population in tape.numbers_of:
                raise ConversionError(
                    "the model's output is made of values of its input with no neurons between"
                )
            variable = SPIKES if isinstance(value, Spikes) else POTENTIAL
            where = (value.step[local], value.neuron[local], 1.0)
            add(value.population, variable, value.sample[local], places, *where)
        elif isinstance(value, Mapped):
            row, neuron = np.divmod(local, value.map.n_post)
            for number in np.unique(row):
                here = row == number
                first = value.start + int(number) * value.map.n_post
                name = next(n for n, one in readouts.items() if first in one.rows)
                for step, factor in readouts[name].rows[first].items():
                    add(name, POTENTIAL, 0, places[here], np.int64(step), neuron[here], factor)
        else:
            assert isinstance(value, Largest)
            for term in resolver.resolve(cells).terms:
                name, listed = term.moment.population, sparse(term.map)
                where = (np.int64(term.moment.step), listed.pre, 1.0)
                add(name, SPIKES, term.moment.sample, places[listed.post], *where)
    if not parts:
        raise ConversionError("the model's output is a constant")
    end, which, step, neuron, factor = (
        np.concatenate([part[i] for part in parts]) for i in range(5)
    )
    order = np.argsort(end, kind="stable")
    starts = np.searchsorted(end[order], np.arange(len(matrix.ends) + 1))
    entries = matrix.matrix
    counts = np.diff(starts)[entries.pre]
    entry = np.repeat(np.arange(len(entries.pre)), counts)
    inside = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts)
    atom = order[starts[entries.pre[entry]] + inside]
    weight = entries.weights[entry] * factor[atom]
    return Atoms(entry, which[atom], step[atom], neuron[atom], weight, names)


def zeros_of_potentials(
    wired: Wiring, atoms: Atoms, scores: np.ndarray, n_scores: int
) -> np.ndarray:
    """What the scores have from potentials that do not count from zero."""
    made = np.zeros(n_scores)
    for source, (name, variable) in enumerate(atoms.names):
        if variable == POTENTIAL and name in wired.layers:
            layer = wired.layers[name]
            zero = np.broadcast_to(layer.reading.voltage_zero, int(np.prod(layer.shape)))
            here = np.flatnonzero(atoms.source == source)
            np.add.at(made, scores[here], atoms.weight[here] * zero[atoms.neuron[here]])
    return made


def score_terms(
    name: str,
    variable: str,
    columns: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    weight: np.ndarray,
    n_looks: int,
    n_steps: int,
) -> list[ScoreTerm]:
    """Entries ``(look, class, step, neuron)`` as matrices, each for one way to weigh the steps."""
    look, number, step, neuron = columns
    pair = number * (int(neuron.max(initial=0)) + 1) + neuron
    place = look * n_steps + step
    keys, back = np.unique(pair * (n_looks * n_steps) + place, return_inverse=True)
    weight = np.bincount(back.reshape(-1), weight, minlength=len(keys))
    pair, place = np.divmod(keys, n_looks * n_steps)
    kept = weight != 0
    pair, place, weight = pair[kept], place[kept], weight[kept]
    groups: dict[bytes, tuple[np.ndarray, list[int], list[float]]] = {}
    edges = np.flatnonzero(np.diff(pair)) + 1
    for places in np.split(np.arange(len(pair)), edges) if len(pair) else []:
        values = weight[places]
        scale = float(values[np.abs(values).argmax()])
        profile = np.zeros(n_looks * n_steps)
        profile[place[places]] = values / scale
        key = np.round(profile, 9).tobytes()
        _, pairs, scales = groups.setdefault(key, (profile, [], []))
        pairs.append(int(pair[places[0]]))
        scales.append(scale)
    made = []
    width = int(neuron.max(initial=0)) + 1
    for profile, pairs, scales in groups.values():
        classes, neurons = np.divmod(np.array(pairs, dtype=np.int64), width)
        steps, factors = step_weights(profile.reshape(n_looks, n_steps))
        made.append(
            ScoreTerm(
                population=name,
                variable=variable,
                classes=classes,
                neurons=neurons,
                weights=np.array(scales),
                steps=steps,
                factors=factors,
            )
        )
    return made


def step_weights(factors: np.ndarray) -> tuple[StepWeights, np.ndarray | None]:
    """The kind of weights ``(L, T)`` of the steps, and these if they are of no other kind."""
    n_looks, n_steps = factors.shape
    if n_looks == 1 and np.allclose(factors, 1.0, rtol=1e-9):
        return StepWeights.ALL, None
    if n_looks == 1 and factors[0, -1] == 1.0 and not factors[0, :-1].any():
        return StepWeights.LAST, None
    if n_looks == n_steps > 1 and np.allclose(factors, np.eye(n_steps), rtol=1e-9):
        return StepWeights.EACH, None
    return StepWeights.GIVEN, factors
