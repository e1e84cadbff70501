"""Convolutions: two in a row as one, pooling as one, and what comes back through one."""

from __future__ import annotations

from typing import Any

import numpy as np

from conversions.real_network import RealConv
from hw_models.integers import pair_of

LARGEST = 127  # stride, padding, rows and columns that Lava has room for


def fused(second: RealConv, first: RealConv, shape: tuple[int, ...]) -> RealConv | None:
    """The convolution ``second(first(x))``, if there is one.

    The second one's padding is zero, while the first would make something of the pixels
    near the border if it were asked for a value outside; only where all of its window is
    outside too is that zero.

    Parameters
    ----------
    second, first
        Convolutions.
    shape
        ``(C, H, W)`` of the source of ``first``.

    Returns
    -------
    RealConv, or None

    Raises
    ------
    ShapeError
        If a convolution does not fit what it is given.
    """
    middle = first.output_shape(shape)
    for axis in range(2):
        if second.padding[axis] == 0:
            continue
        extent = first.dilation[axis] * (first.weights.shape[2 + axis] - 1) + 1
        before = extent - 1 - first.stride[axis] - first.padding[axis]
        after = middle[1 + axis] * first.stride[axis] - first.padding[axis]
        if before >= 0 or after < shape[1 + axis]:
            return None
    stride = tuple(a * b for a, b in zip(first.stride, second.stride, strict=True))
    padding = tuple(
        p + s * q for p, s, q in zip(first.padding, first.stride, second.padding, strict=True)
    )
    weights, groups = _one_kernel(second, first), 1
    if max(*stride, *padding, *weights.shape[2:]) > LARGEST:
        return None
    if _is_depthwise(first):
        groups = second.groups
    elif _is_depthwise(second):
        groups = first.groups
    if groups != 1:
        weights = _in_groups(weights, groups)
    both = RealConv(weights=weights, stride=stride, padding=padding, groups=groups)
    return both if both.output_shape(shape) == second.output_shape(middle) else None


def pooling(
    n_channels: int, kernel_size: Any, stride: Any = None, padding: Any = 0, *, average: bool
) -> RealConv:
    """Sum or average every channel by itself, padding counted as zeros.

    Parameters
    ----------
    n_channels
        Of source and target.
    kernel_size, stride, padding
        One integer or (rows, columns); the stride is the kernel size if None.
    average
        Whether the sum is divided by the size of the kernel.
    """
    rows, columns = pair_of("pooling.kernel_size", kernel_size, 1, 127)
    weight = 1.0 / (rows * columns) if average else 1.0
    return RealConv(
        weights=np.full((n_channels, 1, rows, columns), weight),
        stride=(rows, columns) if stride is None else stride,
        padding=padding,
        groups=n_channels,
    )


def convolved_back(rows: np.ndarray, conv: RealConv, shape: tuple[int, ...]) -> np.ndarray:
    """Rows over the image that a convolution makes, as rows over the one it is given.

    Parameters
    ----------
    rows : float64, shape (n, values of the image that is made)
    conv
        The convolution.
    shape
        ``(C, H, W)`` of the image that it is given.

    Returns
    -------
    float64, shape (n, C * H * W)
    """
    _, height, width = conv.output_shape(shape)
    out_size, per_group = len(conv.weights) // conv.groups, conv.weights.shape[1]
    grouped = rows.reshape(len(rows), conv.groups, out_size, height * width)
    (pad_rows, pad_columns), (down, right) = conv.padding, conv.stride
    padded = np.zeros((len(rows), shape[0], shape[1] + 2 * pad_rows, shape[2] + 2 * pad_columns))
    taps = conv.weights.reshape(conv.groups, out_size, per_group, *conv.weights.shape[2:])
    for i in range(taps.shape[3]):
        for j in range(taps.shape[4]):
            top, left = i * conv.dilation[0], j * conv.dilation[1]
            back = taps[:, :, :, i, j].swapaxes(1, 2) @ grouped
            padded[
                :,
                :,
                top : top + down * (height - 1) + 1 : down,
                left : left + right * (width - 1) + 1 : right,
            ] += back.reshape(len(rows), shape[0], height, width)
    inside = padded[:, :, pad_rows : pad_rows + shape[1], pad_columns : pad_columns + shape[2]]
    return inside.reshape(len(rows), -1)


def _one_kernel(second: RealConv, first: RealConv) -> np.ndarray:
    """Weights ``(C_out, C_in, rows, columns)`` of second after first, of one group."""
    one, other = _ungrouped(first), _ungrouped(second)
    one = _spread(one, first.dilation)
    step = tuple(s * d for s, d in zip(first.stride, second.dilation, strict=True))
    rows, columns = (one.shape[a + 2] + step[a] * (other.shape[a + 2] - 1) for a in range(2))
    made = np.zeros((other.shape[0], one.shape[1], rows, columns))
    for i in range(other.shape[2]):
        for j in range(other.shape[3]):
            top, left = i * step[0], j * step[1]
            made[:, :, top : top + one.shape[2], left : left + one.shape[3]] += np.tensordot(
                other[:, :, i, j], one, axes=(1, 0)
            )
    return made


def _spread(weights: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    rows, columns = ((k - 1) * d + 1 for k, d in zip(weights.shape[2:], dilation, strict=True))
    made = np.zeros((*weights.shape[:2], rows, columns))
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
