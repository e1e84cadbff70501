"""A layer of neurons as it is seen in a run, and what its reader says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from conversions.torch_model.layouts import LayoutError, features
from conversions.torch_model.reading import NeuronReader, NeuronReading, TimeAxis
from hw_models import ConversionError


@dataclass(kw_only=True, eq=False)
class Layer:
    """A layer of neurons as it was seen in a run.

    ``given`` and ``sent`` are ``(B, T, N)``, ``cells`` those of ``given``; of a single
    step at first, joined when the run is over.
    """

    module: nn.Module
    reading: NeuronReading
    shape: tuple[int, ...]
    given_shape: tuple[int, ...]
    cells: list[Tensor] = field(default_factory=list)
    given: list[Tensor] = field(default_factory=list)
    sent: list[Tensor] = field(default_factory=list)


def layer_of(path: str, module: nn.Module, reader: NeuronReader, given: Tensor, out: Any) -> Layer:
    """Ask the reader, with the shape that the axis it names leaves.

    Raises
    ------
    ConversionError
        If the reader refuses the module, or fails.
    LayoutError
        If no axis can be that of time.
    """
    steps = out if isinstance(out, list) else []  # of a whole sample, one by one
    tensor = (
        torch.stack(steps) if steps else next(t for t in tree_leaves(out) if isinstance(t, Tensor))
    )
    refused: ConversionError | None = None
    for guess in (TimeAxis.STEP, TimeAxis.FIRST, TimeAxis.LAST):
        shape = features(tensor.shape, guess)
        if not shape:
            continue
        try:
            reading = reader(module, path, shape)
        except ConversionError as error:
            refused = refused or error
            continue
        except Exception as error:
            raise ConversionError(
                f"{path}: the reader of {type(module).__name__} failed: {error!r}"
            ) from error
        if features(tensor.shape, reading.time_axis) == shape:
            return Layer(
                module=module,
                reading=reading,
                shape=shape,
                given_shape=features(given.shape, reading.time_axis),
            )
    if refused is not None:
        raise refused
    raise LayoutError(f"{path} made a tensor of shape {tuple(tensor.shape)}")
