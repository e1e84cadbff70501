"""A network run on every sample of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

import ssdp_neuro  # its verbs load their kernels when they are called
from hw_models import FixedPointNetwork, InputError, ShapeError
from ssdp_neuro.data import SpikeDataset
from ssdp_neuro.decision import decide

if TYPE_CHECKING:
    from ssdp_neuro import RunResult

AT_ONCE = 1024  # samples: spikes of a large test need not all be in memory


def only_input(network: FixedPointNetwork, *, but: tuple[str, ...] = ()) -> str:
    """The name of the only input population, ``but`` some of which are left out.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    names = [population.name for population in network.inputs if population.name not in but]
    if len(names) != 1:
        raise InputError(f"the network has input populations {names}; one is needed")
    return names[0]


def network_spikes(network: FixedPointNetwork, name: str, spikes: np.ndarray) -> np.ndarray:
    """Spikes of samples in the shape of an input population, bool ``(B, T, n_neurons)``.

    Raises
    ------
    ShapeError
        If they are of another size.
    """
    n_neurons = network.population(name).n_neurons
    flat = spikes.reshape(*spikes.shape[:2], -1)
    if flat.shape[2] != n_neurons:
        raise ShapeError(
            f"{name}: {n_neurons} neurons; samples of {' x '.join(map(str, spikes.shape[2:]))}"
            " inputs do not fit ([data] pool makes images smaller)"
        )
    return flat


def decisions(
    network: FixedPointNetwork, dataset: SpikeDataset, output: str, *, source: str | None = None
) -> np.ndarray:
    """The class that a network decides for on each sample, int64 ``(B,)``.

    Parameters
    ----------
    network
        Run in the engine.
    dataset
        Labelled or not.
    output
        Population with a neuron for each class, decided on by
        :func:`ssdp_neuro.decision.decide`.
    source
        Input population that gets the spikes; the only one if not given.

    Raises
    ------
    InputError, ShapeError
        If there is no such population, or the samples do not fit it.
    """
    parts = [decide(run.raster(output)) for run in _runs(network, dataset, source)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _runs(
    network: FixedPointNetwork, dataset: SpikeDataset, source: str | None
) -> Iterator[RunResult]:
    name = only_input(network) if source is None else source
    for start in range(0, len(dataset), AT_ONCE):
        places = np.arange(start, min(start + AT_ONCE, len(dataset)))
        given = {name: network_spikes(network, name, dataset.spikes(places))}
        yield ssdp_neuro.simulate(network, given, n_steps=dataset.n_steps, n_threads=1)
