"""Lava's neurons as populations, with the values that its fixed-point models load."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.proc.lif.process import LIF, LearningLIF, LIFRefractory, LIFReset, TernaryLIF

from conversions.lava.reading.initial_values import loaded, register
from conversions.lava.reading.walk import label
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY, STATE_LIMIT
from hw_models.errors import ConversionError
from hw_models.lava_processes.extended_lif.lif_process import ExtendedLIF
from hw_models.populations import THRESHOLD_LIMIT, LifPopulation, ResetMode

NEURONS = (LIF, LIFReset, LIFRefractory, LearningLIF, TernaryLIF, ExtendedLIF)
MAX_REFRACTORY = 63
ALIGNABLE = 1 << (63 - ALIGN_SHIFT)  # Lava shifts thresholds in 64 bits


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadNeurons:
    """Fields of a ``LifPopulation`` (all but its name and shape), and what Lava changes."""

    fields: dict[str, Any]
    notes: list[str]


def read_neurons(process: AbstractProcess, refractory_in_fixed_point: bool) -> ReadNeurons:
    """The parameters of one of ``NEURONS``.

    Raises
    ------
    ConversionError
        If a value is not one that Lava's fixed-point model and a network share.
    """
    kind = type(process)
    start, notes = _start(process)
    fields: dict[str, Any] = {
        **start,
        "current_decay": register(process, "du", _kept_current, 0, DECAY_UNITY - 1),
        "voltage_decay": register(process, "dv", _kept_voltage, 0, DECAY_UNITY),
    }
    threshold = "vth_hi" if kind is TernaryLIF else "vth"
    if kind is TernaryLIF:
        fields["threshold"], more = _ternary_threshold(process)
        notes += more
    else:
        fields["threshold"] = _threshold(process, threshold)
    bias, more = _bias(process)
    fields.update(bias)
    notes += more
    if kind is LIFReset:
        fields.update(_periodic_reset(process))
    elif kind is LIFRefractory:
        fields["refractory"] = _refractory(process, refractory_in_fixed_point)
    elif kind is ExtendedLIF:
        fields.update(_extensions(process))
    elif kind is LearningLIF and process.a_third_factor_in.in_connections:
        notes.append(
            f"{label(process)}.a_third_factor_in: left out, Lava's model does not read it (and"
            " hangs after 64 steps)"
        )
    return ReadNeurons(fields=fields, notes=notes)


def population(name: str, shape: tuple[int, ...], read: ReadNeurons) -> LifPopulation:
    """The population; arrays of parameters are flat, in C order of the Process's shape."""
    fields: dict[str, Any] = {
        field: value.reshape(-1) if isinstance(value, np.ndarray) and value.ndim else value
        for field, value in read.fields.items()
    }
    return LifPopulation(name=name, shape=shape, **fields)


def population_shape(process: AbstractProcess) -> tuple[int, ...]:
    """The shape of the Process, flat if a network's shape cannot have so many axes."""
    shape = tuple(int(size) for size in process.s_out.shape)
    return shape if 1 <= len(shape) <= 4 else (math.prod(shape),)


def _kept_current(du: Any) -> Any:
    return np.int64(1) * (DECAY_UNITY - (du + 1))


def _kept_voltage(dv: Any) -> Any:
    return np.int64(1) * (DECAY_UNITY - dv)


def _aligned(threshold: Any) -> Any:
    return np.left_shift(threshold, ALIGN_SHIFT)


def _threshold(process: AbstractProcess, field: str) -> np.ndarray:
    """The threshold; beyond what any membrane potential reaches, the last that a network has."""
    limit = THRESHOLD_LIMIT if type(process) is ExtendedLIF else ALIGNABLE
    given = register(process, field, _aligned, -limit, limit - 1)
    return np.clip(given, -THRESHOLD_LIMIT, THRESHOLD_LIMIT - 1)


def _start(process: AbstractProcess) -> tuple[dict[str, np.ndarray], list[str]]:
    """Current and membrane potential before the first step."""
    fields, notes = {}, []
    for field, high in (("u", STATE_LIMIT), ("v", STATE_LIMIT - 1)):
        start, more = loaded(process, field, np.int32)
        notes += more
        outside = (start < 1 - STATE_LIMIT) | (start > high)
        if outside.any():
            index = tuple(int(i) for i in np.argwhere(outside)[0])
            raise ConversionError(
                f"{label(process)}.{field}: starts at {start[index]} at index {index};"
                f" allowed {1 - STATE_LIMIT}..{high}, which is what a step can leave"
            )
        fields[field] = _shared(start)
    return fields, notes


def _bias(process: AbstractProcess) -> tuple[dict[str, Any], list[str]]:
    mantissa, notes = loaded(process, "bias_mant", np.int16)
    exponent, more = loaded(process, "bias_exp", np.int16)
    exponent = np.maximum(exponent, -15)  # 16 bits are gone by then, all but the sign
    exponent = np.where(mantissa == 0, 0, exponent)
    if (exponent > 15).any():
        raise ConversionError(f"{label(process)}.bias_exp: {int(exponent.max())}; allowed up to 15")
    return {"bias_mantissa": _shared(mantissa), "bias_exponent": _shared(exponent)}, notes + more


def _shared(values: np.ndarray) -> np.ndarray:
    """One value where all neurons have the same."""
    first = values.reshape(-1)[:1].astype(np.int64)
    return first.reshape(()) if (values == first).all() else values.astype(np.int64)


def _ternary_threshold(process: AbstractProcess) -> tuple[np.ndarray, list[str]]:
    """The upper threshold, if no membrane potential is ever below the lower one."""
    high, notes = loaded(process, "vth_hi", np.int32)
    low, more = loaded(process, "vth_lo", np.int32)
    reach = -(STATE_LIMIT - 1)  # the lowest membrane potential
    if not int(low[0]) >= -THRESHOLD_LIMIT or int(low[0]) << ALIGN_SHIFT > reach:
        raise ConversionError(
            f"{label(process)}: vth_lo {int(low[0])}; its negative spikes clear the membrane"
            " potential too, which two populations of a network cannot share. Only with vth_lo"
            f" {-THRESHOLD_LIMIT}..{reach >> ALIGN_SHIFT} there are none, and it is a LIF"
        )
    if not -THRESHOLD_LIMIT <= int(high[0]) < THRESHOLD_LIMIT:
        raise ConversionError(
            f"{label(process)}.vth_hi: {int(high[0])};"
            f" allowed {-THRESHOLD_LIMIT}..{THRESHOLD_LIMIT - 1}"
        )
    return high.astype(np.int64).reshape(()), notes + more


def _periodic_reset(process: AbstractProcess) -> dict[str, int]:
    return {
        "reset_interval": process.proc_params["reset_interval"],
        "reset_offset": process.proc_params["reset_offset"],
    }


def _refractory(process: AbstractProcess, in_fixed_point: bool) -> int:
    if not in_fixed_point:
        raise ConversionError(
            f"{label(process)}: Lava has no fixed-point model of it. With"
            " refractory_in_fixed_point=True its parameters are read as those of LIF's"
            " fixed-point model, with a refractory period in addition"
        )
    period = process.proc_params["refractory_period"]
    if not isinstance(period, (int, np.integer)) or period > MAX_REFRACTORY:
        raise ConversionError(
            f"{label(process)}: refractory_period {period!r}; an integer 1..{MAX_REFRACTORY}"
            " is needed"
        )
    return int(period)


def _extensions(process: AbstractProcess) -> dict[str, Any]:
    params = process.proc_params
    if params["clock"] is not None:
        raise ConversionError(f"{label(process)}: it has a clock of learning samples")
    return {
        "reset": ResetMode.SUBTRACT if params["subtract"] else ResetMode.ZERO,
        "threshold_rise": process.rise.init,
        "threshold_decay": process.da.init,
        **{field: params[field] for field in ("refractory", "reset_interval", "reset_offset")},
    }
