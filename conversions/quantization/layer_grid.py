"""Integers of one layer: scale of every neuron, thresholds, exponents of its projections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from conversions.conversion_report import GridChoice
from conversions.quantization.layer import Layer
from conversions.quantization.synapses import ScaledSynapses
from hw_models import ConversionError, RangeError
from hw_models.bounds import InputBound
from hw_models.rise_register import nearest_rise
from hw_models.weight_grid import beyond_grid, nearest_mantissas

ON_GRID = 1e-6  # of a step; a weight of float32 that is nearer differs by its own rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerGrid:
    """Where a layer's real numbers lie on the chip.

    Parameters
    ----------
    units
        Units of synaptic input for a real 1, float64 ``(N,)``.
    threshold
        Register of each neuron, int64 ``(N,)``.
    exponents
        Of the projections, by name.
    choice
        Why these.
    bits
        Of the mantissas, see :func:`hw_models.weight_grid.nearest_mantissas`.
    even
        Whether weights of one sign are even, too (a trained grid's are).
    rounded
        Mantissas of projections whose weights are not rounded to the nearest, by name.
    """

    units: np.ndarray
    threshold: np.ndarray
    exponents: Mapping[str, int]
    choice: GridChoice
    bits: int = 8
    even: bool = False
    rounded: Mapping[str, np.ndarray] = field(default_factory=dict)

    def weights(self, synapses: ScaledSynapses) -> np.ndarray:
        """Mantissas of a projection, int64."""
        if synapses.projection.name in self.rounded:
            return self.rounded[synapses.projection.name]
        one_sign = synapses.one_sign and not self.even
        return nearest_mantissas(self.scaled(synapses), one_sign=one_sign, bits=self.bits)

    def delivered(self, synapses: ScaledSynapses) -> np.ndarray:
        """Units of synaptic input that each synapse delivers, int64."""
        return self.weights(synapses) << self.exponents[synapses.projection.name]

    def step(self, synapses: ScaledSynapses) -> int:
        """Distance of neighbouring mantissas."""
        return 1 if synapses.one_sign and not self.even else 2

    def rise(self, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
        """``threshold_rise`` and ``threshold_decay`` of a layer, int64, one or one per neuron.

        Neurons of which none adapts have zeros.

        Raises
        ------
        ConversionError
            If a rise does not fit its register, or is none on it.
        """
        rises = layer.dynamics.threshold_rise > 0
        if not rises.any():
            return np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        felt, kept, rises = np.broadcast_arrays(
            layer.felt_rise * self.units, layer.rise_kept, rises
        )
        register, decay = np.zeros(felt.shape, dtype=np.int64), np.zeros(felt.shape, dtype=np.int64)
        try:
            register[rises], decay[rises] = nearest_rise(felt[rises], kept[rises])
        except RangeError as error:
            raise ConversionError(f"{layer.name}: {error}") from error
        return register, decay

    def errors(self, synapses: ScaledSynapses) -> np.ndarray:
        """What rounding did to each weight, saturation included, in the weights' unit."""
        real = self.delivered(synapses) / synapses.spread(self.units)
        return np.abs(real - synapses.weights)

    def saturated(self, synapses: ScaledSynapses) -> np.ndarray:
        """Where a weight is beyond the grid by more than half a step, bool."""
        return beyond_grid(self.scaled(synapses), self.weights(synapses), self.step(synapses))

    def is_exact(self, layer: Layer) -> bool:
        """Whether every weight lies on the grid."""
        return all(
            bool((np.abs(self.weights(s) - self.scaled(s)) <= ON_GRID * self.step(s)).all())
            for s in layer.synapses
        )

    def current_bound(self, layer: Layer) -> np.ndarray:
        """Bound of every neuron's current, float64 ``(N,)``, in units of the register.

        If all synapses of one sign are hit in every step and all biases are synapses, too.
        """
        dynamics = layer.dynamics
        constant = np.abs(dynamics.gain * dynamics.current_bias) + np.abs(dynamics.bias)
        constant = constant + np.abs(dynamics.voltage_kept * dynamics.initial)
        bound = InputBound(constant * self.units, -constant * self.units)
        for synapses in layer.synapses:
            bound += synapses.bound(self.delivered(synapses)).times(synapses.largest_number)
        return bound.current(layer.current_decay)

    def scaled(self, synapses: ScaledSynapses) -> np.ndarray:
        """Real weights in units of a mantissa of 1."""
        scaled = synapses.weights * synapses.spread(self.units)
        return np.ldexp(scaled, -self.exponents[synapses.projection.name])


def trained_grid(layer: Layer) -> LayerGrid:
    """The grid that a layer was trained on, as it is."""
    grid = layer.dynamics.grid
    assert grid is not None
    compared = grid.threshold - (1 if layer.dynamics.fires_at_threshold else 0)
    register = layer.threshold_high if layer.dynamics.is_readout else compared
    return LayerGrid(
        units=np.full(layer.n_neurons, grid.scale),
        threshold=np.full(layer.n_neurons, register, dtype=np.int64),
        exponents={s.projection.name: grid.weight_exponent for s in layer.synapses},
        choice=GridChoice.TRAINED,
        bits=grid.bits,
        even=True,
    )
