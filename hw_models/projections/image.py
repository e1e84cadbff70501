"""Projections between images ``(C, H, W)``: the weights of a kernel are those of every place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.errors import RangeError, ShapeError
from hw_models.integers import integer, pair_of
from hw_models.projections.fields import WEIGHT_HIGH, WEIGHT_LOW, set_names, set_weights
from hw_models.records import FrozenRecord

CONV_SUM_LIMIT = 2**23  # beyond it Lava's Conv would wrap the sum of a step


def convolved_shape(convolution: Any, where: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Shape ``(C, H, W)`` that a convolution, in integers or real numbers, makes of a source's.

    Raises
    ------
    ShapeError
        If the source is not three-dimensional or its channels do not fit; begins with ``where``.
    """
    channels_out, channels_in = convolution.weights.shape[:2]
    if len(shape) != 3 or shape[0] != channels_in * convolution.groups:
        raise ShapeError(
            f"{where}: source shape {shape}; ({channels_in * convolution.groups}, H, W) is needed"
        )
    rows, columns = (
        (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
        for size, pad, dilation, kernel, stride in zip(
            shape[1:],
            convolution.padding,
            convolution.dilation,
            convolution.weights.shape[2:],
            convolution.stride,
            strict=True,
        )
    )
    if rows < 1 or columns < 1:
        raise ShapeError(f"{where}: the kernel is larger than the source shape {shape}")
    return channels_out, rows, columns


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ConvProjection(FrozenRecord):
    """2-D convolution as PyTorch has it (cross-correlation), between ``(C, H, W)`` shapes.

    Parameters
    ----------
    source, target
        Names of populations with shapes ``(channels, height, width)``.
    weights
        Mantissas, shape ``(channels_out, channels_in // groups, rows, columns)``, -256..255.
    stride, padding, dilation
        One integer or (rows, columns).
    groups
        As in PyTorch.
    weight_exponent
        -8..7.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    weights: Any
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1
    weight_exponent: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        set_names(self)
        set_weights(self, 4)
        put = object.__setattr__
        for field, low in (("stride", 1), ("padding", 0), ("dilation", 1)):
            where = f"{self.name}.{field}"
            put(self, field, pair_of(where, getattr(self, field), low, 127))
        put(self, "groups", integer(f"{self.name}.groups", self.groups, 1, 2**15))
        if self.weights.shape[0] % self.groups:
            raise ShapeError(
                f"{self.name}.groups: {self.groups} does not divide"
                f" {self.weights.shape[0]} output channels"
            )
        sums = np.abs(self.weights.astype(np.int64)).sum(axis=(1, 2, 3))
        if int(sums.max()) << max(self.weight_exponent, 0) >= CONV_SUM_LIMIT:
            raise RangeError(
                f"{self.name}.weights: output channel {int(sums.argmax())} can sum to"
                f" {int(sums.max()) << max(self.weight_exponent, 0)}; allowed below 2**23"
            )

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` that this convolution makes of a source's shape.

        Raises
        ------
        ShapeError
            If the source is not three-dimensional or its channels do not fit.
        """
        return convolved_shape(self, self.name, shape)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PoolProjection(FrozenRecord):
    """Sum pooling: every channel by itself, one weight for all synapses.

    Parameters
    ----------
    source, target
        Names of populations with shapes ``(channels, height, width)``.
    kernel_size, stride, padding
        One integer or (rows, columns); the stride is the kernel size if not given.
    weight
        Mantissa, -256..255. Average pooling is a matter of weight and exponent.
    weight_exponent
        -8..7.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    weight: int = 1
    weight_exponent: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        set_names(self)
        put = object.__setattr__
        if self.stride is None:
            put(self, "stride", self.kernel_size)
        for field, low in (("kernel_size", 1), ("stride", 1), ("padding", 0)):
            where = f"{self.name}.{field}"
            put(self, field, pair_of(where, getattr(self, field), low, 127))
        where = f"{self.name}.weight"
        put(self, "weight", integer(where, self.weight, WEIGHT_LOW, WEIGHT_HIGH))

    def as_convolution(self, n_channels: int) -> ConvProjection:
        """The same synapses as a depthwise convolution."""
        return ConvProjection(
            source=self.source,
            target=self.target,
            weights=np.full((n_channels, 1, *self.kernel_size), self.weight, dtype=np.int16),
            stride=self.stride,
            padding=self.padding,
            groups=n_channels,
            weight_exponent=self.weight_exponent,
            name=self.name,
        )

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` that this pooling makes of a source's shape."""
        if len(shape) != 3:
            raise ShapeError(f"{self.name}: source shape {shape}; (C, H, W) is needed")
        return self.as_convolution(shape[0]).output_shape(shape)
