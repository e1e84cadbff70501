"""Which samples, populations and neurons of a run are drawn; refused if they are not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from hw_models import InputError, ShapeError
from hw_models.arrays import spike_array
from hw_models.integers import integer
from ssdp_neuro.engine.results import RunResult


class SampleSpikes(NamedTuple):
    """Spikes of one population in one sample.

    Parameters
    ----------
    step, neuron
        Of each, int ``(n,)``.
    n_steps, size
        Of the raster that they are in.
    """

    step: np.ndarray
    neuron: np.ndarray
    n_steps: int
    size: int

    @property
    def places(self) -> np.ndarray:
        """One number for each step and neuron, int64 ``(n,)``."""
        return self.step.astype(np.int64) * self.size + self.neuron


def sample_spikes(
    spikes: RunResult | np.ndarray, population: str | None, sample: int
) -> SampleSpikes:
    """Spikes of one sample of a run, or of an array ``(T, N)``."""
    if not isinstance(spikes, RunResult):
        array = spike_array("spikes", spikes)
        if array.ndim != 2:
            raise ShapeError(f"spikes: shape {array.shape}; a run or (T, N) is needed")
        steps, neurons = np.nonzero(array)
        return SampleSpikes(steps, neurons, *array.shape)
    if population is None:
        if len(spikes.populations) != 1:
            known = ", ".join(map(repr, spikes.populations))
            raise InputError(f"population: not given; there are {known}")
        (population,) = spikes.populations
    check_sample(spikes, sample)
    events = spikes.events(population)
    if spikes.n_samples is not None:
        events = events[slice(*np.searchsorted(events["sample"], [sample, sample + 1]))]
    return SampleSpikes(events["step"], events["index"], spikes.n_steps, spikes.sizes[population])


def check_sample(run: RunResult, sample: int) -> None:
    """Raise if a run has no such sample; one without a batch has only sample 0."""
    integer("sample", sample, 0, samples_of(run) - 1)


def samples_of(run: RunResult) -> int:
    """Number of samples of a run that has some."""
    if run.n_samples == 0:
        raise InputError("run: 0 samples; at least one is needed")
    return 1 if run.n_samples is None else run.n_samples


def populations_of(run: RunResult, names: Iterable[str] | None) -> list[str]:
    """The names given, at least one, or all."""
    chosen = list(run.populations if names is None else names)
    if not chosen:
        raise InputError("populations: none given; at least one is needed")
    return chosen


def neurons_in(given: Iterable[Any], size: int, where: str) -> list[int]:
    """Neurons as integers that exist."""
    return [integer(where, neuron, 0, size - 1) for neuron in given]
