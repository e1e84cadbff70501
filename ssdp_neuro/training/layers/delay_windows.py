"""Windows by which delays are learned: a spike is spread over the steps around its delay."""

from __future__ import annotations

import enum
from typing import Any

import torch
from torch import Tensor


class DelayWindow(enum.Enum):
    """How a spike is spread over the steps around a delay that is a real number.

    ``GAUSSIAN`` is the window of Hammouamri, Khalfaoui-Hassani and Masquelier (ICLR 2024,
    arXiv 2306.17670); ``TRIANGULAR`` of width 1 interpolates between the two nearest steps.
    Both sum to 1 over the delays that there are.
    """

    GAUSSIAN = "gaussian"
    TRIANGULAR = "triangular"

    @property
    def narrowest(self) -> float:
        """Width at the end of training, in steps."""
        return NARROWEST[self]

    def shares(self, delay: Tensor, width: Tensor, longest: int) -> Tensor:
        """What arrives after 0, 1, ... ``longest`` steps.

        Parameters
        ----------
        delay : any shape
            In steps, 0..longest.
        width : one number
            In steps: the standard deviation of the Gaussian, half the base of the triangle.
        longest
            Delay that is possible.

        Returns
        -------
        shape (*delay.shape, longest + 1)
        """
        steps = torch.arange(longest + 1, device=delay.device, dtype=delay.dtype)
        away = (steps - delay[..., None]) / width.to(delay.dtype)
        if self is DelayWindow.GAUSSIAN:
            return torch.softmax(-0.5 * away.square(), dim=-1)
        heights = (1.0 - away.abs()).clamp_min(0.0)
        return heights / heights.sum(-1, keepdim=True)


NARROWEST = {DelayWindow.GAUSSIAN: 0.5, DelayWindow.TRIANGULAR: 1.0}


class _RoundThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, shares: Tensor, delay: Tensor) -> Tensor:
        whole = delay.round().long()
        return torch.zeros_like(shares).scatter(-1, whole[..., None], 1.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def rounded_through(shares: Tensor, delay: Tensor) -> Tensor:
    """All of a spike after the nearest whole number of steps; the gradient is the window's."""
    return _RoundThrough.apply(shares, delay)


class _HoldWithin(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, delay: Tensor, longest: int) -> Tensor:
        ctx.save_for_backward(delay)
        ctx.longest = longest
        return delay.clamp(0.0, float(longest))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (delay,) = ctx.saved_tensors
        # descent goes against the gradient: at an end, what would lead further out is left out
        outward = ((delay <= 0) & (gradient > 0)) | ((delay >= ctx.longest) & (gradient < 0))
        return gradient.masked_fill(outward, 0.0), None


def held_within(delay: Tensor, longest: int) -> Tensor:
    """Delays 0..longest; one at an end has a gradient only where it leads back inside."""
    return _HoldWithin.apply(delay, longest)
