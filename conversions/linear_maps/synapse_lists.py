"""Lists of synapses: those of a convolution, and of two maps in a row."""

from __future__ import annotations

import numpy as np

from conversions.linear_maps import meetings, synapses
from conversions.linear_maps.kinds import Conv, Sparse, check_size, n_pre


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
