"""A whole network, clock-driven and dense: every neuron and every synapse in every step.

Reads the records of a ``FixedPointNetwork`` and nothing else of the other packages; all
arithmetic is written out here in int64 with every wrap spelled out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import ResetMode
from ssdp_neuro.oracle.projections import arrival_of


@dataclass(frozen=True)
class OracleRun:
    """What the oracle saw.

    Parameters
    ----------
    rasters
        Spikes by population: bool ``(B, T, N)``.
    probes
        State by ``(population, "u" or "v")`` after each step: int32 ``(B, T, N)``.
    spikes, synaptic_operations
        Counts by population and by projection, summed over steps and samples.
    """

    rasters: dict[str, np.ndarray]
    probes: dict[tuple[str, str], np.ndarray]
    spikes: dict[str, int]
    synaptic_operations: dict[str, int]


class DenseLif:
    """State and step of one LIF population; arrays ``(B, N)``, int64."""

    def __init__(self, population: Any, n_samples: int):
        self.population = population
        shape = (n_samples, population.n_neurons)
        self.kept_u = 4096 - (population.current_decay.astype(np.int64) + 1)
        self.kept_v = 4096 - population.voltage_decay.astype(np.int64)
        self.threshold = population.threshold.astype(np.int64) * 64
        self.rise = population.threshold_rise.astype(np.int64) * 64
        self.kept_rise = 4096 - population.threshold_decay.astype(np.int64)
        self.adapted = np.zeros(shape, dtype=np.int64)
        mantissa = population.bias_mantissa.astype(np.int64)
        exponent = population.bias_exponent.astype(np.int64)
        self.bias = np.where(
            exponent >= 0, mantissa * 2 ** np.abs(exponent), mantissa // 2 ** np.abs(exponent)
        )
        self.u = np.broadcast_to(population.u.astype(np.int64), shape).copy()
        self.v = np.broadcast_to(population.v.astype(np.int64), shape).copy()
        self.waiting = np.zeros(shape, dtype=np.int64)  # refractory steps left

    def step(self, time_step: int, arriving: np.ndarray) -> np.ndarray:
        """One step, counted from 1; returns the spikes, bool ``(B, N)``."""
        record = self.population
        interval = record.reset_interval
        if interval and time_step % interval == record.reset_offset % interval:
            self.u[...] = 0
            self.v[...] = 0
            self.waiting[...] = 0
            self.adapted[...] = 0
        self.u = wrapped(decayed(self.u, self.kept_u) + wrapped(arriving * 64, 32), 32)
        self.u = wrapped_once(self.u)
        active = self.waiting == 0
        new_v = wrapped(decayed(self.v, self.kept_v) + self.u + self.bias, 32)
        new_v = np.maximum(np.minimum(new_v, 2**23 - 1), -(2**23) + 1)
        self.v = np.where(active, new_v, self.v)
        self.adapted = decayed(self.adapted, self.kept_rise)
        self.compared_with = self.threshold + self.adapted
        fired = active & (self.v > self.compared_with)
        self.adapted = np.minimum(self.adapted + fired * self.rise, 2**23 - 1)
        self.waiting = np.where(fired, record.refractory, np.maximum(self.waiting - 1, 0))
        if record.reset is ResetMode.ZERO:
            self.v = np.where(fired, 0, self.v)
        else:
            self.v = np.where(fired, wrapped(self.v - self.threshold, 32), self.v)
        return fired


def decayed(state: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """``state * kept / 4096`` with the magnitude rounded down."""
    magnitude = np.abs(state) * kept // 4096
    return np.where(state < 0, -magnitude, magnitude)


def wrapped(values: np.ndarray, bits: int) -> np.ndarray:
    """Two's complement in ``bits`` bits."""
    half = 2 ** (bits - 1)
    return (values + half) % (2 * half) - half


def wrapped_once(current: np.ndarray) -> np.ndarray:
    """Lava's 24-bit wrap: one correction at most, into ``(-2**23, 2**23]``."""
    lowered = np.where(current > 2**23, current - 2**24, current)
    return np.where(current <= -(2**23), current + 2**24, lowered)


def run_oracle(
    network: Any,
    rasters: Mapping[str, np.ndarray],
    n_steps: int,
    probes: Iterable[tuple[str, str]] = (),
) -> OracleRun:
    """Run every sample of a batch for ``n_steps`` steps.

    Parameters
    ----------
    network
        A ``FixedPointNetwork``; plasticity parameters are not looked at.
    rasters
        Spikes of the input populations by name: bool ``(B, T, N)``. One that is not
        named stays silent; with none named there is one sample.
    n_steps
        Steps of a sample.
    probes
        ``(population, "u" or "v")`` pairs to record.
    """
    n_samples = next((raster.shape[0] for raster in rasters.values()), 1)
    spikes = {
        population.name: np.zeros((n_samples, n_steps, population.n_neurons), dtype=bool)
        for population in network.populations
    }
    for name, raster in rasters.items():
        spikes[name][...] = raster
    state = {population.name: DenseLif(population, n_samples) for population in network.neurons}
    arrivals = {
        projection.name: arrival_of(
            projection,
            network.population(projection.source),
            network.population(projection.target),
        )
        for projection in network.projections
    }
    recorded: dict[tuple[str, str], np.ndarray] = {
        (name, variable): np.zeros(spikes[name].shape, dtype=np.int32) for name, variable in probes
    }
    for step in range(n_steps):
        for name, neurons in state.items():
            total = np.zeros(neurons.u.shape, dtype=np.int64)
            for projection in network.projections:
                if projection.target == name:
                    arrival = arrivals[projection.name]
                    total = total + arrival.arriving(spikes[projection.source], step)
            spikes[name][:, step] = neurons.step(step + 1, total)
        for name, variable in recorded:
            recorded[name, variable][:, step] = getattr(state[name], variable)
    operations = {
        projection.name: int(
            (spikes[projection.source] * arrivals[projection.name].fan_out).sum(dtype=np.int64)
        )
        for projection in network.projections
    }
    return OracleRun(
        rasters=spikes,
        probes=recorded,
        spikes={name: int(raster.sum()) for name, raster in spikes.items()},
        synaptic_operations=operations,
    )
