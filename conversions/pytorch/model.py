"""What the user hands over: a model, the shape of its input, a number of steps."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from conversions.pytorch.neurons.registry import neuron_reader, state_reset, supported_neurons
from hw_models import ConversionError, InputError, ShapeError, TypeMismatchError
from hw_models.integers import integer, shape_of
from ssdp_neuro.training import CubaLif, SpikingNetwork


def rested_copy(model: nn.Module, n_samples: int, n_steps: int) -> nn.Module:
    """A deep copy on the CPU, in evaluation mode, every neuron at rest.

    Parameters
    ----------
    model
        Left as it is, also where its state belongs to a graph of gradients.
    n_samples, n_steps
        Of the run to come, for layers that have to be told them.
    """
    # deepcopy refuses tensors inside a graph, which a trained model's states are
    memo: dict[int, Any] = {
        id(tensor): tensor.detach().clone()
        for module in model.modules()
        for tensor in _tensors(vars(module), 4)
        if tensor.requires_grad and not tensor.is_leaf
    }
    # some frameworks copy a module by making it anew, which fails or forgets what is in it
    for module in reversed(list(model.modules())):  # those inside others first
        if hasattr(type(module), "__deepcopy__"):
            bare = type(module).__new__(type(module))
            memo[id(module)] = bare
            bare.__dict__.update(copy.deepcopy(module.__dict__, memo))
    copied = copy.deepcopy(model, memo).cpu().eval().requires_grad_(False)
    if dtype_of(copied) in (torch.float16, torch.bfloat16):
        copied = copied.float()  # what sums lose in half precision is no part of the model
    for module in copied.modules():
        _without_counters(module)
        reset = state_reset(module)
        if reset is not None:
            reset(module)
        if type(getattr(module, "batch_size", None)) is int:  # of sinabs, and users' own
            module.batch_size = n_samples  # type: ignore[assignment]
        if hasattr(module, "squeeze_forward"):  # sinabs: (B * T, ...) in and out
            module.num_timesteps = n_steps  # type: ignore[assignment]
    return copied


def _without_counters(module: nn.Module) -> None:
    """Take off the hooks of sinabs that count operations and hold tensors of other batches."""
    hooks = module._forward_hooks
    for number, hook in list(hooks.items()):
        if getattr(hook, "__module__", None) in ("sinabs.synopcounter", "sinabs.hooks"):
            del hooks[number]


def dtype_of(model: nn.Module) -> torch.dtype:
    """Of the numbers that a model computes with."""
    floating = (p.dtype for p in model.parameters() if p.dtype.is_floating_point)
    return next(floating, torch.float32)


def _tensors(held: Any, depth: int) -> Iterator[Tensor]:
    if isinstance(held, torch.Tensor):
        yield held
    elif depth and isinstance(held, (dict, list, tuple)):
        for item in held.values() if isinstance(held, dict) else held:
            yield from _tensors(item, depth - 1)


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
        If there is none.
    """
    if given is not None:
        given = integer("from_torch.n_steps", given, 1, 2**20)
    if spikes is None:
        return STEPS if given is None else given
    if given not in (None, spikes.shape[1]):
        raise InputError(f"n_steps: {given}; the calibration data have {spikes.shape[1]}")
    return integer("from_torch.calibration: steps", spikes.shape[1], 1, 2**20)
