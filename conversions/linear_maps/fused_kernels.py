"""Convolutions of images: forward, back, and two of them as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as nnf
from torch.nn.grad import conv2d_input

from conversions.linear_maps import fused
from conversions.linear_maps.kinds import Conv
from conversions.real_network import RealConv


def convolve(kernel: RealConv, images: torch.Tensor) -> torch.Tensor:
    """Images ``(B, C, H, W)`` convolved, float64."""
    return nnf.conv2d(
        images,
        torch.tensor(kernel.weights),
        stride=kernel.stride,
        padding=kernel.padding,
        dilation=kernel.dilation,
        groups=kernel.groups,
    )


def convolved_back(weights: np.ndarray, linear: Conv) -> np.ndarray:
    """Rows over the image that a convolution makes, as rows over the one it is given."""
    kernel = linear.kernel
    made = conv2d_input(
        (len(weights), *linear.in_shape),
        torch.tensor(kernel.weights),
        torch.from_numpy(np.ascontiguousarray(weights)).reshape(-1, *linear.out_shape),
        stride=kernel.stride,
        padding=kernel.padding,
        dilation=kernel.dilation,
        groups=kernel.groups,
    )
    return made.flatten(1).numpy()


def with_weights(linear: Conv, weights: np.ndarray) -> Conv:
    """The same convolution with other weights."""
    return replace(linear, kernel=replace(linear.kernel, weights=weights))


def one_convolution(outer: Conv, inner: Conv) -> Conv | None:
    """Two convolutions as one, or None where their borders stand in the way."""
    both = fused(outer.kernel, inner.kernel, inner.in_shape)
    return None if both is None else Conv(both, inner.in_shape, outer.out_shape)
