"""A layer on its grid, as records of the chip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conversions.quantization.constant_drive import ONCE, Drive
from conversions.quantization.decays import current_kept, voltage_kept
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.real_network import RealConv, RealDense, RealProjection, RealReset
from hw_models import (
    ConversionError,
    ConvProjection,
    DenseProjection,
    LifPopulation,
    ResetMode,
    SparseProjection,
)
from hw_models.projections import MAX_DELAY, Projection
from hw_models.weight_grid import EXPONENT_HIGH


def whole_terms(values: Any, bits: int = 8) -> list[tuple[np.ndarray, int]]:
    """Weight vectors with exponents whose sum is ``values``.

    Each vector either has one sign or is even, and fits the chip's bits, as its weights do.
    With 8 bits one is enough for small or round numbers, two for all up to 32767.

    Parameters
    ----------
    values : integers, shape (N,)
    bits
        Of the mantissas, see :func:`hw_models.weight_grid.nearest_mantissas`.

    Returns
    -------
    list of (int64 mantissas ``(N,)``, exponent 0..7)
        Empty if all values are 0.

    Examples
    --------
    >>> [(weights.tolist(), exponent) for weights, exponent in whole_terms([3, -1000])]
    [([3, 24], 0), ([0, -8], 7)]
    >>> whole_terms([4, -6])[0][0].tolist()
    [4, -6]
    >>> [(weights.tolist(), exponent) for weights, exponent in whole_terms([59], bits=4)]
    [([11], 0), ([3], 4)]
    """
    left = np.asarray(values, dtype=np.int64)
    terms: list[tuple[np.ndarray, int]] = []
    exponent = 0
    while left.any():
        if _fits(left, bits):
            return [*terms, (left, exponent)]
        if exponent == EXPONENT_HIGH:
            part = _nearest(left, bits)
            terms.append((part, exponent))
            left = left - part
            continue
        # a digit of what is left; the last one leaves an even number for the highest exponent
        last = exponent + bits > EXPONENT_HIGH
        size = 1 << (EXPONENT_HIGH + 1 - exponent if last else bits)
        digit = left % size
        below = np.where(digit > 0, digit - size, 0)
        rest, rest_below = ((left - one) // size * (2 if last else 1) for one in (digit, below))
        if last and not _fits(rest, bits) and _fits(rest_below, bits):
            digit, rest = below, rest_below  # the least of one sign is a vector short of that
        if digit.any():
            terms.append((digit, exponent))
        left = rest
        exponent = EXPONENT_HIGH if last else exponent + bits
    return terms


def most_units(bits: int) -> int:
    """Largest weight that one synapse of the chip has, in units of synaptic input."""
    return ((1 << bits) - 1) << EXPONENT_HIGH


def _fits(values: np.ndarray, bits: int) -> bool:
    high = 1 << bits
    one_sign = bool((values >= 0).all() or (values <= 0).all())
    if one_sign:
        return bool((np.abs(values) < high).all())
    return bool((values % 2 == 0).all() and (values >= -high).all() and (values <= high - 2).all())


def _nearest(values: np.ndarray, bits: int) -> np.ndarray:
    """As much of the values as one vector holds."""
    high = 1 << bits
    if (values >= 0).all() or (values <= 0).all():
        return values.clip(1 - high, high - 1)
    part = values.clip(-high, high - 2)
    part -= part % 2
    return part if part.any() else values.clip(0, high - 1)


RELAY: dict[str, Any] = {"current_decay": 4095, "voltage_decay": 4095, "threshold": 1}


@dataclass(frozen=True, kw_only=True, eq=False)
class Lowered:
    """Records of one layer.

    Parameters
    ----------
    population
        The layer's neurons.
    projections
        All that end at it, and those into its relays.
    relays
        Populations that pass spikes on later.
    clock
        Name of the clock if a projection starts at it, else empty.
    bias_error
        Of the constant input, in units of synaptic input.
    notes
        For the report.
    """

    population: LifPopulation
    projections: tuple[Projection, ...]
    relays: tuple[LifPopulation, ...] = ()
    clock: str = ""
    bias_error: float = 0.0
    notes: tuple[str, ...] = ()


def clock(name: str) -> LifPopulation:
    """A neuron that fires in every step, from the first on."""
    return LifPopulation(name=name, shape=(1,), bias_mantissa=1, **{**RELAY, "threshold": 0})


def lower(layer: Layer, grid: LayerGrid, constant: Drive, clock_name: str) -> Lowered:
    """Make the records of a layer.

    Parameters
    ----------
    layer, grid
        The layer, and its integers.
    constant
        Its biases.
    clock_name
        Of the neuron that fires in every step.

    Raises
    ------
    ConversionError
        If a delay that is needed is beyond the chip's.
    """
    dynamics, name = layer.dynamics, layer.name
    rise, rise_decay = grid.rise(layer)
    population = LifPopulation(
        name=name,
        shape=layer.neurons.shape,
        current_decay=_compact(layer.current_decay),
        voltage_decay=_compact(layer.voltage_decay),
        threshold=_compact(grid.threshold),
        threshold_rise=_compact(rise),
        threshold_decay=_compact(rise_decay),
        bias_mantissa=_compact(constant.mantissa),
        bias_exponent=_compact(constant.exponent),
        v=_compact(np.atleast_1d(constant.voltage)),
        reset=ResetMode.ZERO if dynamics.reset is RealReset.ZERO else ResetMode.SUBTRACT,
        refractory=dynamics.refractory,
        reset_interval=0 if constant.clear_at is None else ONCE,
        reset_offset=0 if constant.clear_at is None else constant.clear_at + 1,
    )
    relays: list[LifPopulation] = []
    projections: list[Projection] = []
    for synapses in layer.synapses:
        weights, exponent = grid.weights(synapses), grid.exponents[synapses.projection.name]
        for projection, less in synapses.digits:
            synapses_of_map, relay = _projection(layer, projection, weights, exponent - less)
            projections += synapses_of_map
            relays += relay
    from_clock = _from_clock(layer, constant.synapses, clock_name)
    own, notes = _from_itself(layer, grid)
    return Lowered(
        population=population,
        projections=(*projections, *from_clock, *own),
        relays=tuple(relays),
        clock=clock_name if from_clock else "",
        bias_error=constant.error,
        notes=(*constant.notes, *notes),
    )


def _compact(values: np.ndarray) -> np.ndarray:
    """One number if all are equal."""
    return values[:1] if (values == values.flat[0]).all() else values


def _projection(
    layer: Layer, projection: RealProjection, weights: np.ndarray, exponent: int
) -> tuple[list[Projection], list[LifPopulation]]:
    delay = layer.timing.delays[projection.name]
    linear = projection.map
    source = layer.network.population(projection.source)
    ends: dict[str, Any] = {
        "source": projection.source,
        "target": projection.target,
        "name": projection.name,
        "weights": weights,
        "weight_exponent": exponent,
    }
    if isinstance(linear, RealConv):
        settings = {f: getattr(linear, f) for f in ("stride", "padding", "dilation", "groups")}
        if delay == 0:
            return [ConvProjection(**ends, **settings)], []
        relay = LifPopulation(name=f"{projection.name}.later", shape=source.shape, **RELAY)
        everyone = np.arange(source.n_neurons)
        passed_on = SparseProjection(
            source=projection.source,
            target=relay.name,
            pre=everyone,
            post=everyone,
            weights=np.full(source.n_neurons, 2),
            delays=np.full(source.n_neurons, delay - 1),
            name=f"{relay.name}.in",
        )
        later = ConvProjection(**{**ends, "source": relay.name}, **settings)
        return [passed_on, later], [relay]
    delays = None
    if projection.delays is not None or delay:
        own = 0 if projection.delays is None else projection.delays.astype(np.int64)
        delays = np.broadcast_to(own + delay, weights.shape)
    if isinstance(linear, RealDense):
        return [DenseProjection(**ends, delays=delays)], []
    return [SparseProjection(**ends, pre=linear.pre, post=linear.post, delays=delays)], []


def _from_clock(
    layer: Layer, drives: Iterable[tuple[int, np.ndarray]], clock_name: str
) -> list[Projection]:
    synapses: list[Projection] = []
    for delay, units in drives:
        _check_delay(f"{layer.name}: the bias", delay)
        for weights, exponent in whole_terms(units, layer.bits):
            synapses.append(
                DenseProjection(
                    source=clock_name,
                    target=layer.name,
                    weights=weights[:, None],
                    weight_exponent=exponent,
                    delays=np.full((layer.n_neurons, 1), delay) if delay else None,
                    name=f"{layer.name}.bias{len(synapses) or ''}",
                )
            )
    return synapses


def _from_itself(layer: Layer, grid: LayerGrid) -> tuple[list[Projection], list[str]]:
    """Synapses of each neuron to itself that make of the chip's reset what the source has."""
    remainder = reset_remainder(layer, grid)
    if remainder is None:
        return [], []
    first = np.rint(remainder).astype(np.int64)
    delay = layer.dynamics.refractory
    parts = [(delay, first)]
    if layer.has_memory.any():  # the synapses' current would last; take it back
        kept = current_kept(layer.current_decay)
        parts.append((delay + 1, -np.rint(first * kept).astype(np.int64)))
    synapses: list[Projection] = []
    for later, units in parts:
        _check_delay(f"{layer.name}: its reset", later)
        for weights, exponent in whole_terms(units, layer.bits):
            (used,) = np.nonzero(weights)
            synapses.append(
                SparseProjection(
                    source=layer.name,
                    target=layer.name,
                    pre=used,
                    post=used,
                    weights=weights[used],
                    weight_exponent=exponent,
                    delays=np.full(used.size, later) if later else None,
                    name=f"{layer.name}.reset{len(synapses) or ''}",
                )
            )
    if not synapses:
        return [], []
    reset = layer.dynamics.reset.value
    return synapses, [
        f"{layer.name}: reset '{reset}' is the chip's subtraction and a synapse of each neuron"
        " to itself."
    ]


def reset_remainder(layer: Layer, grid: LayerGrid) -> np.ndarray | None:
    """What must be added after a spike to what the chip subtracts, in units of synaptic input."""
    dynamics = layer.dynamics
    if dynamics.is_readout or dynamics.reset is RealReset.ZERO:
        return None
    kept = voltage_kept(layer.voltage_decay)
    threshold = grid.units * layer.thresholds
    dropped = np.zeros(layer.n_neurons)
    if dynamics.reset is RealReset.SUBTRACT:
        if not (dynamics.fires_at_threshold and grid.is_exact(layer) and (kept == 1).all()):
            return None  # the register is the threshold, or one unit from it among rounded weights
        dropped = threshold
    elif dynamics.reset is RealReset.DELAYED_SUBTRACT and dynamics.refractory == 0:
        dropped = threshold
    return grid.threshold * kept - dropped


def _check_delay(what: str, delay: int) -> None:
    if delay > MAX_DELAY:
        raise ConversionError(f"{what} needs a delay of {delay} steps; allowed 0..{MAX_DELAY}")


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """A name that is not taken yet: ``wanted``, or with a number."""
    names = set(taken)
    return next(
        name
        for name in (wanted, *(f"{wanted}{number}" for number in range(2, len(names) + 3)))
        if name not in names
    )
