"""A network in real numbers, step by step: what its source computes."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, NamedTuple

import numpy as np

from conversions.real_network.delivery import Wire
from conversions.real_network.network import RealInput, RealNetwork, RealNeurons
from hw_models import ConversionError, InputError
from hw_models.arrays import plain_array, spike_array


class RealRun(NamedTuple):
    """What a run gave, by population and in the time of the source.

    ``spikes`` bool ``(B, T, N)`` of every population, inputs included; ``potentials``
    float64 ``(B, T, N)`` of the readouts.
    """

    spikes: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray]


def simulate_real(
    network: RealNetwork, spikes: Any, *, real_inputs: Container[str] = ()
) -> RealRun:
    """Run a network in float64.

    Parameters
    ----------
    network
        What to run.
    spikes
        bool or 0/1 ``(B, T, N)`` or ``(B, T, *shape)`` of the only input, or a mapping from
        the inputs' names to such arrays; an input that is not named is silent.
    real_inputs
        Names of inputs that are given real values in the place of spikes.

    Raises
    ------
    InputError
        If the spikes do not fit the inputs.
    ConversionError
        If a loop takes no step.

    Examples
    --------
    >>> from conversions.real_network import NeuronDynamics, RealDense, RealProjection
    >>> network = RealNetwork(
    ...     populations=[
    ...         RealInput(name="pixels", shape=(2,)),
    ...         RealNeurons(name="out", shape=(1,),
    ...                     dynamics=NeuronDynamics(voltage_kept=1.0, threshold=1.0)),
    ...     ],
    ...     projections=[
    ...         RealProjection(source="pixels", target="out", map=RealDense(weights=[[0.5, 0.75]]))
    ...     ],
    ... )
    >>> run = simulate_real(network, np.ones((1, 2, 2), dtype=bool))
    >>> run.spikes["out"].ravel().tolist()
    [True, True]
    """
    fired = input_spikes(network, spikes, real_inputs)
    n_samples, n_steps = next(iter(fired.values())).shape[:2]
    order = _order(network)
    states, potentials, wires = {}, {}, {}
    for neurons in order:
        shape = (n_samples, n_steps, neurons.n_neurons)
        fired[neurons.name] = np.zeros(shape, dtype=bool)
        wires[neurons.name] = [Wire.of(network, p) for p in network.into(neurons.name)]
        states[neurons.name] = neurons.dynamics.start(n_samples, neurons.n_neurons)
        if neurons.dynamics.is_readout:
            potentials[neurons.name] = np.zeros(shape)
    for t in range(n_steps):
        for neurons in order:
            name, dynamics = neurons.name, neurons.dynamics
            if t < neurons.begins:
                continue
            arrived = None
            if t - dynamics.latency >= neurons.begins:
                arrived = _arrived(wires[name], fired, t - dynamics.latency, states[name].u.shape)
            states[name] = dynamics.step(states[name], arrived)
            fired[name][:, t] = states[name].fired
            if name in potentials:
                potentials[name][:, t] = states[name].v
    return RealRun(fired, potentials)


class AloneRun(NamedTuple):
    """One population over time, each ``(B, T, N)``: spikes bool, u and v float64."""

    spikes: np.ndarray
    currents: np.ndarray
    potentials: np.ndarray


def run_alone(network: RealNetwork, name: str, spikes: Mapping[str, np.ndarray]) -> AloneRun:
    """One population by itself, fed by given spikes of all its sources (itself included).

    Parameters
    ----------
    network, name
        Which population.
    spikes
        bool ``(B, T, N)`` of each of its sources, at least of one population.
    """
    neurons = network.population(name)
    if isinstance(neurons, RealInput):
        raise InputError(f"run_alone: {name!r} is an input")
    dynamics = neurons.dynamics
    wires = [Wire.of(network, projection) for projection in network.into(name)]
    n_samples, n_steps = next(iter(spikes.values())).shape[:2]
    shape = (n_samples, n_steps, neurons.n_neurons)
    made = AloneRun(np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape))
    state = dynamics.start(n_samples, neurons.n_neurons)
    for t in range(n_steps):
        state = dynamics.step(state, _arrived(wires, spikes, t - dynamics.latency, state.u.shape))
        made.spikes[:, t], made.currents[:, t], made.potentials[:, t] = state.fired, *state[:2]
    return made


def input_spikes(
    network: RealNetwork, spikes: Any, real_inputs: Container[str] = ()
) -> dict[str, np.ndarray]:
    """Spikes of every input as bool ``(B, T, N)``; InputError if they do not fit.

    Those of ``real_inputs`` are float64 values.
    """
    names = [population.name for population in network.inputs]
    if not isinstance(spikes, Mapping):
        if len(names) != 1:
            raise InputError(f"spikes: the inputs are {names}; a mapping by name is needed")
        spikes = {names[0]: spikes}
    unknown = sorted(set(spikes) - set(names))
    if unknown or not spikes:
        raise InputError(f"spikes: of {unknown or 'nothing'}; the inputs are {names}")
    arrays = {}
    for name, given in spikes.items():
        population, array = network.population(name), plain_array(f"spikes of {name!r}", given)
        if (
            array.ndim < 3
            or array.shape[2:] not in {population.shape, (population.n_neurons,)}
            or 0 in array.shape
        ):
            sizes = ", ".join(map(str, population.shape))
            raise InputError(f"spikes of {name!r}: shape {array.shape}; (B, T, {sizes}) is needed")
        if name in real_inputs:
            if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
                raise InputError(f"values of {name!r}: finite real numbers are needed")
            arrays[name] = array.reshape(*array.shape[:2], -1).astype(np.float64)
            continue
        fired = spike_array(f"spikes of {name!r}", array)
        arrays[name] = fired.reshape(*array.shape[:2], -1)
    times = {array.shape[:2] for array in arrays.values()}
    if len(times) > 1:
        raise InputError(f"spikes: samples and steps {sorted(times)} of the inputs differ")
    for name in set(names) - set(arrays):
        arrays[name] = np.zeros((*times.copy().pop(), network.population(name).n_neurons), bool)
    return {name: arrays[name] for name in names}


def _arrived(
    wires: list[Wire], fired: Mapping[str, np.ndarray], step: int, shape: tuple[int, ...]
) -> np.ndarray | None:
    if step < 0:
        return None
    total = np.zeros(shape)
    for wire in wires:
        total += wire.arrivals(fired[wire.projection.source], step)
    return total


def _order(network: RealNetwork) -> list[RealNeurons]:
    """Populations, each after those whose spikes it feels in the same step."""
    waiting = list(network.neurons)
    order: list[RealNeurons] = []
    while waiting:
        names = {neurons.name for neurons in waiting}
        ready = [neurons for neurons in waiting if not _same_step(network, neurons) & names]
        if not ready:
            raise ConversionError(f"a loop among {sorted(names)} takes no step")
        order += ready
        waiting = [neurons for neurons in waiting if neurons not in ready]
    return order


def _same_step(network: RealNetwork, neurons: RealNeurons) -> set[str]:
    if neurons.dynamics.latency:
        return set()
    return {
        p.source
        for p in network.into(neurons.name)
        if p.latency == 0 and (p.delays is None or not p.delays.all())
    }
