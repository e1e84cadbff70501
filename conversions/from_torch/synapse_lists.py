"""Lists of synapses: those of a convolution, and of two maps in a row."""

from __future__ import annotations

import numpy as np

from conversions.from_torch.map_kinds import Conv, Sparse, check_size, n_pre


def listed(linear: Conv) -> Sparse:
    """A convolution's synapses, each with its place."""
    kernel = linear.kernel
    channels_out, channels_in, n_rows, n_columns = kernel.weights.shape
    height, width = linear.out_shape[1:]
    check_size(linear.n_post * channels_in * n_rows * n_columns)
    out, inside, i, j, y, x = np.ogrid[
        :channels_out, :channels_in, :n_rows, :n_columns, :height, :width
    ]
    row = y * kernel.stride[0] - kernel.padding[0] + i * kernel.dilation[0]
    column = x * kernel.stride[1] - kernel.padding[1] + j * kernel.dilation[1]
    channel = inside + out // (channels_out // kernel.groups) * channels_in
    weights = kernel.weights[:, :, :, :, None, None]
    exists = (
        (row >= 0)
        & (row < linear.in_shape[1])
        & (column >= 0)
        & (column < linear.in_shape[2])
        & (weights != 0)
    )
    post = (out * height + y) * width + x
    pre = (channel * linear.in_shape[1] + row) * linear.in_shape[2] + column
    post, pre, weights = (np.broadcast_to(a, exists.shape)[exists] for a in (post, pre, weights))
    return Sparse(post, pre, weights, (linear.n_post, n_pre(linear)))


def joined(outer: Sparse, inner: Sparse) -> Sparse:
    """Product of two lists of synapses."""
    order = np.argsort(inner.post, kind="stable")
    counts = np.bincount(inner.post, minlength=inner.n_post)
    starts = np.concatenate([[0], np.cumsum(counts)])
    repeats = counts[outer.pre]
    total = int(repeats.sum())
    check_size(total)
    first = np.repeat(np.arange(len(outer.post)), repeats)
    within = np.arange(total) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    second = order[starts[outer.pre][first] + within]
    return unique(
        outer.post[first],
        inner.pre[second],
        outer.weights[first] * inner.weights[second],
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
