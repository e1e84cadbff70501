"""Convolutions of images, and two of them as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as nnf
from torch.nn.grad import conv2d_input

from conversions.from_torch.map_kinds import Conv
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
    """Two convolutions as one, if the borders of the second are no different from nothing.

    The second one's padding is zero, while the first would make something of the pixels
    near the border if it were asked for a value outside; only where all of its window is
    outside too is that zero.
    """
    first, second = inner.kernel, outer.kernel
    extent = [d * (k - 1) + 1 for d, k in zip(first.dilation, first.weights.shape[2:], strict=True)]
    stride = tuple(a * b for a, b in zip(first.stride, second.stride, strict=True))
    padding = tuple(
        p + s * q for p, s, q in zip(first.padding, first.stride, second.padding, strict=True)
    )
    for axis in range(2):
        if second.padding[axis] == 0:
            continue
        size, made = inner.in_shape[axis + 1], inner.out_shape[axis + 1]
        before = extent[axis] - 1 - first.stride[axis] - first.padding[axis]
        after = made * first.stride[axis] - first.padding[axis]
        if before >= 0 or after < size:
            return None
    weights = one_kernel(first, second)
    groups = 1
    if _is_depthwise(first):
        groups = second.groups
    elif _is_depthwise(second):
        groups = first.groups
    if groups != 1:
        weights = _in_groups(weights, groups)
    if max(stride) > 127 or max(padding) > 127:
        return None
    both = RealConv(weights=weights, stride=stride, padding=padding, groups=groups)
    if both.output_shape(inner.in_shape) != outer.out_shape:
        return None
    return Conv(both, inner.in_shape, outer.out_shape)


def one_kernel(first: RealConv, second: RealConv) -> np.ndarray:
    """Weights ``(C_out, C_in, rows, columns)`` of second after first, of one group."""
    one, other = _ungrouped(first), _ungrouped(second)
    one = _spread(one, first.dilation)
    step = tuple(s * d for s, d in zip(first.stride, second.dilation, strict=True))
    rows_, columns = (one.shape[a + 2] + step[a] * (other.shape[a + 2] - 1) for a in range(2))
    made = np.zeros((other.shape[0], one.shape[1], rows_, columns))
    for i in range(other.shape[2]):
        for j in range(other.shape[3]):
            top, left = i * step[0], j * step[1]
            made[:, :, top : top + one.shape[2], left : left + one.shape[3]] += np.tensordot(
                other[:, :, i, j], one, axes=(1, 0)
            )
    return made


def _spread(weights: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    rows_, columns = ((k - 1) * d + 1 for k, d in zip(weights.shape[2:], dilation, strict=True))
    made = np.zeros((*weights.shape[:2], rows_, columns))
    made[:, :, :: dilation[0], :: dilation[1]] = weights
    return made


def _ungrouped(kernel: RealConv) -> np.ndarray:
    weights, groups = kernel.weights, kernel.groups
    channels_out, channels_in = weights.shape[:2]
    made = np.zeros((channels_out, channels_in * groups, *weights.shape[2:]))
    for group, part in enumerate(np.split(weights, groups)):
        size = channels_out // groups
        made[group * size : (group + 1) * size, group * channels_in : (group + 1) * channels_in] = (
            part
        )
    return made


def _in_groups(weights: np.ndarray, groups: int) -> np.ndarray:
    out_size, in_size = weights.shape[0] // groups, weights.shape[1] // groups
    return np.concatenate(
        [
            weights[g * out_size : (g + 1) * out_size, g * in_size : (g + 1) * in_size]
            for g in range(groups)
        ]
    )


def _is_depthwise(kernel: RealConv) -> bool:
    return kernel.weights.shape[:2] == (kernel.groups, 1)
