"""Results of several executors, value by value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from conversions.execution.executable import SPIKES
from conversions.execution.executor import Executor
from ssdp_neuro.engine.results import RunResult

NOWHERE = -1
CAUSAL_ORDER = ("u", "v", SPIKES)  # within a step, what differs first explains the rest


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where executors do not agree.

    Parameters
    ----------
    population
        Its name; of a variable that a rule learns, the projection's.
    variable
        ``spikes``, ``u`` or ``v``; ``weights``, ``tag_1``, ``tag_2`` or a trace of a rule.
    sample, step, neuron
        Where, each from 0. Of a synapse the target's neuron, of ``x1`` and ``x2`` the source's.
    values
        What each executor has there; 0 or 1 for spikes.
    source
        Of a synapse, the source's neuron.
    """

    population: str
    variable: str
    sample: int
    step: int
    neuron: int
    values: Mapping[Executor, int]
    source: int | None = None

    def __str__(self) -> str:
        said = ", ".join(f"{executor.value} {value}" for executor, value in self.values.items())
        where = f"neuron {self.neuron}"
        if self.source is not None:
            where = f"synapse from neuron {self.source} to {self.neuron}"
        return (
            f"{self.variable} of {self.population!r}, sample {self.sample}, step {self.step},"
            f" {where}: {said}"
        )


def compare_results(
    results: Mapping[Executor, RunResult], probes: Iterable[tuple[str, str]]
) -> tuple[int, tuple[Executor, ...], Difference | None]:
    """Number of values, executors that differ from the first one, the first difference."""
    n_values = 0
    unequal: set[Executor] = set()
    recordings = sorted(_recordings(results, probes), key=lambda one: CAUSAL_ORDER.index(one[1]))
    differing = []
    for _, _, arrays in recordings:
        first, *others = arrays
        n_values += arrays[first].size
        differs = np.zeros(arrays[first].shape, dtype=bool)
        for executor in others:
            here = arrays[executor] != arrays[first]
            differs |= here
            if here.any():
                unequal.add(executor)
        differing.append(differs)
    places = first_places(differing) if differing else np.zeros((0, 3), dtype=np.int64)
    samples = np.flatnonzero(places[:, 0] != NOWHERE)
    in_order = tuple(executor for executor in results if executor in unequal)
    if not samples.size:
        return n_values, in_order, None
    sample = int(samples[0])
    place, step, neuron = map(int, places[sample])
    name, variable, arrays = recordings[place]
    difference = Difference(
        population=name,
        variable=variable,
        sample=sample,
        step=step,
        neuron=neuron,
        values={executor: int(array[sample, step, neuron]) for executor, array in arrays.items()},
    )
    return n_values, in_order, difference


def first_places(differing: Sequence[np.ndarray]) -> np.ndarray:
    """In each sample the earliest difference, within a step in the first of several arrays.

    Parameters
    ----------
    differing
        Where values differ: bool ``(B, T, N)`` each, of the same B and T; at least one.

    Returns
    -------
    int64, shape (B, 3)
        Number of the array, step and neuron; ``NOWHERE`` where nothing differs.

    Examples
    --------
    >>> one, other = np.zeros((2, 4, 3), dtype=bool), np.zeros((2, 4, 1), dtype=bool)
    >>> one[0, 2, 1] = other[0, 1, 0] = True
    >>> first_places([one, other]).tolist()
    [[1, 1, 0], [-1, -1, -1]]
    """
    places = np.full((len(differing[0]), 3), NOWHERE, dtype=np.int64)
    steps = np.full(len(places), np.iinfo(np.int64).max)
    for number, differs in enumerate(differing):
        flat = differs.reshape(len(differs), differs.shape[1] * differs.shape[2])
        if not flat.size:
            continue
        step, neuron = np.divmod(flat.argmax(axis=1), differs.shape[2])
        earlier = flat.any(axis=1) & (step < steps)
        steps = np.where(earlier, step, steps)
        here = np.stack([np.full(len(places), number), step, neuron], axis=1)
        places = np.where(earlier[:, None], here, places)
    return places


def _recordings(
    results: Mapping[Executor, RunResult], probes: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str, dict[Executor, np.ndarray]]]:
    """Population, variable and every executor's values ``(B, T, N)`` of it."""
    some = next(iter(results.values()))
    shape = (some.n_samples or 1, some.n_steps, -1)
    if some.n_samples == 0:
        return
    for name in some.populations:
        yield name, SPIKES, {e: run.raster(name).reshape(shape) for e, run in results.items()}
    for name, variable in probes:
        arrays = {e: run.probe(name, variable).reshape(shape) for e, run in results.items()}
        yield name, variable, arrays
