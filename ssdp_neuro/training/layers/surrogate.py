"""Spikes with a gradient: a step going forward, a smooth slope going back.

The argument is the membrane potential above threshold, in thresholds: 0 is exactly at
threshold, which does not fire (the chip compares strictly).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hw_models import RangeError


@dataclass(frozen=True)
class FastSigmoid:
    """Slope ``1 / (1 + sharpness |x|)**2`` (Zenke and Ganguli, Neural Comput. 30(6), 2018).

    Parameters
    ----------
    sharpness
        Positive; the larger, the narrower.
    """

    sharpness: float = 5.0

    def __post_init__(self) -> None:
        _positive("FastSigmoid.sharpness", self.sharpness)

    def slope(self, x: Tensor) -> Tensor:
        """Derivative that stands in for that of the step, same shape."""
        return (1.0 + self.sharpness * x.abs()).square().reciprocal()


@dataclass(frozen=True)
class ArcTangent:
    """Slope ``1 / (1 + (pi/2 sharpness x)**2)`` (Fang et al., ICCV 2021, up to a factor).

    Parameters
    ----------
    sharpness
        Positive; the larger, the narrower.
    """

    sharpness: float = 2.0

    def __post_init__(self) -> None:
        _positive("ArcTangent.sharpness", self.sharpness)

    def slope(self, x: Tensor) -> Tensor:
        """Derivative that stands in for that of the step, same shape."""
        return (1.0 + (0.5 * torch.pi * self.sharpness * x).square()).reciprocal()


@dataclass(frozen=True)
class Boxcar:
    """Slope 1 within half a ``width`` of the threshold, 0 elsewhere.

    Parameters
    ----------
    width
        Positive, in thresholds.
    """

    width: float = 1.0

    def __post_init__(self) -> None:
        _positive("Boxcar.width", self.width)

    def slope(self, x: Tensor) -> Tensor:
        """Derivative that stands in for that of the step, same shape."""
        return (x.abs() <= 0.5 * self.width).to(x.dtype)


@dataclass(frozen=True)
class Triangular:
    """Slope ``height * max(0, 1 - |x| / width)`` (Bellec et al., NeurIPS 2018).

    Parameters
    ----------
    width
        Positive, in thresholds.
    height
        Positive; 0.3 in the paper.
    """

    width: float = 1.0
    height: float = 1.0

    def __post_init__(self) -> None:
        _positive("Triangular.width", self.width)
        _positive("Triangular.height", self.height)

    def slope(self, x: Tensor) -> Tensor:
        """Derivative that stands in for that of the step, same shape."""
        return (1.0 - x.abs() / self.width).clamp(min=0.0) * self.height


@dataclass(frozen=True)
class MultiGaussian:
    """A bell with a shallow negative one at each side (Yin et al., Nat. Mach. Intell. 3, 2021).

    ``gain * ((1 + side) N(x; 0, width) - side N(x; width, spread width) - side N(x; -width,
    spread width))``, with ``N`` the normal density by mean and standard deviation.

    Parameters
    ----------
    width
        Standard deviation of the middle, positive, in thresholds.
    side
        Weight of the side bells, positive.
    spread
        How many times wider they are, positive.
    gain
        Positive.
    """

    width: float = 0.5
    side: float = 0.15
    spread: float = 6.0
    gain: float = 1.0

    def __post_init__(self) -> None:
        for field in ("width", "side", "spread", "gain"):
            _positive(f"MultiGaussian.{field}", getattr(self, field))

    def slope(self, x: Tensor) -> Tensor:
        """Derivative that stands in for that of the step, same shape."""
        wide = self.spread * self.width
        sides = _normal(x - self.width, wide) + _normal(x + self.width, wide)
        return self.gain * ((1.0 + self.side) * _normal(x, self.width) - self.side * sides)


def _normal(x: Tensor, deviation: float) -> Tensor:
    return torch.exp(-0.5 * (x / deviation).square()) / (deviation * math.sqrt(2.0 * math.pi))


KINDS = (FastSigmoid, ArcTangent, Boxcar, Triangular, MultiGaussian)
Surrogate = FastSigmoid | ArcTangent | Boxcar | Triangular | MultiGaussian
SURROGATES = {kind.__name__: kind for kind in KINDS}


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradient * ctx.surrogate.slope(x), None


def spike(x: Tensor, surrogate: Surrogate) -> Tensor:
    """1 where ``x > 0``, else 0; its gradient is the surrogate's.

    Parameters
    ----------
    x : any shape
        Membrane potential above threshold, in thresholds.
    surrogate
        Slope used going back.

    Returns
    -------
    same shape and dtype
    """
    return _Spike.apply(x, surrogate)


def _positive(where: str, value: float) -> None:
    if not value > 0:
        raise RangeError(f"{where}: {value}; a positive number is needed")
