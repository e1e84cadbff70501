"""One pass instead of many steps: neurons by the share of steps in which they fire.

A neuron that neither leaks nor remembers its current, and from which a spike subtracts the
threshold, fires ``ceil(T x) - 1`` times in ``T`` steps, 0 to ``T``, if it is given ``x`` thresholds
in each. Layer after layer so, a step of training costs one step of the network instead of ``T``.
What differs from spikes is when they come: a network trained so has to be trained on in spikes.
Bu et al. (ICLR 2022) have the same function, half a spike higher, in networks that are converted.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hw_models import InputError, ResetMode
from ssdp_neuro.training.layers.neurons import MEMORYLESS, CubaLif
from ssdp_neuro.training.layers.surrogate import Surrogate
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.networks.stages import SHAPERS, SYNAPSES

NEEDED = {  # of every CubaLif
    "current_decay": MEMORYLESS,
    "voltage_decay": 0,
    "reset": ResetMode.SUBTRACT,
    "latency": 0,
    "refractory": 0,
    "recurrent": None,
    "adaptation": None,
}


class _Rate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, given: Tensor, n_steps: int, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(given)
        ctx.surrogate = surrogate
        return ((given * n_steps).ceil() - 1.0).clamp(0, n_steps) / n_steps

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (given,) = ctx.saved_tensors
        beyond = given - given.clamp(0.0, 1.0)
        return gradient * ctx.surrogate.slope(beyond), None, None


def refuse_without_rates(model: nn.Module) -> None:
    """Refuse a model whose neurons have no rate that one pass gives.

    Raises
    ------
    InputError
        Names the layer, and what it would have to be.
    """
    if not isinstance(model, SpikingNetwork):
        raise InputError(f"{type(model).__name__}: only a SpikingNetwork has rates")
    for path, module in model.named_children():
        if isinstance(module, CubaLif):
            for name, needed in NEEDED.items():
                found = getattr(module, name)
                if not (found is needed if needed is None else (found == needed)):
                    shown = getattr(needed, "name", needed)
                    raise InputError(f"{path}.{name}: {found}; rates need {shown}")
            for name in ("decay_of_current", "decay_of_voltage"):
                if any(part.requires_grad for part in getattr(module, name).parameters()):
                    raise InputError(f"{path}.{name}: it is learned, which rates do not have")
        elif type(module) not in (*SYNAPSES, *SHAPERS):
            raise InputError(f"{path}: {type(module).__name__}; it has no rates")


def begin_half_a_spike_up(model: SpikingNetwork, n_steps: int) -> None:
    """Give biases that are all 0 half a spike a sample: rates then round to the nearest.

    Without it, few steps round most rates of a new network down to none, and it hardly learns.

    Mutates
    -------
    model
    """
    for module in model:
        if isinstance(module, CubaLif) and module.bias is not None and not module.bias.value.any():
            nn.init.constant_(module.bias.value, 0.5 * module.threshold / n_steps)


def output_drive(model: SpikingNetwork, spikes: Tensor) -> Tensor:
    """What output neurons are given in a step, in thresholds, hidden layers by their rates.

    Parameters
    ----------
    model
        One that :func:`refuse_without_rates` lets pass.
    spikes : 0 and 1, shape (B, T, *input_shape)

    Returns
    -------
    float32 ``(B, ...)``; rates on the way are multiples of 1 / T from 0 to 1, with a gradient of 1
    where a neuron is given 0 to 1 thresholds a step, and the slope of its surrogate beyond. The
    output's own are not made, as it learns better from what is not rounded
    """
    n_steps = spikes.shape[1]
    rates = spikes.mean(1)
    given = rates
    for module in model:
        if isinstance(module, CubaLif):
            given = rates.float()
            if module.bias is not None:
                given = given + module.bias.felt(None)
            given = given / module.threshold
            rates = _Rate.apply(given, n_steps, module.surrogate)
        else:
            rates = module(rates)
    return given
