"""What the user hands over: a model, the shape of its input, a number of steps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from conversions.torch_model.registry import neuron_reader, supported_neurons
from hw_models import ConversionError, InputError, ShapeError, TypeMismatchError
from hw_models.integers import integer, shape_of
from ssdp_neuro.training import CubaLif, SpikingNetwork

STEPS = 13
"""Of a run without data."""


def checked_model(model: Any, input_shape: Any) -> nn.Module:
    """The model; a plain sequence with our neurons as the network it would be trained as.

    Raises
    ------
    TypeMismatchError
        If it is no module.
    ConversionError
        If it has no neurons that anyone can read; names what it has.
    """
    if not isinstance(model, nn.Module):
        weights = " (weights alone do not say what is computed)" if isinstance(model, dict) else ""
        raise TypeMismatchError(
            f"from_torch.model: {type(model).__name__}; an nn.Module is needed{weights}"
        )
    if not any(neuron_reader(module) for module in model.modules()):
        raise ConversionError(
            f"no layer of neurons is known among {', '.join(_named(_leaves(model)))}; supported are"
            f" {supported_neurons()}. Others can be taught by conversions.register_neuron"
        )
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise ConversionError(f"{name}: values that are not finite; numbers are needed")
    if type(model) is not nn.Sequential or not any(isinstance(m, CubaLif) for m in model):
        return model
    modules = OrderedDict(model.named_children())
    return SpikingNetwork(modules, input_shape=input_shape).train(model.training)


def unknown_layers(model: nn.Module) -> list[str]:
    """Layers that are no one's whose neurons are read, nor PyTorch's own, with their classes."""
    return _named(
        (path, module)
        for path, module in _leaves(model)
        if not neuron_reader(module) and type(module).__module__.split(".")[0] != "torch"
    )


def _leaves(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Modules that hold no others but the derivative of their spikes."""
    return [
        (path, module)
        for path, module in model.named_modules()
        if not any(not _is_surrogate(child) for child in module.children())
        and not _is_surrogate(module)
    ]


def _is_surrogate(module: nn.Module) -> bool:
    return "surrogate" in type(module).__module__


def _named(modules: Iterable[tuple[str, nn.Module]]) -> list[str]:
    return [f"{path or 'model'} ({type(module).__name__})" for path, module in modules]


def shape_of_input(model: nn.Module, spikes: np.ndarray | None, given: Any) -> tuple[int, ...]:
    """Shape of one step's spikes.

    Raises
    ------
    ShapeError
        If nothing says it.
    ConversionError, InputError
        If what is given, what the model says and the data do not agree.
    """
    shape = None if given is None else shape_of("from_torch.input_shape", given)
    if isinstance(model, SpikingNetwork):
        if shape not in (None, model.input_shape):
            raise ConversionError(f"input_shape: {shape}; the model has {model.input_shape}")
        shape = model.input_shape
    if shape is None and spikes is not None:
        shape = spikes.shape[2:]
    if shape is None:
        first = next((m for m in model.modules() if not list(m.children())), None)
        if not isinstance(first, nn.Linear):
            raise ShapeError(
                "from_torch.input_shape: needed without calibration data, the first layer has none"
            )
        shape = (first.in_features,)
    if spikes is not None and spikes.shape[2:] != shape:
        raise InputError(
            f"calibration: spikes of shape {spikes.shape};"
            f" (B, T, {', '.join(map(str, shape))}) is needed"
        )
    return shape


def steps_of(spikes: np.ndarray | None, given: Any) -> int:
    """Steps of a sample.

    Raises
    ------
    InputError
        If what is given and the data do not agree.
    RangeError
        If there is only one: then nothing can be said about time.
    """
    if given is not None:
        given = integer("from_torch.n_steps", given, 2, 2**20)
    if spikes is None:
        return STEPS if given is None else given
    if given not in (None, spikes.shape[1]):
        raise InputError(f"n_steps: {given}; the calibration data have {spikes.shape[1]}")
    return integer("from_torch.calibration: steps", spikes.shape[1], 2, 2**20)
