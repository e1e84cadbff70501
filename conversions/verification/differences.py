"""Results of several executors, value by value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from conversions.verification.executors import Executor
from ssdp_neuro.engine.results import RunResult

SPIKES = "spikes"
CAUSAL_ORDER = ("u", "v", SPIKES)  # within a step, what differs first explains the rest


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where executors do not agree.

    Parameters
    ----------
    population
        Its name.
    variable
        ``spikes``, ``u`` or ``v``.
    sample, step, neuron
        Where, each from 0.
    values
        What each executor has there; 0 or 1 for spikes.
    """

    population: str
    variable: str
    sample: int
    step: int
    neuron: int
    values: Mapping[Executor, int]

    def __str__(self) -> str:
        said = ", ".join(f"{executor.value} {value}" for executor, value in self.values.items())
        return (
            f"{self.variable} of {self.population!r}, sample {self.sample}, step {self.step},"
            f" neuron {self.neuron}: {said}"
        )


def compare_results(
    results: Mapping[Executor, RunResult], probes: Iterable[tuple[str, str]]
) -> tuple[int, tuple[Executor, ...], Difference | None]:
    """Number of values, executors that differ from the first one, the first difference."""
    n_values = 0
    unequal: set[Executor] = set()
    places: list[tuple[tuple[int, ...], Difference]] = []
    for order, (name, variable, arrays) in enumerate(_recordings(results, probes)):
        first, *others = arrays
        n_values += arrays[first].size
        differs = np.zeros(arrays[first].shape, dtype=bool)
        for executor in others:
            here = arrays[executor] != arrays[first]
            differs |= here
            if here.any():
                unequal.add(executor)
        if differs.any():
            sample, step, neuron = (int(i) for i in np.argwhere(differs)[0])
            values = {
                executor: int(array[sample, step, neuron]) for executor, array in arrays.items()
            }
            difference = Difference(
                population=name,
                variable=variable,
                sample=sample,
                step=step,
                neuron=neuron,
                values=values,
            )
            places.append(((sample, step, CAUSAL_ORDER.index(variable), order), difference))
    first_difference = min(places, key=lambda place: place[0])[1] if places else None
    in_order = tuple(executor for executor in results if executor in unequal)
    return n_values, in_order, first_difference


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
