"""The neurons of this distribution's own training modules."""

from __future__ import annotations

from typing import Any

import numpy as np

from conversions.pytorch.neurons.neuron_reading import (
    NeuronReader,
    NeuronReading,
    StateReset,
    TimeAxis,
)
from conversions.pytorch.neurons.neuron_settings import dynamics, numbers
from conversions.real_network import RealReset
from hw_models import ConversionError, RangeError, ResetMode
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY
from hw_models.rise_register import rise_kept

_RESETS = {ResetMode.ZERO: RealReset.ZERO, ResetMode.SUBTRACT: RealReset.SUBTRACT}


def _cuba_lif(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    """The chip's own neuron: decays are exact, and so is everything once it has a grid."""
    rise, kept_of_rise = _rise(module, path)
    return NeuronReading(
        dynamics=dynamics(
            path,
            voltage_kept=numbers(module.decay_of_voltage.kept(), shape, f"{path}.voltage_decay"),
            current_kept=numbers(module.decay_of_current.kept(), shape, f"{path}.current_decay"),
            threshold=module.threshold,
            bias=_bias(module, path, shape),
            threshold_rise=rise,
            rise_kept=kept_of_rise,
            reset=_RESETS[module.reset],
            refractory=module.refractory,
            latency=module.latency,
            grid=module.grid,
        ),
        time_axis=TimeAxis.SECOND,
        recurrent=module.recurrent,
    )


def _rise(module: Any, path: str) -> tuple[float, float]:
    """By how much a spike raises the threshold before a decay, and what a decay keeps of it.

    On a grid they are what the registers stand for. Training and the integers agree in what
    else could differ: a reset is by the threshold at rest, the rise decays in refractory steps.
    """
    if module.adaptation is None:
        return 0.0, 0.0
    try:
        rise_kept(module.adaptation.kept)
        if module.grid is None:
            kept = module.adaptation.kept
            return module.threshold * module.adaptation.strength / kept, kept
        rise, decay = module.adaptation.registers(module.grid.threshold)
    except RangeError as error:
        raise ConversionError(f"{path}.adaptation: {error}") from error
    return rise / module.grid.scale, 1.0 - decay / DECAY_UNITY


def _bias(module: Any, path: str, shape: tuple[int, ...]) -> np.ndarray:
    """In real numbers; on a grid, what its register holds stands for."""
    if module.bias is None:
        return np.zeros(())
    felt = numbers(module.bias.felt(module.grid), shape, f"{path}.bias")
    return felt if module.grid is None else felt / (module.grid.scale * 2.0**ALIGN_SHIFT)


READERS: dict[str, NeuronReader] = {"ssdp_neuro.training.layers.neurons.CubaLif": _cuba_lif}
"""By module and name of the class."""

RESETS: dict[str, StateReset] = {}
"""They keep no state between samples."""
