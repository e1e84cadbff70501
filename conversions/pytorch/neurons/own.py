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
from hw_models import ConversionError, ResetMode
from hw_models.arithmetic import ALIGN_SHIFT

_RESETS = {ResetMode.ZERO: RealReset.ZERO, ResetMode.SUBTRACT: RealReset.SUBTRACT}


def _cuba_lif(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    """The chip's own neuron: decays are exact, and so is everything once it has a grid."""
    if module.adaptation is not None:
        raise ConversionError(
            f"{path}.adaptation: conversions know constant thresholds; supported is adaptation=None"
        )
    return NeuronReading(
        dynamics=dynamics(
            path,
            voltage_kept=numbers(module.decay_of_voltage.kept(), shape, f"{path}.voltage_decay"),
            current_kept=numbers(module.decay_of_current.kept(), shape, f"{path}.current_decay"),
            threshold=module.threshold,
            bias=_bias(module, path, shape),
            reset=_RESETS[module.reset],
            refractory=module.refractory,
            latency=module.latency,
            grid=module.grid,
        ),
        time_axis=TimeAxis.SECOND,
        recurrent=module.recurrent,
    )


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
