"""One population of the network in real numbers, with all that its conversion needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conversions.quantization.decays import (
    current_decay,
    current_kept,
    voltage_decay,
    voltage_kept,
)
from conversions.quantization.synapses import ScaledSynapses
from conversions.real_network import NeuronDynamics, RealNetwork, RealNeurons
from conversions.real_network.timing import Timing
from hw_models import Chip, ConversionError, RangeError
from hw_models.arithmetic import DECAY_UNITY
from hw_models.rise_register import rise_kept, risen_threshold_high


@dataclass(frozen=True, eq=False)
class Layer:
    """A population and the projections into it.

    Parameters
    ----------
    network
        In real numbers.
    neurons
        One of its populations.
    timing
        Of the network.
    chip
        Registers to fill.
    """

    network: RealNetwork
    neurons: RealNeurons
    timing: Timing
    chip: Chip

    def __post_init__(self) -> None:
        infinite = np.isinf(self.dynamics.threshold)
        if infinite.any() and not infinite.all():
            raise ConversionError(
                f"{self.name}.threshold: infinite for some neurons only; a readout needs"
                " a population of its own"
            )

    @property
    def name(self) -> str:
        """Name of the population."""
        return self.neurons.name

    @property
    def dynamics(self) -> NeuronDynamics:
        """What its neurons compute."""
        return self.neurons.dynamics

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.neurons.n_neurons

    @property
    def shift(self) -> int:
        """Network step of its first step in the source."""
        return self.timing.shifts[self.name]

    @cached_property
    def synapses(self) -> tuple[ScaledSynapses, ...]:
        """Of every projection into it, the digits of a number together."""
        return ScaledSynapses.into(self.network, self.name)

    @property
    def shares_channels(self) -> bool:
        """Whether a convolution gives the neurons of a channel the same weights."""
        return any(synapses.shares_channels for synapses in self.synapses)

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the populations whose spikes it gets, each once."""
        return tuple(dict.fromkeys(p.source for p in self.network.into(self.name)))

    @cached_property
    def current_decay(self) -> np.ndarray:
        """``du``, int64, one or one per neuron."""
        return current_decay(self.dynamics.current_kept)

    @cached_property
    def voltage_decay(self) -> np.ndarray:
        """``dv``, int64, one or one per neuron."""
        return voltage_decay(self.dynamics.voltage_kept)

    @cached_property
    def rise_kept(self) -> np.ndarray:
        """Share of a threshold's rise that remains after a step, one or one per neuron.

        On 12 bits where a threshold rises.

        Raises
        ------
        ConversionError
            If it would be none or all.
        """
        kept, rises = np.broadcast_arrays(self.dynamics.rise_kept, self.dynamics.threshold_rise > 0)
        kept = kept.copy()
        try:
            kept[rises] = rise_kept(kept[rises]) / DECAY_UNITY
        except RangeError as error:
            raise ConversionError(f"{self.name}: {error}") from error
        return kept

    @cached_property
    def felt_rise(self) -> np.ndarray:
        """By how much a spike has raised the threshold in the next step, one or per neuron."""
        return self.dynamics.threshold_rise * self.dynamics.rise_kept

    @property
    def decay_error(self) -> float:
        """Largest change of what a step leaves of current, potential or a threshold's rise."""
        current = np.abs(current_kept(self.current_decay) - self.dynamics.current_kept).max()
        voltage = np.abs(voltage_kept(self.voltage_decay) - self.dynamics.voltage_kept).max()
        rise = np.abs(self.rise_kept - self.dynamics.rise_kept).max()
        largest = float(max(current, voltage, rise))
        return largest if largest > 1e-12 else 0.0

    @property
    def has_memory(self) -> np.ndarray:
        """Whether a neuron's current remembers, bool, one or one per neuron."""
        return self.current_decay < 4095

    @property
    def bits(self) -> int:
        """Of the chip's mantissas, see :func:`hw_models.weight_grid.nearest_mantissas`."""
        return self.chip.weight_bits.value or 8

    @property
    def threshold_high(self) -> int:
        """Largest threshold register of the chip; of one that rises, with room for its rise."""
        high = (1 << (self.chip.threshold_bits.value or 25)) - 1
        if self.dynamics.adapts:
            strength, kept = np.broadcast_arrays(
                self.felt_rise / self.dynamics.threshold, self.rise_kept
            )
            high = min(high, risen_threshold_high(strength[strength > 0], kept[strength > 0]))
        return high

    @cached_property
    def thresholds(self) -> np.ndarray:
        """Real thresholds, float64 ``(N,)``."""
        return np.broadcast_to(self.dynamics.threshold, self.n_neurons)

    @cached_property
    def unit(self) -> np.ndarray:
        """What errors are given in, ``(N,)``: thresholds; of a readout, its largest weight."""
        if not self.dynamics.is_readout:
            return self.thresholds
        largest = max((np.abs(s.weights).max(initial=0.0) for s in self.synapses), default=0.0)
        return np.full(self.n_neurons, largest or 1.0)
