"""The table of a population's neurons in a file, and what to_netx keeps beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from conversions.netx_file.neuron_table import ONCE, OWN_RESET
from hw_models import ConversionError, LifPopulation, ResetMode
from hw_models.arithmetic import ALIGN_SHIFT


def neuron_table(population: LifPopulation) -> dict[str, Any]:
    """The table of a layer's neurons and its bias."""
    for setting, value, wanted in (
        ("reset", population.reset, ResetMode.ZERO),
        ("refractory", population.refractory, 0),
        ("reset_interval", population.reset_interval % ONCE, 0),
    ):
        if value != wanted:
            raise ConversionError(
                f"{population.name}.{setting}: {value}; netx files have {wanted} only"
            )
    table = {
        "neuron/iDecay": _in_netx(population, population.current_decay + 1),
        "neuron/vDecay": _in_netx(population, population.voltage_decay),
        "neuron/vThMant": _in_netx(population, population.threshold),
        "neuron/refDelay": 1,
        "neuron/gradedSpike": False,
    }
    bias = population.bias.astype(np.int64)
    if not population.bias_mantissa.any() and not population.bias_exponent.any():
        return table
    mantissa = bias >> ALIGN_SHIFT
    if ((mantissa << ALIGN_SHIFT) != bias).any() or (np.abs(mantissa) >= 2**15).any():
        raise ConversionError(
            f"{population.name}: bias {int(bias[np.argmax(np.abs(bias))])}; netx has multiples of"
            f" {1 << ALIGN_SHIFT} up to {(2**15 - 1) << ALIGN_SHIFT}"
        )
    full = np.broadcast_to(mantissa, population.n_neurons)
    return {**table, "bias": _in_netx(population, full)}


def _in_netx(population: LifPopulation, values: np.ndarray) -> Any:
    """One value, or one for each neuron in netx's order: of an image (W, H, C)."""
    if values.size == 1 and population.n_neurons > 1:
        return int(values[0])
    if len(population.shape) != 3:
        return values
    return values.reshape(population.shape).transpose()


def own_settings(population: LifPopulation, notes: list[str]) -> dict[str, Any]:
    """Attributes that give back the same record; sentences are added to the notes."""
    bias = {"bias_mantissa": population.bias_mantissa, "bias_exponent": population.bias_exponent}
    own = bias if any(values.any() for values in bias.values()) else {}
    if population.reset_interval or population.reset_offset:
        notes.append(f"{population.name}: is cleared once; netx does not.")
        own[OWN_RESET] = np.array([population.reset_offset])
    return own
