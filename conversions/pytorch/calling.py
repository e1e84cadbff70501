"""Where batch and time are in a tensor, and the ways to call a model."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from conversions.pytorch.neurons.neuron_reading import TimeAxis


class LayoutError(Exception):
    """A model was called with time in the wrong place; says what did not fit."""


def features(shape: Any, axis: TimeAxis) -> tuple[int, ...]:
    """Shape without batch and time."""
    if axis in (TimeAxis.STEP, TimeAxis.FLATTENED):
        return tuple(shape[1:])
    if axis is TimeAxis.LAST:
        return tuple(shape[1:-1])
    return tuple(shape[2:])


def by_sample(tensor: Tensor, axis: TimeAxis, n_samples: int, n_steps: int) -> Tensor:
    """As ``(B, T, N)``; of a single step ``(B, 1, N)``.

    Raises
    ------
    LayoutError
        If its shape is another.
    """
    shape = tuple(tensor.shape)
    wanted: dict[TimeAxis, bool] = {
        TimeAxis.STEP: shape[:1] == (n_samples,),
        TimeAxis.FIRST: shape[:2] == (n_steps, n_samples),
        TimeAxis.SECOND: shape[:2] == (n_samples, n_steps),
        TimeAxis.LAST: len(shape) > 2 and (shape[0], shape[-1]) == (n_samples, n_steps),
        TimeAxis.FLATTENED: shape[:1] == (n_samples * n_steps,),
    }
    if not wanted[axis] or len(shape) < 2:
        raise LayoutError(
            f"a tensor of shape {shape} where {axis.value} is needed for {n_samples} samples of"
            f" {n_steps} steps"
        )
    if axis is TimeAxis.STEP:
        return tensor.reshape(n_samples, 1, -1)
    if axis is TimeAxis.FIRST:
        tensor = tensor.transpose(0, 1)
    elif axis is TimeAxis.LAST:
        tensor = tensor.movedim(-1, 1)
    return tensor.reshape(n_samples, n_steps, -1)


def labels(
    shape: Any, axis: TimeAxis, step: int, n_samples: int, n_steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sample, step and neuron of each element; ``step`` is that of a single step's tensor."""
    numbers = torch.arange(math.prod(shape)).reshape(tuple(shape))
    ordered = by_sample(numbers, axis, n_samples, n_steps)
    places = [torch.empty(numbers.numel(), dtype=torch.int64) for _ in range(3)]
    for part, size in enumerate(ordered.shape):
        index = torch.arange(size).reshape([-1 if a == part else 1 for a in range(3)])
        if part == 1 and axis is TimeAxis.STEP:
            index = index + step
        places[part][ordered.reshape(-1)] = index.expand(ordered.shape).reshape(-1)
    sample, time, neuron = (p.reshape(tuple(shape)).numpy() for p in places)
    return sample, time, neuron


def call(model: nn.Module, spikes: Tensor, axis: TimeAxis) -> Any:
    """Run a model on spikes ``(B, T, ...)``, laid out as it wants them; what it returns."""
    if axis is TimeAxis.SECOND:
        return model(spikes)
    if axis is TimeAxis.STATIC:
        return model(spikes[:, 0].contiguous())
    if axis is TimeAxis.FIRST:
        return model(spikes.transpose(0, 1).contiguous())
    if axis is TimeAxis.LAST:
        return model(spikes.movedim(1, -1).contiguous())
    if axis is TimeAxis.FLATTENED:
        return model(spikes.flatten(0, 1))
    made, state = [], None
    for step in spikes.unbind(1):
        given = step.contiguous()
        out = model(given) if state is None else model(given, state)
        made.append(out)
        if _hands_on_state(model) and isinstance(out, tuple) and len(out) == 2:
            state = out[1]
    return made


def output_tensors(out: Any, n_samples: int, n_steps: int) -> list[Tensor]:
    """Tensors in what a model returned; of a list of one for each step, ``(T, B, ...)``.

    A step may also be a tuple; then there is one tensor for each of its places.
    """
    if isinstance(out, list) and len(out) == n_steps:
        steps = [tensors_in(step) for step in out]
        shapes = [[tuple(tensor.shape) for tensor in step] for step in steps]
        batched = all(shape[:1] == (n_samples,) for shape in shapes[0])
        if shapes[0] and batched and all(other == shapes[0] for other in shapes):
            return [torch.stack(column) for column in zip(*steps, strict=True)]
    if isinstance(out, (list, tuple)):
        return [tensor for part in out for tensor in output_tensors(part, n_samples, n_steps)]
    if isinstance(out, dict):
        return output_tensors(list(out.values()), n_samples, n_steps)
    return tensors_in(out)


def tensors_in(out: Any) -> list[Tensor]:
    """All tensors in what was returned."""
    return [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]


def _hands_on_state(model: nn.Module) -> bool:
    """Whether forward is ``(x, state=None)``, as norse has it."""
    parameters = list(inspect.signature(model.forward).parameters.values())
    return (
        len(parameters) > 1
        and parameters[1].default is None
        and parameters[1].name in {"state", "states", "hidden", "s"}
    )
