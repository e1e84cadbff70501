"""What acts on a neuron in every step: biases, by the chip's register or by a clock's synapses.

The register acts from the network's first step on, a layer whose shift is not 0 begins
later. So the neuron is cleared once, at the start of its first step. If the register would make
it fire before, it begins from the lowest potential. Where that leaks away too soon, and for what
the register cannot hold, a neuron fires in every step, and its synapses have the shift as their
delay: they round to whole units, 64 times coarser.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import operator
from dataclasses import dataclass

import numpy as np

from conversions.quantization.decays import current_kept
from conversions.quantization.layer import Layer
from hw_models import ConversionError
from hw_models.arithmetic import ALIGN_SHIFT, STATE_LIMIT, decay_toward_zero
from hw_models.bias_register import bias_bits, bias_limits, nearest_bias

ONCE = 2**31 - 1  # an interval longer than any run
LOWEST = 1 - STATE_LIMIT  # membrane potential
EXACT = 1e-6  # of a unit of synaptic input; the register's own steps are 1/64


class BiasForm(enum.Enum):
    """How a constant input is made."""

    EXACT = "exactly, by the register where it can be, else by a clock"
    REGISTER = "by the register alone, which also acts before a shifted layer's first step"


@dataclass(frozen=True, kw_only=True, eq=False)
class Drive:
    """A constant input in the chip's integers.

    Parameters
    ----------
    mantissa, exponent
        Register of the bias, int64 ``(N,)``.
    clear_at
        Network step at whose start the neurons are cleared; None for never.
    voltage
        Membrane potential to begin with, int64 ``(N,)`` or one number.
    synapses
        ``(delay, units of synaptic input (N,))`` of synapses from the clock.
    error
        Largest difference to the real input in a step, in units of synaptic input.
    notes
        What was done, for the report.
    """

    mantissa: np.ndarray
    exponent: np.ndarray
    clear_at: int | None = None
    voltage: np.ndarray | int = 0
    synapses: tuple[tuple[int, np.ndarray], ...] = ()
    error: float = 0.0
    notes: tuple[str, ...] = ()


def needs_step(layer: Layer) -> bool:
    """Whether a clock must have a step before the layer begins."""
    dynamics = layer.dynamics
    if dynamics.initial.any():
        return True
    remembers = bool(layer.has_memory.any())
    return remembers and bool(dynamics.current_bias.any()) and dynamics.latency == 0


def register_share(layer: Layer, units: np.ndarray) -> float:
    """How much of the bias register a scale needs; above 1 it does not fit."""
    top, exponent_high = bias_limits(bias_bits(layer.chip))
    largest = float(np.abs(_on_potential(layer) * units).max(initial=0.0))
    return math.ldexp(largest, ALIGN_SHIFT) / math.ldexp(top, exponent_high)


def drive(layer: Layer, units: np.ndarray, threshold: np.ndarray, form: BiasForm) -> Drive:
    """The integers of a layer's biases on a scale.

    Raises
    ------
    ConversionError
        If the register cannot hold them and nothing else is allowed or possible, or a layer
        that was trained in the chip's integers would get others than it was trained with.
    """
    made = _drive(layer, units, threshold, form)
    grid = layer.dynamics.grid
    if grid is None:
        return made
    # a current that remembers would truncate the clock's part together with its own
    by_current = layer.dynamics.bias.any() and not made.mantissa.any() and layer.has_memory.any()
    if made.synapses and (made.error > EXACT or by_current):
        raise ConversionError(
            f"{layer.name}.bias: the layer is in the chip's integers, and its bias register cannot"
            f" hold what they are, or would make it fire before its first step, network step"
            f" {_first_step(layer)}; latency=1, a smaller bias or a slower leak of the potential"
            " is needed"
        )
    bits = bias_bits(layer.chip)
    if made.error > EXACT and any(map(operator.gt, grid.bias_bits, bits)):
        raise ConversionError(
            f"{layer.name}.bias: trained in a register of {grid.bias_bits[0]} bits and"
            f" {grid.bias_bits[1]} of the exponent; that of {layer.chip.name}, {bits[0]} and"
            f" {bits[1]}, would round it. Training needs the same chip: quantize(chip=...)"
        )
    return made


def _drive(layer: Layer, units: np.ndarray, threshold: np.ndarray, form: BiasForm) -> Drive:
    on_potential = _on_potential(layer) * units
    held = _by_register(layer, on_potential, threshold, form)
    synapses: list[tuple[int, np.ndarray]] = []
    if held is None:
        synapses += _on_potential_by_clock(layer, on_potential, form)
        none = np.zeros(layer.n_neurons, dtype=np.int64)
        held = Drive(mantissa=none, exponent=none, error=_clock_error(layer, on_potential))
    dynamics, error = layer.dynamics, held.error
    if dynamics.current_bias.any() and not _is_folded(layer):
        if form is BiasForm.REGISTER:
            raise ConversionError(
                f"{layer.name}.current_bias: of a current with memory or a latency; the register"
                " adds to the potential (BiasForm.EXACT makes it)"
            )
        target = dynamics.gain * dynamics.current_bias * units
        whole = np.rint(target).astype(np.int64)
        synapses.append((layer.shift + dynamics.latency - 1, whole))
        error = max(error, float(np.abs(whole - target).max()))
    notes = list(held.notes)
    if synapses:
        notes.append(f"{layer.name}: a bias comes from a neuron that fires in every step.")
    if dynamics.initial.any():
        begun, missed = _start(layer, units)
        synapses += begun
        error = max(error, missed)
        notes.append(
            f"{layer.name}: begins from another potential than it rests at, by an input in its"
            " first step."
        )
    if not synapses:
        return held
    return dataclasses.replace(held, synapses=tuple(synapses), error=error, notes=tuple(notes))


def _start(layer: Layer, units: np.ndarray) -> tuple[list[tuple[int, np.ndarray]], float]:
    """Synapses of the clock for a potential before the first step, and what they miss.

    They deliver in the first step what that potential leaves there. With a current that
    remembers the second step takes back what would last. From then on they cancel each other.
    """
    target = np.broadcast_to(layer.dynamics.voltage_kept * layer.dynamics.initial, units.shape)
    first = np.rint(target * units).astype(np.int64)
    second = -np.rint(first * np.where(layer.has_memory, current_kept(layer.current_decay), 0.0))
    second = second.astype(np.int64)
    steps = [(0, first), (1, second - first), (2, -second)]
    missed = float(np.abs(first - target * units).max())
    return [(layer.shift - 1 + late, now) for late, now in steps if now.any()], missed


def _by_register(
    layer: Layer, target: np.ndarray, threshold: np.ndarray, form: BiasForm
) -> Drive | None:
    """The register, cleared where it would act too early; None if that is not the same."""
    register_fields = _register(layer, target)
    if register_fields is None:
        return None
    mantissa, exponent = register_fields
    held = np.ldexp(mantissa.astype(np.float64), exponent - ALIGN_SHIFT)
    register = Drive(mantissa=mantissa, exponent=exponent, error=float(np.abs(held - target).max()))
    start = _first_step(layer)
    if not start or not target.any():
        return register
    if form is BiasForm.REGISTER:
        note = (
            f"{layer.name}: the bias register also acts in the {start} network steps before the"
            " layer's first, as was asked for."
        )
        return dataclasses.replace(register, notes=(note,))
    first = _silent_before(layer, mantissa << exponent, threshold, start)
    if first is None:
        return None
    note = (
        f"{layer.name}: the bias is in its register; neurons are cleared at the start of network"
        f" step {start}, the first that has it."
    )
    if first.any():
        note += " Until then a low potential to begin with keeps them silent."
    return dataclasses.replace(register, clear_at=start, voltage=first, notes=(note,))


def _on_potential_by_clock(
    layer: Layer, target: np.ndarray, form: BiasForm
) -> list[tuple[int, np.ndarray]]:
    """Synapses of the clock that act as a bias of the potential.

    With a current that remembers, a second one takes back what would last of the first.
    """
    begins = _first_step(layer) - 1
    if begins < 0 or form is BiasForm.REGISTER:
        raise ConversionError(
            f"{layer.name}.bias: {float(np.abs(target).max()):.3g} units of synaptic input in a"
            f" step; the register of {layer.chip.name} cannot hold it"
        )
    first = np.rint(target).astype(np.int64)
    second = _lasting(layer, target) - first
    return [(begins, first), *([(begins + 1, second)] if second.any() else [])]


def _lasting(layer: Layer, target: np.ndarray) -> np.ndarray:
    """Input of every step but the first that keeps a current at a value, int64 ``(N,)``."""
    return np.rint(target * (1.0 - current_kept(layer.current_decay))).astype(np.int64)


def _clock_error(layer: Layer, target: np.ndarray) -> float:
    """Of the first step, and of what a current ends at that is given as much in every step."""
    leak = 1.0 - current_kept(layer.current_decay)
    first = np.abs(np.rint(target) - target)
    lasting = np.abs(_lasting(layer, target) - target * leak) / leak
    return float(np.maximum(first, lasting).max())


def _first_step(layer: Layer) -> int:
    """Network step in which the potential has its bias first."""
    dynamics = layer.dynamics
    late = dynamics.latency if _is_folded(layer) and dynamics.current_bias.any() else 0
    return layer.shift + late


def _is_folded(layer: Layer) -> bool:
    """Whether a bias of the current is one of the potential: it has no memory, and they agree."""
    dynamics = layer.dynamics
    return not layer.has_memory.any() and (dynamics.latency == 0 or not dynamics.bias.any())


def _on_potential(layer: Layer) -> np.ndarray:
    """What the register should hold, in real numbers, float64 ``(N,)``."""
    dynamics = layer.dynamics
    on_current = dynamics.gain * dynamics.current_bias if _is_folded(layer) else 0.0
    return np.broadcast_to(dynamics.bias + on_current, layer.n_neurons)


def _register(layer: Layer, units: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Mantissa and exponent nearest to each bias; None if one is too large."""
    top, exponent_high = bias_limits(bias_bits(layer.chip))
    mantissa, exponent = nearest_bias(np.ldexp(units, ALIGN_SHIFT), top)
    return None if (exponent > exponent_high).any() else (mantissa, exponent)


def _silent_before(
    layer: Layer, bias: np.ndarray, threshold: np.ndarray, start: int
) -> np.ndarray | None:
    """Potentials to begin with from which no neuron fires in the first steps; None if none do."""
    none = np.zeros(layer.n_neurons, dtype=np.int64)
    first = np.where(_fires_before(layer, none, bias, threshold, start), LOWEST, none)
    return None if _fires_before(layer, first, bias, threshold, start).any() else first


def _fires_before(
    layer: Layer, v: np.ndarray, bias: np.ndarray, threshold: np.ndarray, start: int
) -> np.ndarray:
    """Which neurons do without any input, bool ``(N,)``."""
    kept = 4096 - layer.voltage_decay
    fired = np.zeros(layer.n_neurons, dtype=bool)
    for _ in range(start):
        v = (decay_toward_zero(v, kept) + bias).clip(LOWEST, STATE_LIMIT - 1)
        fired |= v > threshold << ALIGN_SHIFT
    return fired
