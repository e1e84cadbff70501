"""Linear maps between flattened populations, and how two of them make one.

Everything is exact up to float64. A convolution stays one for as long as it can: composed
with pooling, with another convolution where the borders allow it, scaled by channel.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from conversions.linear_maps.convolutions import convolved_back, fused
from conversions.linear_maps.map_kinds import (
    Conv,
    Dense,
    Identity,
    Map,
    Sparse,
    check_size,
    n_pre,
)
from conversions.linear_maps.synapse_list import joined, listed, unique
from conversions.real_network import RealConv, RealDense, RealSparse
from conversions.real_network.delivery import delivered
from conversions.real_network.projections import LinearMap

DENSE_SHARE = 0.25
"""Share of synapses that exist from which on they are kept as a matrix."""


def apply(linear: Map, given: np.ndarray) -> np.ndarray:
    """The map of float64 vectors ``(B, n_pre)``, float64 ``(B, n_post)``."""
    if isinstance(linear, Identity):
        return given
    if isinstance(linear, Dense):
        return given @ linear.weights.T
    if isinstance(linear, Sparse):
        made = np.zeros((len(given), linear.n_post))
        for row, vector in zip(made, given, strict=True):
            row += np.bincount(
                linear.post, weights=linear.weights * vector[linear.pre], minlength=linear.n_post
            )
        return made
    return delivered(linear.kernel, given, linear.in_shape, linear.n_post)


def scaled(linear: Map, factor: float | np.ndarray) -> Map:
    """Rows times a factor, one number or ``(n_post,)``."""
    factors = np.asarray(factor, dtype=np.float64)
    if factors.size and (factors == factors.flat[0]).all():
        factors = factors.reshape(-1)[:1].reshape(())
        if factors == 1.0:
            return linear
    if isinstance(linear, Dense):
        return Dense(linear.weights * (factors if factors.ndim == 0 else factors[:, None]))
    if isinstance(linear, Conv):
        if factors.ndim == 0:
            return _with_weights(linear, linear.kernel.weights * factors)
        by_channel = factors.reshape(linear.out_shape[0], -1)
        if (by_channel == by_channel[:, :1]).all():
            channels = by_channel[:, 0].reshape(-1, 1, 1, 1)
            return _with_weights(linear, linear.kernel.weights * channels)
    known = sparse(linear)
    return replace(
        known, weights=known.weights * (factors if factors.ndim == 0 else factors[known.post])
    )


def rows(linear: Map, index: np.ndarray) -> Map:
    """The rows of that index, in its order; a row may be taken more than once."""
    if len(index) == linear.n_post and (index == np.arange(len(index))).all():
        return linear
    if isinstance(linear, Identity):
        return Sparse(np.arange(len(index)), index, np.ones(len(index)), (len(index), linear.size))
    if isinstance(linear, Dense):
        check_size(len(index) * n_pre(linear))
        return Dense(linear.weights[index])
    chosen = Sparse(np.arange(len(index)), index, np.ones(len(index)), (len(index), linear.n_post))
    return joined(chosen, sparse(linear))


def placed(linear: Map, index: np.ndarray, n_post: int) -> Map:
    """The map with its rows at these places among ``n_post``, the others empty."""
    if len(index) == n_post and (index == np.arange(n_post)).all():
        return linear
    known = sparse(linear)
    return Sparse(index[known.post], known.pre, known.weights, (n_post, known.shape[1]))


def totals(linear: Map, size: int) -> Map:
    """Sum of each ``size`` consecutive rows."""
    n_post = linear.n_post // size
    every = np.arange(linear.n_post)
    return composed(Sparse(every // size, every, np.ones(len(every)), (n_post, len(every))), linear)


def composed(outer: Map, inner: Map) -> Map:
    """``outer`` of what ``inner`` makes, as one map."""
    if isinstance(inner, Identity):
        return outer
    if isinstance(outer, Identity):
        return inner
    if isinstance(outer, Conv) and isinstance(inner, Conv):
        both = fused(outer.kernel, inner.kernel, inner.in_shape)
        if both is not None:
            return Conv(both, inner.in_shape, outer.out_shape)
    if isinstance(outer, Dense):
        if isinstance(inner, Dense):
            return Dense(outer.weights @ inner.weights)
        check_size(outer.n_post * n_pre(inner))
        if isinstance(inner, Conv):
            return Dense(convolved_back(outer.weights, inner.kernel, inner.in_shape))
        made = np.zeros((n_pre(inner), outer.n_post))
        np.add.at(made, inner.pre, (outer.weights[:, inner.post] * inner.weights).T)
        return Dense(np.ascontiguousarray(made.T))
    if isinstance(inner, Dense):
        check_size(outer.n_post * n_pre(inner))
        columns = np.ascontiguousarray(inner.weights.T)
        return Dense(np.ascontiguousarray(apply(outer, columns).T))
    return joined(sparse(outer), sparse(inner))


def summed(one: Map, other: Map) -> Map | None:
    """Both maps as one of the same kind; None if they are better kept apart."""
    if isinstance(one, Dense) and isinstance(other, Dense):
        return Dense(one.weights + other.weights)
    if isinstance(one, Conv) and isinstance(other, Conv):
        if one.kernel.weights.shape == other.kernel.weights.shape and all(
            getattr(one.kernel, name) == getattr(other.kernel, name)
            for name in ("stride", "padding", "dilation", "groups")
        ):
            return _with_weights(one, one.kernel.weights + other.kernel.weights)
        return None
    if isinstance(one, Conv) or isinstance(other, Conv):
        return None
    first, second = sparse(one), sparse(other)
    return unique(
        np.concatenate([first.post, second.post]),
        np.concatenate([first.pre, second.pre]),
        np.concatenate([first.weights, second.weights]),
        first.shape,
    )


def sparse(linear: Map) -> Sparse:
    """The same map as a list of synapses."""
    if isinstance(linear, Sparse):
        return linear
    if isinstance(linear, Identity):
        every = np.arange(linear.size)
        return Sparse(every, every, np.ones(linear.size), (linear.size, linear.size))
    if isinstance(linear, Dense):
        post, pre = np.nonzero(linear.weights)
        return Sparse(post, pre, linear.weights[post, pre], linear.weights.shape)
    return listed(linear)


def real(
    linear: Map, pre_shape: tuple[int, ...], post_shape: tuple[int, ...], *, as_list: bool = False
) -> LinearMap:
    """As the record of a projection between populations of these shapes.

    ``as_list`` keeps a list of synapses one, in its order.
    """
    if as_list:
        kept = sparse(linear)
        return RealSparse(pre=kept.pre, post=kept.post, weights=kept.weights)
    if isinstance(linear, Conv):
        if (linear.in_shape, linear.out_shape) == (pre_shape, post_shape):
            return linear.kernel
    elif isinstance(linear, Identity) and len(pre_shape) == 3 and pre_shape == post_shape:
        return RealConv(weights=np.ones((pre_shape[0], 1, 1, 1)), groups=pre_shape[0])
    if isinstance(linear, Dense):
        return RealDense(weights=linear.weights)
    found = sparse(linear)
    if len(found.weights) < DENSE_SHARE * math.prod(found.shape):
        order = np.lexsort((found.pre, found.post))
        return RealSparse(
            pre=found.pre[order], post=found.post[order], weights=found.weights[order]
        )
    weights = np.zeros(found.shape)
    np.add.at(weights, (found.post, found.pre), found.weights)
    return RealDense(weights=weights)


def _with_weights(linear: Conv, weights: np.ndarray) -> Conv:
    return replace(linear, kernel=replace(linear.kernel, weights=weights))
