"""Grids worth trying for a layer."""

from __future__ import annotations

import dataclasses
import enum
import math
from dataclasses import dataclass

import numpy as np

from conversions.conversion_report import GridChoice
from conversions.quantization.constant_drive import register_share
from conversions.quantization.decays import current_kept
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import ON_GRID, LayerGrid
from conversions.quantization.lowering import most_units, reset_remainder
from conversions.real_network import RealReset
from conversions.real_network.simulator import AloneRun
from hw_models import ConversionError
from hw_models.arithmetic import ALIGN_SHIFT, STATE_LIMIT
from hw_models.bounds import InputBound
from hw_models.weight_grid import EXPONENT_HIGH, choose_exponent

EXPONENT_LOW = -6  # below 0 mantissas are smaller than they could be, down to one bit
UNKNOWN_RANGE = 8.0  # thresholds that a potential may lie below 0, if nothing is known about it
UNKNOWN_KEPT = 63 / 64  # of a readout's potential: without a leak, 64 steps are looked ahead
FULL_BITS = 8
FEW = 4  # synapses of a neuron to itself, beside those for the lower digits
MARGIN = 1.25  # of the largest state seen


class ScaleForm(enum.Enum):
    """What has a scale (and with it a threshold register) of its own."""

    LAYER = "one scale for a layer"
    NEURON = "one for each neuron, or each channel of a convolution"


@dataclass(frozen=True, kw_only=True, eq=False)
class Range:
    """What is known of a layer's state: largest magnitudes in real numbers, each ``(N,)``.

    Parameters
    ----------
    potential, current
        Largest magnitudes.
    observed
        Whether they were seen on calibration data; a guess is not worth bits of the weights.
    """

    potential: np.ndarray
    current: np.ndarray
    observed: bool

    @classmethod
    def seen(cls, layer: Layer, run: AloneRun) -> Range:
        """Of a layer on calibration data, with a margin for others."""
        potentials = run.potentials
        if layer.dynamics.reset is RealReset.SUBTRACT:  # of a spike, what was there before it
            potentials = potentials + np.where(run.spikes, layer.thresholds, 0.0)
        potential, current = (
            MARGIN * np.maximum(recorded.max(axis=(0, 1)), -recorded.min(axis=(0, 1)))
            for recorded in (potentials, run.currents)
        )
        return cls(potential=potential, current=current, observed=True)

    @classmethod
    def unknown(cls, layer: Layer) -> Range:
        """A guess for a layer that fires, a bound for a readout that leaks."""
        none = np.zeros(layer.n_neurons)
        if not layer.dynamics.is_readout:
            return cls(potential=layer.thresholds * UNKNOWN_RANGE, current=none, observed=False)
        bound = InputBound(none, none)
        for synapses in layer.synapses:
            bound += synapses.bound(synapses.weights).times(synapses.largest_number)
        dynamics = layer.dynamics
        most = bound.magnitude + np.abs(dynamics.gain * dynamics.current_bias)
        most = most / (1.0 - current_kept(layer.current_decay)) + np.abs(dynamics.bias)
        leak = 1.0 - np.minimum(dynamics.voltage_kept, UNKNOWN_KEPT)
        return cls(potential=most / leak, current=none, observed=False)

    def with_start(self, layer: Layer) -> Range:
        """The same where the first potential arrives as an input, beside all others."""
        begun = np.abs(layer.dynamics.voltage_kept * layer.dynamics.initial)
        return dataclasses.replace(
            self, potential=self.potential + begun, current=self.current + begun
        )

    def fits(self, units: np.ndarray) -> bool:
        """Whether the registers hold all of it on a scale."""
        largest = np.maximum(self.potential, self.current) * units
        return bool((largest * (1 << ALIGN_SHIFT) < STATE_LIMIT).all())


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """Real steps of a layer's neurons: what a mantissa of 1 stands for with exponent 0.

    Parameters
    ----------
    steps
        float64 ``(N,)``; equal where neurons share a scale.
    coverage
        Share of its largest weight that each neuron's mantissas must reach, ``(N,)``.
    choice
        Why these.
    parts
        If weights are whole numbers of steps, as many of these steps make a step of which
        they still are, ``(N,)``; the scale is then kept on such steps, while otherwise (None)
        it is moved so that thresholds are whole.
    """

    steps: np.ndarray
    coverage: np.ndarray
    choice: GridChoice
    parts: np.ndarray | None = None

    def units(self, exponent: int) -> np.ndarray:
        """Units of synaptic input for a real 1 with an exponent, float64 ``(N,)``."""
        units = np.ldexp(1.0, exponent) / self.steps
        if self.parts is None or exponent >= 0:
            return units
        fewer = np.maximum(np.floor(np.ldexp(self.parts, exponent)), 1.0)
        return fewer / self.parts / self.steps


def covering_steps(layer: Layer, form: ScaleForm, coverage: float = 1.0) -> Steps:
    """The smallest steps that cover a share of the largest weight of what shares a scale."""
    needed = np.zeros(layer.n_neurons)
    for synapses in layer.synapses:
        needed = np.maximum(needed, synapses.steps_needed(layer.bits))
    shared = shared_by(layer, form, needed)
    fallback = shared.max() or float(layer.unit.min()) / 2**layer.bits
    return Steps(
        steps=np.where(shared > 0, shared, fallback) * coverage,
        coverage=np.full(layer.n_neurons, coverage),
        choice=GridChoice.COVERING,
    )


def shared_by(layer: Layer, form: ScaleForm, values: np.ndarray) -> np.ndarray:
    """Largest of the values of neurons that share a scale, for each neuron, ``(N,)``."""
    if form is ScaleForm.LAYER or layer.dynamics.is_readout:
        return np.full(values.shape, values.max())
    if layer.shares_channels:
        by_channel = values.reshape(layer.neurons.shape[0], -1)
        return np.repeat(by_channel.max(axis=1), by_channel.shape[1])
    return values


def settle(layer: Layer, proposal: Steps, known: Range) -> LayerGrid:
    """The finest grid of some steps that fits the registers.

    The largest exponent for which thresholds and potentials fit their registers, and every
    neuron's current does even if all its synapses of one sign are hit in every step. If
    there is none, exponent 0, with as many bits of the weights given up as it takes to hold
    what was observed.

    Raises
    ------
    ConversionError
        If the threshold is too small beside the weights for any exponent.
    """
    known = known.with_start(layer)

    def units_of(exponent: int) -> tuple[np.ndarray, bool]:
        units = proposal.units(exponent)
        if layer.dynamics.is_readout:
            return units, False
        return _on_thresholds(layer, units, proposal.parts is not None)

    def grid_of(exponent: int) -> LayerGrid | None:
        return _grid(layer, proposal, units_of(exponent)[0])

    def is_good(exponent: int, grid: LayerGrid) -> bool:
        _, capped = units_of(exponent)
        holds = known.fits(grid.units) and register_share(layer, grid.units) <= 1
        holds = holds and _resets_fit(layer, grid)
        if exponent <= 0 and (holds or not known.observed):
            return True
        return holds and not capped and bool((grid.current_bound(layer) < STATE_LIMIT).all())

    grid = choose_exponent(grid_of, is_good, EXPONENT_LOW)
    if grid is None:
        ratio = float((layer.thresholds / proposal.steps).min())
        raise ConversionError(
            f"{layer.name}: its threshold is {ratio:.3g} of the steps of its weights;"
            f" {layer.chip.name} holds {2.0**-EXPONENT_HIGH:.3g} and more"
        )
    return grid


def _resets_fit(layer: Layer, grid: LayerGrid) -> bool:
    """Whether few synapses make of the chip's reset what the source has.

    Thresholds of a chip with fewer bits of its weights need not be finer than these.
    """
    units = None if layer.bits >= FULL_BITS else reset_remainder(layer, grid)
    return units is None or bool(np.abs(units).max() <= FEW * most_units(layer.bits))


def _on_thresholds(layer: Layer, units: np.ndarray, whole: bool) -> tuple[np.ndarray, bool]:
    """Units moved so that thresholds are whole and fit, and whether they had to shrink to fit."""
    reached = units * layer.thresholds
    over = reached / layer.threshold_high
    if layer.shares_channels:
        over = shared_by(layer, ScaleForm.NEURON, over)
    capped = bool((over > 1).any())
    fitting = units / np.maximum(over, 1.0)
    if whole and not capped:
        return units, False
    wholes = np.floor(fitting * layer.thresholds * (1 + 1e-12))
    on_whole = wholes / layer.thresholds
    if layer.shares_channels:
        same = shared_by(layer, ScaleForm.NEURON, on_whole) == on_whole
        if not same.all():  # neurons of a channel with other thresholds have its scale
            return fitting, capped
    return on_whole, capped


def _grid(layer: Layer, proposal: Steps, units: np.ndarray) -> LayerGrid | None:
    registers = np.full(layer.n_neurons, layer.threshold_high, dtype=np.int64)
    if not layer.dynamics.is_readout:
        wanted = units * layer.thresholds
        if (wanted < 1 - 1e-9).any():
            return None
        nearest = np.rint(wanted)
        near = np.abs(wanted - nearest) <= 1e-9 * nearest
        if layer.dynamics.fires_at_threshold:
            registers = np.where(near, nearest, np.ceil(wanted)).astype(np.int64) - 1
        else:
            registers = np.where(near, nearest, np.floor(wanted)).astype(np.int64)
    exponents = {}
    for synapses in layer.synapses:
        reach = units * synapses.steps_needed(layer.bits) * proposal.coverage
        bits = math.ceil(math.log2(max(float(reach.max()), 1.0)) - 1e-9)
        exponents[synapses.projection.name] = min(bits, EXPONENT_HIGH)
    return LayerGrid(
        units=units,
        threshold=registers,
        exponents=exponents,
        choice=proposal.choice,
        bits=layer.bits,
    )


PARTS = range(1, 9)  # the smallest weight may be that many steps


def whole_steps(layer: Layer, form: ScaleForm) -> Steps | None:
    """The smallest steps that divide all weights and cover them; None if there are none.

    Parameters
    ----------
    layer
        Its weights.
    form
        Whether neurons may have steps of their own.
    """
    smallest = np.zeros(layer.n_neurons)  # as the inverse, so that 0 is "no weight"
    for synapses in layer.synapses:
        sizes = np.abs(synapses.weights)
        inverse = np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0)
        smallest = np.maximum(smallest, synapses.largest(inverse))
    smallest = shared_by(layer, form, smallest)
    if not smallest.any():
        return None
    largest_inverse = np.where(smallest > 0, smallest, smallest.max())
    steps = np.full(layer.n_neurons, np.nan)
    for parts in PARTS:
        quantum = 1.0 / (largest_inverse * parts)
        missing = np.isnan(steps) & ~_indivisible(layer, form, quantum)
        steps = np.where(missing, quantum, steps)
        if not np.isnan(steps).any():
            return _finest(layer, form, steps)
    return None


def _indivisible(layer: Layer, form: ScaleForm, quantum: np.ndarray) -> np.ndarray:
    bad = np.zeros(layer.n_neurons)
    for synapses in layer.synapses:
        counts = synapses.weights / synapses.spread(quantum)
        bad = np.maximum(bad, synapses.largest(np.abs(counts - np.rint(counts))))
    return shared_by(layer, form, bad) > ON_GRID


def _finest(layer: Layer, form: ScaleForm, quantum: np.ndarray) -> Steps | None:
    """As many mantissas for a quantum as there is room for."""
    needed, even = np.zeros(layer.n_neurons), False
    for synapses in layer.synapses:
        needed = np.maximum(needed, synapses.steps_needed(layer.bits))
        even |= not synapses.one_sign
    each = 2 if even else 1
    room = np.floor(quantum / (each * shared_by(layer, form, needed)) * (1 + 1e-9))
    if (room < 1).any():
        return None
    return Steps(
        steps=quantum / (each * room),
        coverage=np.ones(layer.n_neurons),
        choice=GridChoice.EXACT,
        parts=room,
    )
