"""What acts on a neuron in every step: biases, by the chip's register or by a clock's synapses.

The register acts from the network's first step on, a layer whose shift is not 0 begins
later. Two exact ways around that: clear the neuron once, at the start of its first step (if
the register cannot make it fire before), or drive it by a neuron that fires in every step
and whose synapses have the shift as their delay.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from conversions.quantization.decays import current_kept
from conversions.quantization.layer import Layer
from hw_models import ConversionError
from hw_models.arithmetic import ALIGN_SHIFT, decay_toward_zero

ONCE = 2**31 - 1  # an interval longer than any run


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
    synapses: tuple[tuple[int, np.ndarray], ...] = ()
    error: float = 0.0
    notes: tuple[str, ...] = ()


def needs_step(layer: Layer) -> bool:
    """Whether a clock must have a step before the layer begins."""
    dynamics = layer.dynamics
    return bool(dynamics.current_bias.any()) and dynamics.latency == 0


def drive(layer: Layer, units: np.ndarray, threshold: np.ndarray, form: BiasForm) -> Drive:
    """The integers of a layer's biases on a scale."""
    dynamics, n = layer.dynamics, layer.n_neurons
    on_current = np.broadcast_to(dynamics.gain * dynamics.current_bias, n) * units
    on_voltage = np.broadcast_to(dynamics.bias, n) * units
    none = np.zeros(n, dtype=np.int64)
    if not on_current.any() and not on_voltage.any():
        return Drive(mantissa=none, exponent=none)
    start = layer.shift
    folded = not layer.has_memory.any() and (dynamics.latency == 0 or not on_voltage.any())
    register = on_voltage + on_current if folded else on_voltage
    if folded and on_current.any():
        start += dynamics.latency
    synapses: list[tuple[int, np.ndarray]] = []
    error, clear_at, notes = 0.0, None, []
    mantissa, exponent = none, none
    if register.any():
        made = _register(layer, register)
        usable = made is not None
        if made is not None and start and form is BiasForm.EXACT:
            usable = not _fires_before(layer, made[0] << made[1], threshold, start)
        if usable and made is not None:
            mantissa, exponent = made
            held = np.ldexp(mantissa.astype(np.float64), exponent - ALIGN_SHIFT)
            error = float(np.abs(held - register).max())
            if start and form is BiasForm.EXACT:
                clear_at = start
                notes.append(
                    f"{layer.name}: the bias is in its register; neurons are cleared at the"
                    f" start of network step {start}, their first."
                )
            elif start:
                notes.append(
                    f"{layer.name}: the bias register also acts in the {start} network steps"
                    " before the layer's first, as was asked for."
                )
        else:
            begins = start - 1
            if begins < 0:
                raise ConversionError(
                    f"{layer.name}.bias: {float(np.abs(register).max()):.3g} units of synaptic"
                    f" input in the first step; {layer.chip.name}'s register cannot hold it"
                )
            first = np.rint(register).astype(np.int64)
            kept = current_kept(layer.current_decay)
            second = np.rint(register * (1.0 - kept)).astype(np.int64) - first
            synapses.append((begins, first))
            if second.any():
                synapses.append((begins + 1, second))
            error = _steady_error(layer, first + second, register * (1.0 - kept))
    if on_current.any() and not folded:
        whole = np.rint(on_current).astype(np.int64)
        synapses.append((start + dynamics.latency - 1, whole))
        error = max(error, float(np.abs(whole - on_current).max()))
    if synapses:
        notes.append(f"{layer.name}: the bias comes from a neuron that fires in every step.")
    return Drive(
        mantissa=mantissa,
        exponent=exponent,
        clear_at=clear_at,
        synapses=tuple(synapses),
        error=error,
        notes=tuple(notes),
    )


def _steady_error(layer: Layer, made: np.ndarray, wanted: np.ndarray) -> float:
    return float((np.abs(made - wanted) / (1.0 - current_kept(layer.current_decay))).max())


def _register(layer: Layer, units: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Mantissa and exponent nearest to each bias; None if one is too large."""
    top = (1 << ((layer.chip.bias_mantissa_bits.value or 16) - 1)) - 1
    exponent_high = min(15, (1 << (layer.chip.bias_exponent_bits.value or 4)) - 1)
    wanted = np.ldexp(units, ALIGN_SHIFT)
    sizes = np.maximum(np.abs(wanted) / (top + 0.5), 1.0)
    exponent = np.ceil(np.log2(sizes)).astype(np.int64)
    mantissa = np.rint(np.ldexp(wanted, -exponent)).astype(np.int64)
    exponent = np.where(np.abs(mantissa) > top, exponent + 1, exponent)
    mantissa = np.rint(np.ldexp(wanted, -exponent)).astype(np.int64)
    return None if (exponent > exponent_high).any() else (mantissa, exponent)


def _fires_before(layer: Layer, bias: np.ndarray, threshold: np.ndarray, start: int) -> bool:
    kept = 4096 - layer.voltage_decay
    v = np.zeros(layer.n_neurons, dtype=np.int64)
    for _ in range(start):
        v = decay_toward_zero(v, kept) + bias
        if (v > threshold << ALIGN_SHIFT).any():
            return True
    return False
