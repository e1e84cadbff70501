"""Two linear maps in a row as one.

A convolution after a convolution stays one where that is exact, padding included; a dense
map stays dense; everything else becomes a list of synapses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from conversions.linear_maps.synapses import Synapses, synapses
from conversions.real_network import RealConv, RealDense, RealSparse
from conversions.real_network.projections import LinearMap
from hw_models import ShapeError


def compose(
    second: LinearMap, first: LinearMap, shape: tuple[int, ...], middle: tuple[int, ...]
) -> LinearMap:
    """The map ``second(first(x))``.

    Parameters
    ----------
    second, first
        Linear maps.
    shape
        Of the source of ``first``.
    middle
        Of what ``first`` makes and ``second`` takes.

    Returns
    -------
    RealConv, RealDense or RealSparse

    Raises
    ------
    ShapeError
        If a map does not fit its shape.

    Examples
    --------
    >>> halves = RealDense(weights=[[0.5, 0.5]])
    >>> compose(halves, RealDense(weights=[[2.0], [4.0]]), (1,), (2,)).weights.tolist()
    [[3.0]]
    """
    _check(second, middle)
    _check(first, shape)
    if isinstance(second, RealConv) and isinstance(first, RealConv):
        merged = _merged(second, first, shape)
        if merged is not None:
            return merged
    if isinstance(second, RealDense):
        if isinstance(first, RealDense):
            return RealDense(weights=second.weights @ first.weights)
        return _dense_after(second, synapses(first, shape), int(np.prod(shape)))
    if isinstance(first, RealDense):
        return _after_dense(synapses(second, middle), first, _size_made(second, middle))
    return _joined(synapses(second, middle), synapses(first, shape))


def scaled_outputs(linear: LinearMap, factors: Any, shape: tuple[int, ...]) -> LinearMap:
    """The map with every output multiplied by its factor.

    Parameters
    ----------
    linear
        The map.
    factors : real, one or one per output (flat)
    shape
        Of the source.
    """
    flat = np.asarray(factors, dtype=np.float64).reshape(-1)
    if isinstance(linear, RealDense):
        return RealDense(weights=linear.weights * flat[:, None])
    if isinstance(linear, RealConv):
        made = linear.output_shape(shape)
        by_channel = np.broadcast_to(flat, (int(np.prod(made)),)).reshape(made[0], -1)
        if (by_channel == by_channel[:, :1]).all():
            weights = linear.weights * by_channel[:, 0].reshape(-1, 1, 1, 1)
            return RealConv(**{**_settings(linear), "weights": weights})
    pre, post, weights = synapses(linear, shape)
    factor = flat[post] if flat.size > 1 else flat
    return RealSparse(pre=pre, post=post, weights=weights * factor)


def _check(linear: LinearMap, shape: tuple[int, ...]) -> None:
    if isinstance(linear, RealConv):
        linear.output_shape(shape)
    elif isinstance(linear, RealDense) and linear.weights.shape[1] != np.prod(shape):
        raise ShapeError(f"compose: weights {linear.weights.shape} after shape {shape}")


def _settings(conv: RealConv) -> dict[str, Any]:
    names = ("weights", "stride", "padding", "dilation", "groups")
    return {name: getattr(conv, name) for name in names}


def _size_made(linear: LinearMap, shape: tuple[int, ...]) -> int | None:
    return int(np.prod(linear.output_shape(shape))) if isinstance(linear, RealConv) else None


def _dense_after(second: RealDense, first: Synapses, n_pre: int) -> RealDense:
    weights = np.zeros((n_pre, second.weights.shape[0]))
    by_middle = np.ascontiguousarray(second.weights.T)
    np.add.at(weights, first.pre, by_middle[first.post] * first.weights[:, None])
    return RealDense(weights=weights.T)


def _after_dense(second: Synapses, first: RealDense, n_post: int | None) -> RealDense:
    size = int(second.post.max(initial=-1)) + 1 if n_post is None else n_post
    weights = np.zeros((size, first.weights.shape[1]))
    np.add.at(weights, second.post, first.weights[second.pre] * second.weights[:, None])
    return RealDense(weights=weights)


def _joined(second: Synapses, first: Synapses) -> RealSparse:
    """Every pair of synapses that meet, those of one pair of ends added up."""
    order = np.argsort(second.pre, kind="stable")
    starts = np.searchsorted(second.pre[order], first.post, side="left")
    counts = np.searchsorted(second.pre[order], first.post, side="right") - starts
    begin = np.repeat(starts - np.r_[0, np.cumsum(counts)[:-1]], counts)
    partner = order[begin + np.arange(begin.size)]
    pre = np.repeat(first.pre, counts)
    weights = np.repeat(first.weights, counts) * second.weights[partner]
    ends, place = np.unique(pre << 32 | second.post[partner], return_inverse=True)
    summed = np.bincount(place.reshape(-1), weights, minlength=ends.size)
    return RealSparse(pre=ends >> 32, post=ends & (2**32 - 1), weights=summed)


def _merged(second: RealConv, first: RealConv, shape: tuple[int, ...]) -> RealConv | None:
    """One convolution for two, or None where their padding or groups stand in the way."""
    depthwise = first.weights.shape[1] == 1 and first.groups == first.weights.shape[0]
    if not (depthwise or (first.groups == 1 and second.groups == 1)):
        return None
    padding = []
    for axis in (0, 1):
        extent = first.dilation[axis] * (first.weights.shape[2 + axis] - 1) + 1
        step, pad, inner = first.stride[axis], first.padding[axis], second.padding[axis]
        # the zeros that the second one pads with must be what the first one would have made
        alike = pad == 0 and extent <= step and shape[1 + axis] % step == 0
        if inner and not alike:
            return None
        padding.append(pad + inner * step)
    taps = _placed(
        second.weights, (second.dilation[0] * first.stride[0], second.dilation[1] * first.stride[1])
    )
    inner_taps = _placed(first.weights, first.dilation)
    rows, columns = (taps.shape[2 + a] + inner_taps.shape[2 + a] - 1 for a in (0, 1))
    if max(rows, columns) > 127 or max(padding) > 127:
        return None
    channels_in = taps.shape[1] if depthwise else inner_taps.shape[1]
    weights = np.zeros((taps.shape[0], channels_in, rows, columns))
    for row, column in np.argwhere(np.any(taps != 0, axis=(0, 1))):
        tap = taps[:, :, row, column]
        if depthwise:
            channel = _source_channels(second)
            part = tap[:, :, None, None] * inner_taps[channel, 0]
        else:
            part = np.einsum("om,mirc->oirc", tap, inner_taps)
        place = np.s_[:, :, row : row + inner_taps.shape[2], column : column + inner_taps.shape[3]]
        weights[place] += part
    stride = (second.stride[0] * first.stride[0], second.stride[1] * first.stride[1])
    if max(stride) > 127:
        return None
    return RealConv(weights=weights, stride=stride, padding=tuple(padding), groups=second.groups)


def _source_channels(conv: RealConv) -> np.ndarray:
    """Source channel of every entry of the weights' first two axes."""
    channels_out, channels_in = conv.weights.shape[:2]
    group = np.arange(channels_out) // (channels_out // conv.groups)
    return group[:, None] * channels_in + np.arange(channels_in)


def _placed(weights: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    """Weights with the gaps of their dilation filled with zeros."""
    rows, columns = (d * (n - 1) + 1 for d, n in zip(dilation, weights.shape[2:], strict=True))
    full = np.zeros((*weights.shape[:2], rows, columns))
    full[:, :, :: dilation[0], :: dilation[1]] = weights
    return full
