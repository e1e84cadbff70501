"""What a half converted network stands for, as a network in real numbers that can be run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from conversions.quantization.constant_drive import Drive
from conversions.quantization.decays import current_kept, voltage_kept
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.quantization.passes.state import ConversionState
from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealNetwork,
    RealNeurons,
    RealProjection,
)
from conversions.real_network.simulator import simulate_real
from hw_models import InputError
from hw_models.arithmetic import ALIGN_SHIFT

CLOCK = NeuronDynamics(voltage_kept=0.0, threshold=0.5, bias=1.0)


def sent_spikes(state: ConversionState) -> dict[str, np.ndarray]:
    """Spikes of every population of the source on the calibration data, in the source's time.

    Returns
    -------
    dict of int64, shape (B, T, N)
        By the integer engine where there are integers already, else by the simulator of
        networks in real numbers. Inputs and readouts are not in it.

    Raises
    ------
    InputError
        If there are no calibration data.
    """
    if state.calibration is None:
        raise InputError("verify_each: calibration data are needed, on which spikes are compared")
    arriving = _inputs(state)
    n_steps = next(iter(arriving.values())).shape[1]
    shifts: Mapping[str, int] = {} if state.timing is None else state.timing.shifts
    late = max(shifts.values(), default=0)
    later = {name: np.pad(one, ((0, 0), (0, late), (0, 0))) for name, one in arriving.items()}
    names = [neurons.name for neurons in state.network.neurons if not neurons.dynamics.is_readout]
    if state.fixed is not None:
        from ssdp_neuro import simulate

        run = simulate(state.fixed, later, n_steps=n_steps + late)
        fired = {name: run.raster(name) for name in names}
    else:
        real = {state.planes.name} if state.planes is not None else set()
        fired = simulate_real(meaning(state), later, real_inputs=real).spikes
    sent = {}
    for name in names:
        shift = shifts.get(name, 0)
        sent[name] = fired[name][:, shift : shift + n_steps].astype(np.int64)
    return sent


def _inputs(state: ConversionState) -> dict[str, np.ndarray]:
    """What the inputs send, ``(B, T, N)``: spikes, or the values that their digits stand for."""
    assert state.calibration is not None
    if state.planes is None:
        return state.calibration.of(state.network)
    values = state.planes.decode(state.calibration.spikes)
    return {state.planes.name: values.reshape(*values.shape[:2], -1)}


def meaning(state: ConversionState) -> RealNetwork:
    """The network as it would be run with what is decided so far; with a timing in its steps."""
    if state.timing is None:
        return state.network
    layers = {layer.name: layer for layer in state.layers}
    populations: list[Any] = []
    projections: list[RealProjection] = []
    for population in state.network.populations:
        if not isinstance(population, RealNeurons):
            populations.append(population)
            continue
        name = population.name
        layer, grid, drive = layers.get(name), state.grids.get(name), state.drives.get(name)
        neurons = dataclasses.replace(population, begins=state.timing.shifts[name])
        if layer is not None:
            neurons = _with_decays(neurons, layer)
        into = [_on_time(state, projection) for projection in state.network.into(name)]
        if layer is not None and grid is not None:
            neurons, into = _on_grid(neurons, into, layer, grid)
            if drive is not None:
                neurons, into = _driven(neurons, into, grid, drive, state.clock_name)
        populations.append(neurons)
        projections += into
    if any(projection.source == state.clock_name for projection in projections):
        populations.append(RealNeurons(name=state.clock_name, shape=(1,), dynamics=CLOCK))
    return RealNetwork(populations=populations, projections=projections)


def _on_time(state: ConversionState, projection: RealProjection) -> RealProjection:
    """With the latency that it has in steps of the network."""
    shifts = state.when.shifts
    later = shifts[projection.target] - shifts[projection.source]
    return dataclasses.replace(projection, latency=projection.latency + later)


def _with_decays(neurons: RealNeurons, layer: Layer) -> RealNeurons:
    dynamics = dataclasses.replace(
        neurons.dynamics,
        current_kept=current_kept(layer.current_decay),
        voltage_kept=voltage_kept(layer.voltage_decay),
        threshold_rise=_rise_of(layer.felt_rise, layer.rise_kept),
        rise_kept=layer.rise_kept,
    )
    return dataclasses.replace(neurons, dynamics=dynamics)


def _rise_of(felt: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """What a spike adds so that so much is felt after a decay."""
    felt, kept = np.broadcast_arrays(felt, kept)
    return np.divide(felt, kept, out=np.zeros(felt.shape), where=felt > 0)


def _on_grid(
    neurons: RealNeurons, into: list[RealProjection], layer: Layer, grid: LayerGrid
) -> tuple[RealNeurons, list[RealProjection]]:
    """With the weights and thresholds that the integers stand for; gains are in the weights."""
    dynamics = neurons.dynamics
    threshold = dynamics.threshold
    if not dynamics.is_readout:
        reached = grid.threshold + (1 if dynamics.fires_at_threshold else 0)
        threshold = reached / grid.units
    rise, _ = grid.rise(layer)
    constant = dynamics.gain * dynamics.current_bias
    dynamics = dataclasses.replace(
        dynamics,
        threshold=threshold,
        threshold_rise=rise / grid.units,
        gain=1.0,
        current_bias=constant,
        grid=None,
    )
    by_name = {projection.name: projection for projection in into}
    weighted = []
    for synapses in layer.synapses:
        weights = grid.delivered(synapses) / synapses.spread(grid.units)
        for projection, less in synapses.digits:
            linear = dataclasses.replace(projection.map, weights=weights)
            timed = by_name[projection.name]
            weighted.append(dataclasses.replace(timed, map=linear, power=-less))
    return dataclasses.replace(neurons, dynamics=dynamics), weighted


def _driven(
    neurons: RealNeurons,
    into: list[RealProjection],
    grid: LayerGrid,
    drive: Drive,
    clock_name: str,
) -> tuple[RealNeurons, list[RealProjection]]:
    """With the constant inputs as the chip has them, from the network's first step on."""
    register = np.ldexp(drive.mantissa.astype(np.float64), drive.exponent - ALIGN_SHIFT)
    latency = neurons.dynamics.latency
    dynamics = dataclasses.replace(
        neurons.dynamics, bias=register / grid.units, current_bias=0.0, initial=0.0, latency=0
    )
    felt = [dataclasses.replace(one, latency=one.latency + latency) for one in into]
    felt += [
        RealProjection(
            source=clock_name,
            target=neurons.name,
            map=RealDense(weights=(units / grid.units)[:, None]),
            latency=1 + delay,
            name=f"{neurons.name}.bias{number or ''}",
        )
        for number, (delay, units) in enumerate(drive.synapses)
    ]
    begins = 0 if drive.clear_at is None else drive.clear_at
    return dataclasses.replace(neurons, dynamics=dynamics, begins=begins), felt
