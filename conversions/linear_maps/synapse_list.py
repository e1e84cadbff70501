"""Lists of synapses: those of any linear map, and of two maps in a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from conversions.linear_maps.map_kinds import Conv, Sparse, check_size, n_pre
from conversions.real_network import RealConv, RealDense, RealSparse
from conversions.real_network.projections import LinearMap


class SynapseList(NamedTuple):
    """Flat indices and weights, each ``(n,)``; int64, int64, float64."""

    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray


def synapses(linear: LinearMap, shape: tuple[int, ...]) -> SynapseList:
    """List the synapses of a map, zeros of a dense or convolutional one included.

    Parameters
    ----------
    linear
        The map.
    shape
        Of its source; ``(C, H, W)`` for a convolution.

    Raises
    ------
    ShapeError
        If a convolution does not fit the shape.
    """
    if isinstance(linear, RealSparse):
        return SynapseList(
            linear.pre.astype(np.int64), linear.post.astype(np.int64), linear.weights
        )
    if isinstance(linear, RealDense):
        n_post, n_pre = linear.weights.shape
        post, pre = np.divmod(np.arange(n_post * n_pre), n_pre)
        return SynapseList(pre, post, linear.weights.ravel())
    return _of_convolution(linear, shape)


def _of_convolution(conv: RealConv, shape: tuple[int, ...]) -> SynapseList:
    made = conv.output_shape(shape)
    places = []
    for axis in (0, 1):  # for every output place and tap, the source place it looks at
        out = np.arange(made[1 + axis])[:, None] * conv.stride[axis]
        tap = np.arange(conv.weights.shape[2 + axis])[None, :] * conv.dilation[axis]
        places.append(out + tap - conv.padding[axis])
    rows, columns = places
    channels_out, channels_in = conv.weights.shape[:2]
    o, i, y, x, r, c = np.ix_(
        np.arange(channels_out),
        np.arange(channels_in),
        np.arange(made[1]),
        np.arange(made[2]),
        np.arange(conv.weights.shape[2]),
        np.arange(conv.weights.shape[3]),
    )
    row, column = rows[y, r], columns[x, c]
    channel = o // (channels_out // conv.groups) * channels_in + i
    pre = (channel * shape[1] + row) * shape[2] + column
    post = (o * made[1] + y) * made[2] + x
    weights = conv.weights[o, i, r, c]
    inside = (row >= 0) & (row < shape[1]) & (column >= 0) & (column < shape[2])
    full = np.broadcast_shapes(pre.shape, post.shape, weights.shape)
    chosen = np.broadcast_to(inside, full)
    return SynapseList(*(np.broadcast_to(part, full)[chosen] for part in (pre, post, weights)))


def meetings(second_pre: np.ndarray, first_post: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of synapses of two lists, of which the second begins where the first ends.

    Parameters
    ----------
    second_pre, first_post : int64, shape (n,) and (m,)
        Where the synapses of the second list begin, and where those of the first end.

    Returns
    -------
    places in the second list and in the first, in the order of the first
    """
    order = np.argsort(second_pre, kind="stable")
    starts = np.searchsorted(second_pre[order], first_post, side="left")
    counts = np.searchsorted(second_pre[order], first_post, side="right") - starts
    begin = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return order[begin + np.arange(begin.size)], np.repeat(np.arange(first_post.size), counts)


def listed(linear: Conv) -> Sparse:
    """A convolution's synapses, each with its place."""
    check_size(linear.n_post * linear.kernel.weights[0].size)
    pre, post, weights = synapses(linear.kernel, linear.in_shape)
    exists = weights != 0
    return Sparse(post[exists], pre[exists], weights[exists], (linear.n_post, n_pre(linear)))


def joined(outer: Sparse, inner: Sparse) -> Sparse:
    """Product of two lists of synapses."""
    check_size(int(np.bincount(inner.post, minlength=inner.n_post)[outer.pre].sum()))
    second, first = meetings(outer.pre, inner.post)
    return unique(
        outer.post[second],
        inner.pre[first],
        outer.weights[second] * inner.weights[first],
        (outer.n_post, inner.shape[1]),
    )


def unique(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, shape: tuple[int, int]
) -> Sparse:
    """Synapses of one pair added up."""
    keys = post.astype(np.int64) * shape[1] + pre
    pairs, place = np.unique(keys, return_inverse=True)
    added = np.bincount(place.reshape(-1), weights=weights, minlength=len(pairs))
    kept = added != 0
    return Sparse(pairs[kept] // shape[1], pairs[kept] % shape[1], added[kept], shape)
