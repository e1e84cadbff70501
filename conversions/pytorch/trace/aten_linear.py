"""Matrix products, convolutions and pooling: linear maps of rows of cells, and maxima."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor

from conversions.linear_maps.algebra import sparse
from conversions.linear_maps.map_kinds import Conv, Dense, Map, Sparse, check_size, conv
from conversions.pytorch.trace.tape import Handler, Tape, operand
from conversions.pytorch.trace.values import Largest, Mapped
from conversions.real_network import RealConv


def _mapped(
    tape: Tape,
    rows: Tensor,
    linear: Map,
    bias: Any,
    *,
    is_synapses: bool = True,
) -> Tensor:
    """Cells ``(L, n_post)`` of a map of cells ``(L, n_pre)``."""
    given = rows.reshape(len(rows), -1).numpy().copy()
    made = tape.add(
        Mapped,
        len(given) * linear.n_post,
        given=given,
        map=tape.known(linear),
        bias=bias,
        is_synapses=is_synapses,
    )
    return torch.from_numpy(made).reshape(len(given), linear.n_post)


def _product(tape: Tape, out: Tensor, one: Tensor, other: Tensor) -> Tensor | None:
    """``one @ other`` of matrices, of which one depends on no spike."""
    (cells, numbers), (others, weights) = operand(tape, one), operand(tape, other)
    if cells is not None and others is None:
        return _mapped(tape, cells, Dense(np.ascontiguousarray(weights.T)), 0.0)
    if cells is None and others is not None:
        return _mapped(tape, others.T, Dense(np.ascontiguousarray(numbers)), 0.0).T
    return None


def _affine(
    tape: Tape, out: Tensor, bias: Tensor, one: Tensor, other: Tensor, beta: Any = 1, alpha: Any = 1
) -> Tensor | None:
    (cells, _), (others, weights) = operand(tape, one), operand(tape, other)
    added, numbers = operand(tape, bias)
    if cells is None or others is not None or added is not None or numbers.ndim != 1:
        return None
    return _mapped(
        tape, cells, Dense(np.ascontiguousarray(weights.T) * float(alpha)), numbers * float(beta)
    )


def _products(tape: Tape, out: Tensor, one: Tensor, other: Tensor) -> Tensor | None:
    """Matrix products of a batch, if all have the same weights."""
    (cells, _), (others, weights) = operand(tape, one), operand(tape, other)
    if cells is None or others is not None or not (weights == weights[:1]).all():
        return None
    made = _mapped(tape, cells.flatten(0, 1), Dense(np.ascontiguousarray(weights[0].T)), 0.0)
    return made.reshape(out.shape)


def _vector_product(tape: Tape, out: Tensor, one: Tensor, other: Tensor) -> Tensor | None:
    made = _product(tape, out, one, other.unsqueeze(1))
    return None if made is None else made.reshape(out.shape)


def _convolved(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Tensor | None:
    (cells, _), (others, weights) = operand(tape, given), operand(tape, weight)
    if cells is None or others is not None or weights.ndim > 5:
        return None
    if bias is not None and tape.cells(bias) is not None:
        return None
    if weights.ndim == 5:  # over images with time as a last axis, which it leaves alone
        last = (weights.shape[4], stride[-1], padding[-1], dilation[-1])
        if last != (1, 1, 0, 1) or transposed or bias is not None:
            return None
        in_shape, out_shape = _image(given.shape[1:4]), _image(out.shape[1:4])
        rows = cells.movedim(4, 1).flatten(0, 1)
        whole = tuple(weights.shape[2:4]) == tuple(in_shape[1:]) and not any(padding)
        if whole and groups == 1 and tuple(out_shape[1:]) == (1, 1):
            full: Map = Dense(weights.reshape(len(weights), -1))
        else:
            full = conv(_kernel(weights[..., 0], stride, padding, dilation, groups), in_shape)
        made = _mapped(tape, rows, full, 0.0)
        return made.reshape(len(given), given.shape[4], *out_shape).movedim(1, 4)
    if weights.ndim == 3:
        weights = weights[:, :, None]
        stride, padding, dilation = [1, *stride], [0, *padding], [1, *dilation]
    in_shape, out_shape = _image(given.shape[1:]), _image(out.shape[1:])
    kernel = _kernel(weights, stride, padding, dilation, groups)
    linear: Map
    if transposed:
        forth = sparse(Conv(kernel, out_shape, in_shape))
        linear = Sparse(forth.pre, forth.post, forth.weights, forth.shape[::-1])
    else:
        linear = conv(kernel, in_shape)
    each = math.prod(out_shape[1:])
    numbers = 0.0 if bias is None else np.repeat(bias.detach().double().numpy(), each)
    return _mapped(tape, cells, linear, numbers).reshape(out.shape)


def _kernel(weights: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> RealConv:
    """Of images; further axes of the settings are left out."""
    return RealConv(
        weights=weights,
        stride=tuple(stride[:2]),
        padding=tuple(padding[:2]),
        dilation=tuple(dilation[:2]),
        groups=groups,
    )


def _image(shape: Any) -> tuple[int, int, int]:
    channels, *sizes = shape
    return (channels, 1, *sizes) if len(sizes) == 1 else (channels, *sizes)


def _pair(value: Any) -> tuple[int, int]:
    """(rows, columns) of a setting that is one integer or two."""
    given = [value] if isinstance(value, int) else list(value)
    return (given[0], given[-1])


def _averaged(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or given.ndim != 4:
        return None
    size, pad = _pair(kernel_size), _pair(padding)
    step = _pair(stride) if stride else size
    in_shape, out_shape = _image(given.shape[1:]), _image(out.shape[1:])
    divisor = divisor_override or size[0] * size[1]
    kernel = RealConv(
        weights=np.full((in_shape[0], 1, *size), 1.0 / divisor),
        stride=step,
        padding=pad,
        groups=in_shape[0],
    )
    linear: Map
    whole = kernel.output_shape(in_shape) == out_shape
    if whole and (count_include_pad or pad == (0, 0) or divisor_override):
        linear = conv(kernel, in_shape)
    else:
        pooling = functools.partial(
            nnf.avg_pool2d,
            kernel_size=size,
            stride=step,
            padding=pad,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            divisor_override=divisor_override,
        )
        linear = per_channel(pooling, in_shape, out_shape)
    return _mapped(tape, cells, linear, 0.0, is_synapses=False).reshape(out.shape)


def _adapted(tape: Tape, out: Tensor, given: Tensor, size: Any) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or given.ndim != 4:
        return None
    in_shape, out_shape = _image(given.shape[1:]), _image(out.shape[1:])
    if in_shape[1] % out_shape[1] == 0 and in_shape[2] % out_shape[2] == 0:
        window = [in_shape[1] // out_shape[1], in_shape[2] // out_shape[2]]
        return _averaged(tape, out, given, window)
    pooling = functools.partial(nnf.adaptive_avg_pool2d, output_size=out_shape[1:])
    linear = per_channel(pooling, in_shape, out_shape)
    return _mapped(tape, cells, linear, 0.0, is_synapses=False).reshape(out.shape)


def _maximal(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or given.ndim != 4:
        return None
    size, pad, apart = _pair(kernel_size), _pair(padding), _pair(dilation)
    step = _pair(stride) if stride else size
    in_shape, out_shape = _image(given.shape[1:]), _image(out.shape[1:])
    kernel = RealConv(
        weights=np.ones((in_shape[0], 1, *size)),
        stride=step,
        padding=pad,
        dilation=apart,
        groups=in_shape[0],
    )
    windows: Map
    if kernel.output_shape(in_shape) == out_shape:
        windows = conv(kernel, in_shape)
    elif apart == (1, 1):
        windows = per_channel(
            functools.partial(
                nnf.avg_pool2d,
                kernel_size=size,
                stride=step,
                padding=pad,
                ceil_mode=ceil_mode,
                divisor_override=1,
            ),
            in_shape,
            out_shape,
        )
    else:
        return None
    rows = cells.reshape(len(cells), -1).numpy().copy()
    made = tape.add(Largest, out.numel(), given=rows, windows=windows)
    return torch.from_numpy(made).reshape(out.shape)


SYNAPSES: dict[str, Handler] = {
    "mm": _product,
    "mv": _vector_product,
    "bmm": _products,
    "addmm": _affine,
    "convolution": _convolved,
    "avg_pool2d": _averaged,
    "_adaptive_avg_pool2d": _adapted,
    "max_pool2d_with_indices": _maximal,
}
"""By name of the operation."""


def per_channel(
    pooling: Callable[[torch.Tensor], torch.Tensor],
    in_shape: tuple[int, int, int],
    out_shape: tuple[int, int, int],
) -> Sparse:
    """A linear operation on each channel alone, found by what it does to each single pixel.

    Parameters
    ----------
    pooling : callable
        float64 ``(n, 1, H, W)`` to ``(n, 1, H', W')``.
    """
    channels, height, width = in_shape
    size, made = height * width, out_shape[1] * out_shape[2]
    check_size(size * size)
    basis = torch.eye(size, dtype=torch.float64).reshape(size, 1, height, width)
    matrix = pooling(basis).reshape(size, made).numpy().T
    post, pre = np.nonzero(matrix)
    step = np.arange(channels)[:, None]
    return Sparse(
        (step * made + post).reshape(-1),
        (step * size + pre).reshape(-1),
        np.tile(matrix[post, pre], channels),
        (channels * made, channels * size),
    )
