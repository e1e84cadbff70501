"""The neurons of SpikingJelly, as its version 2.0 computes them.

They fire at threshold too (``>=``), reset at once, and leak towards ``v_reset``, from which
they also start: potentials counted from there leak to zero and are reset to zero. With
``decay_input`` what arrives is divided by the time constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
from conversions.pytorch.neurons.neuron_settings import OneToOne, dynamics, fires_at_zero, numbers
from conversions.real_network import RealReset
from hw_models import ConversionError

_AXES = {"s": TimeAxis.STEP, "m": TimeAxis.FIRST}


def _integrate(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    return _reading(module, path, share=0.0, gain=1.0)


def _leaky(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    share = 1 / module.tau
    return _reading(module, path, share=share, gain=share if module.decay_input else 1.0)


def _parametric(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    share = numbers(torch.sigmoid(module.w), shape, f"{path}.w")
    return _reading(module, path, share=share, gain=share if module.decay_input else 1.0)


def _current_based(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    """Its potential leaks to zero but starts from ``v_reset``: seen from there, a bias."""
    share = 1 - module.v_decay
    bias = -share * (module.v_reset or 0.0)
    return _reading(module, path, share=share, gain=1.0, current_kept=module.c_decay, bias=bias)


def _reading(module: Any, path: str, *, share: Any, gain: Any, **settings: Any) -> NeuronReading:
    """A neuron that loses ``share`` of its distance from ``v_reset`` in a step."""
    if module._neuron_precision is not None:
        raise ConversionError(
            f"{path}: a neuron precision is set; supported is none, PyTorch's own numbers"
        )
    base = 0.0 if module.v_reset is None else module.v_reset
    return NeuronReading(
        dynamics=dynamics(
            path,
            voltage_kept=1 - np.asarray(share, dtype=np.float64),
            gain=gain,
            threshold=module.v_threshold - base,
            initial=np.asarray(module.get_reset_value("v"), dtype=np.float64) - base,
            fires_at_threshold=fires_at_zero(
                module.surrogate_function, f"{path}.surrogate_function"
            ),
            reset=RealReset.SUBTRACT if module.v_reset is None else RealReset.ZERO,
            **settings,
        ),
        time_axis=_AXES[module.step_mode],
    )


def _integrate_only(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    return _readout(module, path, share=0.0, gain=1.0)


def _leaky_only(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    return _readout(module, path, share=1 / module.tau, gain=1 / module.tau)


def _readout(module: Any, path: str, *, share: float, gain: float) -> NeuronReading:
    if module.decode is not None:
        raise ConversionError(
            f"{path}: decode={module.decode!r}; supported is None, the potential of every step"
        )
    return NeuronReading(
        dynamics=dynamics(path, voltage_kept=1 - share, gain=gain, threshold=np.inf),
        time_axis=TimeAxis.FIRST,
        spikes_output=None,
        voltage_output=0,
    )


def _linear_container(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    """Neurons behind one Linear of what arrives and of what they sent a step before."""
    inner = _inner(module, path, shape)
    n_sent = module.sub_module_out_features
    n_given = module.rc.in_features - n_sent
    weights, bias = module.rc.weight.detach(), module.rc.bias
    incoming = nn.Linear(n_given, module.rc.out_features, bias=bias is not None)
    recurrent = nn.Linear(n_sent, module.rc.out_features, bias=False)
    with torch.no_grad():
        incoming.weight.copy_(weights[:, :n_given])
        recurrent.weight.copy_(weights[:, n_given:])
        if bias is not None:
            incoming.bias.copy_(bias)
    return replace(inner, incoming=incoming, recurrent=recurrent)


def _element_wise_container(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    weight = _weight_of_sent(module.element_wise_function, f"{path}.element_wise_function")
    return replace(_inner(module, path, shape), recurrent=OneToOne(weight))


def _inner(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    inside = module.sub_module
    reader = _NEURONS.get(f"{type(inside).__module__}.{type(inside).__qualname__}")
    if reader is None:
        raise ConversionError(
            f"{path}.sub_module: {type(inside).__name__}; supported is one of"
            " IFNode, LIFNode, ParametricLIFNode, CUBALIFNode"
        )
    return replace(reader(inside, f"{path}.sub_module", shape), time_axis=_AXES[module.step_mode])


def _weight_of_sent(function: Callable[..., torch.Tensor], where: str) -> float:
    """``w`` of a function of (sent, given) that is ``given + w * sent``; it is called."""
    given, sent = torch.arange(-8.0, 8.0), torch.tensor([0.0, 1.0]).repeat(8)
    made = function(sent, given)
    weight = float(function(torch.ones(1), torch.zeros(1)))
    if not torch.equal(made, given + weight * sent):
        raise ConversionError(
            f"{where}: supported is the sum of what arrives and what was sent, or what was sent"
            " times a number"
        )
    return weight


def _reset_state(module: Any) -> None:
    module.reset()


_HOME = "spikingjelly.activation_based"

_NEURONS: dict[str, NeuronReader] = {
    f"{_HOME}.neuron.integrate_and_fire.IFNode": _integrate,
    f"{_HOME}.neuron.lif.LIFNode": _leaky,
    f"{_HOME}.neuron.plif.ParametricLIFNode": _parametric,
    f"{_HOME}.neuron.lif_variants.CUBALIFNode": _current_based,
}

_CONTAINERS: dict[str, NeuronReader] = {
    f"{_HOME}.layer.container.LinearRecurrentContainer": _linear_container,
    f"{_HOME}.layer.container.ElementWiseRecurrentContainer": _element_wise_container,
}

_READOUTS: dict[str, NeuronReader] = {
    f"{_HOME}.neuron.integrate_and_fire.NonSpikingIFNode": _integrate_only,
    f"{_HOME}.neuron.lif.NonSpikingLIFNode": _leaky_only,
}

READERS: dict[str, NeuronReader] = {**_NEURONS, **_CONTAINERS, **_READOUTS}
"""By module and name of the class, so that nothing is imported that a model has not."""

RESETS: dict[str, StateReset] = dict.fromkeys({**_NEURONS, **_CONTAINERS}, _reset_state)
"""How each of them is put to rest before a sample; a container's neurons are put apart."""
