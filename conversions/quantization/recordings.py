"""What the model and the converted network do on the calibration data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from conversions.quantization.calibration import Calibration
from conversions.quantization.layer import Layer
from conversions.real_network import RealNetwork
from conversions.real_network.simulator import AloneRun, run_alone, simulate_real
from conversions.real_network.timing import Timing
from hw_models import InputError


@dataclass(frozen=True, eq=False)
class Recordings:
    """Spikes of the model, and of what has been converted so far.

    Parameters
    ----------
    network
        In real numbers.
    timing
        Of the network.
    before
        Spikes of the model by population, inputs included, bool ``(B, T, N)`` in its time.
    after
        Spikes of converted populations, bool ``(B, T + longest shift, N)`` in network time.
    """

    network: RealNetwork
    timing: Timing
    before: Mapping[str, np.ndarray]
    after: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(
        cls, network: RealNetwork, timing: Timing, calibration: Calibration, before: Any
    ) -> Recordings:
        """Recordings of the model on calibration data: those given, or its simulation."""
        inputs = calibration.of(network)
        if before is None:
            return cls(network, timing, simulate_real(network, inputs).spikes)
        n_samples, n_steps = next(iter(inputs.values())).shape[:2]
        recorded = dict(inputs)
        for neurons in network.neurons:
            if neurons.name not in before:
                if neurons.dynamics.is_readout:
                    recorded[neurons.name] = np.zeros((n_samples, n_steps, neurons.n_neurons), bool)
                    continue
                raise InputError(f"before: no spikes of {neurons.name!r}")
            spikes = np.asarray(before[neurons.name])
            needed = (n_samples, n_steps, neurons.n_neurons)
            if spikes.shape[:2] != needed[:2] or spikes[0, 0].size != needed[2]:
                raise InputError(
                    f"before: spikes of {neurons.name!r} of shape {spikes.shape};"
                    f" {needed} is needed"
                )
            recorded[neurons.name] = spikes.reshape(needed) != 0
        return cls(network, timing, recorded)

    @property
    def n_samples(self) -> int:
        """Samples of the batch."""
        return len(next(iter(self.before.values())))

    @cached_property
    def n_steps(self) -> int:
        """Steps in the model."""
        return int(next(iter(self.before.values())).shape[1])

    @property
    def network_steps(self) -> int:
        """Steps of the network that hold them all."""
        return self.n_steps + self.timing.longest

    def part(self, n_samples: int) -> Recordings:
        """The same of some samples, evenly spaced."""
        chosen = np.unique(np.linspace(0, self.n_samples - 1, n_samples).astype(int))
        before = {name: spikes[chosen] for name, spikes in self.before.items()}
        return Recordings(self.network, self.timing, before)

    def arriving(self, name: str) -> np.ndarray:
        """Spikes of a source in network time: converted ones, or else the model's, shifted."""
        if name in self.after:
            return self.after[name]
        spikes = self.before[name]
        shift = self.timing.shifts[name]
        padded = np.zeros((len(spikes), self.network_steps, spikes.shape[2]), dtype=bool)
        padded[:, shift : shift + self.n_steps] = spikes
        return padded

    def in_model_time(self, name: str, values: np.ndarray) -> np.ndarray:
        """The part of ``(B, network steps, N)`` that belongs to the model's steps."""
        shift = self.timing.shifts[name]
        return values[:, shift : shift + self.n_steps]

    def alone(self, layer: Layer) -> AloneRun:
        """What the model's own spikes do to a layer, in real numbers."""
        return run_alone(self.network, layer.name, self.before)
