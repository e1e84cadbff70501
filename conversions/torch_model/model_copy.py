"""A copy of the user's model to experiment on."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from conversions.torch_model.registry import state_reset


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
        if hasattr(module, "squeeze_forward"):  # sinabs: (B * T, ...) in and out
            module.batch_size, module.num_timesteps = n_samples, n_steps  # type: ignore[assignment]
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
