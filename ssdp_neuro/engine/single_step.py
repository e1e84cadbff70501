"""One step of a session: tables that are made once and filled anew, so that a step costs little."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, InputPopulation, ShapeError
from hw_models.arrays import integer_array, plain_array
from ssdp_neuro.engine.job import Job
from ssdp_neuro.engine.kernels.catalog import RUN_NETWORK
from ssdp_neuro.engine.kernels.tables import (
    InputTable,
    LatencyTable,
    RuleTable,
    State,
    WindowTable,
)
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.spike_input import spike_input


class SingleStep:
    """What the kernels are given for one step of one sample.

    Parameters
    ----------
    network, plan
        As of a session.
    state
        Its state, which the step moves on.
    latencies
        What listens to it.
    """

    def __init__(
        self, network: FixedPointNetwork, plan: Plan, state: State, latencies: LatencyTable
    ) -> None:
        self.latencies = latencies
        self.inputs = {population.name: population for population in network.inputs}
        self._neurons = [(plan.index[p.name], p.name) for p in network.neurons]
        self._places = {name: plan.index[name] for name in self.inputs}
        job = Job(network, plan, 1, spike_input(network, None, 1), 1, (), begin=0)
        sizes = [population.n_neurons for population in network.inputs]
        self._base = np.full(len(plan.index), -1, dtype=np.int64)
        self._starts = np.zeros(2 * len(sizes), dtype=np.int64)
        self._indices = np.zeros(sum(sizes), dtype=np.int32)
        self._bounds, self._cursor = np.array([0, 1, 0, 1, 1]), np.zeros(4, dtype=np.int64)
        self._counts = np.zeros(len(plan.index), dtype=np.int32)
        room = int(plan.populations.stride.sum()) + sum(sizes)  # all fire: never full
        self._fired = np.zeros(room, dtype=np.int32)
        all_listed = plan.populations.size
        window = WindowTable(self._bounds, self._cursor, self._counts, self._fired, all_listed)
        self._tables = dataclasses.replace(
            job.silent_tables(state, latencies),
            inputs=InputTable(self._base, self._starts, self._indices),
            window=window,
        )

    def run(
        self, step: int, spikes: Mapping[str, np.ndarray], rules: RuleTable | None
    ) -> dict[str, np.ndarray]:
        """Run a step.

        Parameters
        ----------
        step
            Its number.
        spikes
            By input: indices of the neurons that fire, rising; others are silent.
        rules
            Those that learn in it.

        Returns
        -------
        By LIF population: indices of the neurons that fired, rising, int32
        """
        place = 0
        for k, (name, population) in enumerate(self._places.items()):
            fired = spikes.get(name)
            end = place if fired is None else place + fired.size
            if fired is not None:
                self._indices[place:end] = fired
            self._starts[2 * k] = place
            self._starts[2 * k + 1] = place = end
            self._base[population] = 2 * k - step
        self._bounds[2:4] = step, step + 1
        self._cursor[:] = 0, step, 0, 0
        tables = self._tables
        if rules is not None:
            tables = dataclasses.replace(tables, rules=rules)
        if not RUN_NETWORK(0, 0, 0, 0, tables):
            raise RuntimeError(f"step {step}: more spikes than neurons")
        ends = np.cumsum(self._counts).tolist()
        counts = self._counts.tolist()
        return {
            name: np.sort(self._fired[ends[p] - counts[p] : ends[p]]) for p, name in self._neurons
        }


def indices_of(population: InputPopulation, form: Any) -> np.ndarray | None:
    """The neurons that fire, rising, of an array of flags or of indices; None if it is neither."""
    if type(form) is not np.ndarray:
        return None
    if form.dtype == np.bool_:
        is_whole = form.shape in ((population.n_neurons,), population.shape)
        return np.flatnonzero(form) if is_whole else None
    if form.dtype.kind not in "iu" or form.ndim != 1 or form.size == 0:
        return None
    neurons = np.sort(form)
    if neurons[0] < 0 or neurons[-1] >= population.n_neurons:
        return None
    return neurons if (neurons[1:] != neurons[:-1]).all() else None


def forms_by_input(network: FixedPointNetwork, spikes: Any) -> Mapping[str, Any]:
    """Spikes of one step as a mapping from names of inputs."""
    if spikes is None or isinstance(spikes, Mapping):
        return spikes or {}
    names = [population.name for population in network.inputs]
    if len(names) != 1:
        raise InputError(
            f"the network has {len(names)} input populations ({', '.join(names) or 'none'});"
            " give spikes as a mapping from their names"
        )
    return {names[0]: spikes}


def run_form(network: FixedPointNetwork, name: str, form: Any) -> Any:
    """Spikes of one step in a form of one step of a run."""
    array = plain_array(name, form)
    if array.dtype.kind == "b":
        return array[None]
    size = network.population(name).n_neurons
    neurons = integer_array(name, array, 0, size - 1, np.int64)
    if neurons.ndim != 1:
        raise ShapeError(f"{name}: indices of shape {neurons.shape}; (n,) is needed")
    return [(0, neuron) for neuron in neurons.tolist()]
