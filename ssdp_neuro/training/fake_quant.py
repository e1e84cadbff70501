"""Rounding that lets gradients through, and weights that live on the chip's grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw_models import FixedFormat
from hw_models.weight_grid import WeightGrid


class _TruncateThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.trunc()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


def truncate_through(x: Tensor) -> Tensor:
    """Truncate toward zero; the gradient is that of the identity."""
    return _TruncateThrough.apply(x)


class _EncodeThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, register: FixedFormat) -> Tensor:
        raw = np.asarray(register.encode(values.detach().cpu().numpy()))
        return torch.from_numpy(raw.astype(np.float64)).to(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def encode_through(values: Tensor, register: FixedFormat) -> Tensor:
    """Raw integers of a register, as floats; the gradient is that of the identity."""
    return _EncodeThrough.apply(values, register)


class _RoundOntoGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, grid: WeightGrid) -> Tensor:
        ctx.scale = grid.scale
        delivered = grid.integers(weight.detach().cpu().double().numpy())
        return torch.from_numpy(delivered).to(weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.scale, None


class OnGrid(nn.Module):
    """Parametrization of a weight: what it delivers on the chip, straight through.

    The layer then works in whole units of synaptic input, so its sums are exact (in
    float32 up to 2**24). Rounds by :class:`hw_models.weight_grid.WeightGrid` itself:
    training and conversion cannot differ.

    Parameters
    ----------
    grid
        Grid of the layer.
    """

    def __init__(self, grid: WeightGrid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, weight: Tensor) -> Tensor:
        """Integers as floats, same shape and dtype."""
        return _RoundOntoGrid.apply(weight, self.grid)
