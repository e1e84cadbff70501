"""Rounding that lets gradients through, and weights that live on the chip's grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw_models import FixedFormat, RangeError
from hw_models.weight_grid import WeightGrid

AT_ONCE = 2**15  # weights that stay in a core's cache as float64


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


class _InsteadThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, rounded: Tensor) -> Tensor:
        return rounded.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def instead_through(values: Tensor, rounded: Tensor) -> Tensor:
    """What the values were rounded to, of their shape; the gradient is that of the identity."""
    return _InsteadThrough.apply(values, rounded)


def delivered(weight: Tensor, grid: WeightGrid) -> Tensor:
    """What spikes deliver on the chip: :meth:`WeightGrid.integers`, on the weights' own device.

    Parameters
    ----------
    weight
        Real, any shape; on a CPU taken in parts of 2**15, so that all intermediate numbers
        stay in the cache.
    grid
        Of the layer.

    Returns
    -------
    integers as floats, shape and dtype of ``weight``

    Raises
    ------
    RangeError
        If a weight on a CPU is not finite. On a GPU and under ``torch.compile`` nobody waits
        to look: it becomes no number, and so does the loss, which training then refuses.

    Notes
    -----
    The same numbers as the reference's: it rounds ``w * scale / 2**(exponent + 1)`` to the
    nearest, ties to even, in float64, too. Powers of two commute with float64's rounding, and
    what has been rounded saturates by comparison. The end adds 0 so that none is ``-0``.
    """
    register, unit = grid.format, 2.0 ** (grid.weight_exponent + 1)
    result = torch.empty_like(weight, memory_format=torch.contiguous_format)
    flat = weight.detach().reshape(-1)
    compiling = torch.compiler.is_compiling()
    at_once = AT_ONCE if weight.device.type == "cpu" and not compiling else max(1, flat.numel())
    for some, place in zip(flat.split(at_once), result.view(-1).split(at_once), strict=True):
        raw = some.to(torch.float64, copy=True).mul_(grid.scale).div_(unit).round_()
        place.copy_(raw.clamp_(register.low, register.high).mul_(unit).add_(0.0))
    if compiling or weight.device.type != "cpu":
        return result.add_(weight.detach() - weight.detach())  # 0 where it is finite
    extremes = torch.stack(flat.aminmax()) if flat.numel() else flat
    if not bool(torch.isfinite(extremes).all()):
        raise RangeError("OnGrid: a weight is not finite")
    return result


class _RoundOntoGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, grid: WeightGrid) -> Tensor:
        ctx.scale = grid.scale
        return delivered(weight, grid)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.scale, None


class OnGrid(nn.Module):
    """Parametrization of a weight: what it delivers on the chip, straight through.

    The layer then works in whole units of synaptic input, so its sums are exact (in
    float32 up to 2**24). Rounds as :class:`hw_models.weight_grid.WeightGrid` does, number for
    number (see :func:`delivered`): training and conversion cannot differ.

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
