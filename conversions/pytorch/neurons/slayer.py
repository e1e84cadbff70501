"""The CUBA neurons of lava-dl's SLAYER 0.6, as its blocks use them.

They are the chip's own neurons in disguise: real numbers, of which the forward pass takes the
integers (weights in steps of 2/64, decays in 1/4096, states in 1/4096). The synapses, the step
by which a block's spikes are late and their delays are followed as PyTorch's operations.

What arrives at neurons on a grid is in :mod:`conversions` in the chip's units; here it is in
units of 1/64 of them, so the gain is 64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from conversions.pytorch.neurons.neuron_reading import (
    NeuronReader,
    NeuronReading,
    StateReset,
    TimeAxis,
)
from conversions.pytorch.neurons.neuron_settings import dynamics, numbers, refused
from conversions.real_network import RealReset
from hw_models import ConversionError
from hw_models.arithmetic import DECAY_UNITY
from hw_models.weight_grid import WeightGrid

_LARGEST_THRESHOLD = 4095  # beyond it float32 takes what is equal to the threshold for more


def _cuba(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    one_step = module.persistent_state and shape[-1:] == (1,)  # a recurrent block calls it so
    if module.graded_spike:
        raise ConversionError(f"{path}.graded_spike: supported are spikes of 0 and 1")
    mantissa = module.v_th_mant
    if not 1 <= mantissa <= _LARGEST_THRESHOLD:
        raise ConversionError(
            f"{path}.threshold: {module.threshold}; supported is {1 / module.w_scale} up to"
            f" {_LARGEST_THRESHOLD / module.w_scale}"
        )
    bias, power, notes = _normalized(module, path, shape)
    grid = None
    if power >= 0:  # one to the right would leave the chip's grid
        grid = WeightGrid(
            weight_exponent=power, threshold=mantissa, real_threshold=module.threshold
        )
    return NeuronReading(
        dynamics=dynamics(
            path,
            voltage_kept=_kept(module.voltage_decay, shape, f"{path}.voltage_decay"),
            current_kept=_kept(module.current_decay, shape, f"{path}.current_decay"),
            threshold=module.threshold,
            gain=2.0**power * (1.0 if grid is None else grid.scale),
            bias=bias,
            reset=RealReset.ZERO,
            grid=grid,
        ),
        time_axis=TimeAxis.STEP if one_step else TimeAxis.LAST,
        notes=notes,
    )


def _affine(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    """Synapses and the potential they make, which never fires; or what they make alone."""
    synapse, neuron = module.synapse, module.neuron
    weights = synapse.weight if synapse.pre_hook_fx is None else synapse.pre_hook_fx(synapse.weight)
    linear = nn.Linear(weights[0].numel(), len(weights), bias=False)
    with torch.no_grad():
        linear.weight.copy_(weights.reshape(len(weights), -1))
    decays: dict[str, Any] = {"voltage_kept": 0.0}
    if module.dynamics:
        decays = {
            "voltage_kept": _kept(neuron.voltage_decay, shape, f"{path}.neuron.voltage_decay"),
            "current_kept": _kept(neuron.current_decay, shape, f"{path}.neuron.current_decay"),
        }
    scale = neuron.w_scale
    return NeuronReading(
        dynamics=dynamics(
            path,
            **decays,
            gain=scale,
            threshold=np.inf,
            grid=WeightGrid(weight_exponent=0, threshold=scale, real_threshold=1.0),
        ),
        time_axis=TimeAxis.LAST,
        incoming=nn.Sequential(nn.Flatten(), linear),
        spikes_output=None,
        voltage_output=0,
    )


def _kept(decay: torch.Tensor, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Share that remains; the decay is rounded as in the forward pass."""
    rounded = torch.round(decay.detach()).clamp(0, DECAY_UNITY)
    channels = shape[:1] if rounded.numel() == shape[0] else shape
    return 1 - _per_channel(numbers(rounded, channels, where), shape) / DECAY_UNITY


def _per_channel(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if values.size in (1, int(np.prod(shape))):
        return values
    return np.repeat(values, int(np.prod(shape[1:])))


def _normalized(module: Any, path: str, shape: tuple[int, ...]) -> tuple[Any, int, tuple[str, ...]]:
    """Bias, power of two by which a normalization multiplies the current, and notes."""
    norm = module.norm
    if norm is None:
        return 0.0, 0, ()
    kind = type(norm).__name__
    if kind not in ("MeanOnlyBatchNorm", "WgtScaleBatchNorm"):
        raise ConversionError(
            f"{path}.norm: {kind}; supported are MeanOnlyBatchNorm and WgtScaleBatchNorm"
        )
    with torch.no_grad():
        mean = norm.pre_hook_fx(norm.running_mean)
        power = 0
        if kind == "WgtScaleBatchNorm":
            power = -int(torch.log2(norm.std(norm.running_var)))
    bias = -numbers(mean, shape[:1], f"{path}.norm.running_mean") * 2.0**power
    note = (
        f"its normalization multiplies the current by 2**{power}, here before the current decays"
        " and on the chip's grid, so it may be rounded at another place"
    )
    return _per_channel(bias, shape), power, (note,) if power else ()


def _reset_neuron(module: Any) -> None:
    for name in ("current_state", "voltage_state"):
        setattr(module, name, torch.zeros_like(getattr(module, name).reshape(-1)[:1]))


def _reset_block(module: Any) -> None:
    """A block whose neurons keep their state keeps its last spikes, too."""
    if getattr(module, "delay_buffer", None) is not None:
        module.delay_buffer = None


_HOME = "lava.lib.dl.slayer"
_SUPPORTED = "supported are the blocks of slayer.block.cuba"
_OTHERS = (
    "adrf.Neuron",
    "adrf_iz.Neuron",
    "alif.Neuron",
    "rf.Neuron",
    "rf_iz.Neuron",
    "sigma_delta.Neuron",
)

READERS: dict[str, NeuronReader] = {
    f"{_HOME}.neuron.cuba.Neuron": _cuba,
    f"{_HOME}.block.cuba.Affine": _affine,
    **{f"{_HOME}.neuron.{name}": refused(_SUPPORTED) for name in _OTHERS},
}
"""By module and name of the class, so that nothing is imported that a model has not."""

RESETS: dict[str, StateReset] = {
    f"{_HOME}.neuron.cuba.Neuron": _reset_neuron,
    **{
        f"{_HOME}.block.cuba.{name}": _reset_block
        for name in ("Input", "Dense", "Conv", "Pool", "KWTA")
    },
}
"""How each of them is put to rest before a sample."""
