"""One layer of a PyTorch model as the chip's records: a table from module to function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from hw_models import (
    ConversionError,
    ConvProjection,
    DenseProjection,
    InputPopulation,
    LifPopulation,
)
from hw_models.projections import Projection
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training import Stage
from ssdp_neuro.training.network import weight_of


def convert_stage(
    stage: Stage, grid: WeightGrid, source: InputPopulation | LifPopulation
) -> tuple[Projection, LifPopulation]:
    """The projection and population of a stage, fed by ``source``.

    Raises
    ------
    ConversionError
        If a module has a setting that the chip has not; names its path.
    """
    shape = source.shape
    for path, module in stage.modules.items():
        if isinstance(module, nn.Flatten):
            shape = _flattened(path, module, shape)
    path, synapses = stage.synapses_path, stage.synapses
    if getattr(synapses, "bias", None) is not None:
        raise ConversionError(
            f"{path}.bias: supported is bias=False; the chip adds a bias to the membrane"
            " potential and not to the current"
        )
    kind = next(kind for kind in CONVERTERS if isinstance(synapses, kind))
    ends: dict[str, Any] = {"source": source.name, "target": stage.neurons_path, "name": path}
    projection, shape = CONVERTERS[kind](path, synapses, grid, shape, ends)
    neurons = stage.neurons
    population = LifPopulation(
        name=stage.neurons_path,
        shape=shape,
        current_decay=neurons.current_decay,
        voltage_decay=neurons.voltage_decay,
        threshold=grid.threshold,
        reset=neurons.reset,
    )
    return projection, population


def _flattened(path: str, module: nn.Flatten, shape: tuple[int, ...]) -> tuple[int, ...]:
    if (module.start_dim, module.end_dim) not in {(1, -1), (1, len(shape))}:
        raise ConversionError(
            f"{path}: Flatten({module.start_dim}, {module.end_dim}); supported is Flatten()"
        )
    return (int(np.prod(shape)),)


def _linear(
    path: str, linear: nn.Linear, grid: WeightGrid, shape: tuple[int, ...], ends: dict[str, Any]
) -> tuple[Projection, tuple[int, ...]]:
    if shape != (linear.in_features,):
        raise ConversionError(
            f"{path}: Linear over shape {shape}; supported is ({linear.in_features},),"
            " with Flatten before it for images"
        )
    weights = grid.mantissas(weight_of(linear))
    projection = DenseProjection(weights=weights, weight_exponent=grid.weight_exponent, **ends)
    return projection, (linear.out_features,)


def _conv2d(
    path: str, conv: nn.Conv2d, grid: WeightGrid, shape: tuple[int, ...], ends: dict[str, Any]
) -> tuple[Projection, tuple[int, ...]]:
    settings: dict[str, Any] = {
        name: getattr(conv, name) for name in ("stride", "padding", "dilation", "groups")
    }
    if isinstance(conv.padding, str) or conv.padding_mode != "zeros":
        raise ConversionError(
            f"{path}: padding {conv.padding!r} of mode {conv.padding_mode!r};"
            " supported are numbers, of mode 'zeros'"
        )
    weights = grid.mantissas(weight_of(conv))
    projection = ConvProjection(
        weights=weights, weight_exponent=grid.weight_exponent, **settings, **ends
    )
    return projection, projection.output_shape(shape)


CONVERTERS: dict[type[nn.Module], Callable[..., tuple[Projection, tuple[int, ...]]]] = {
    nn.Linear: _linear,
    nn.Conv2d: _conv2d,
}
