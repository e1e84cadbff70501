"""Two linear maps in a row as one.

A convolution after a convolution stays one where that is exact, padding included; a dense
map stays dense; everything else becomes a list of synapses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from conversions.linear_maps.convolutions import fused
from conversions.linear_maps.synapses import Synapses, meetings, synapses
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
        both = fused(second, first, shape)
        if both is not None:
            return both
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
    size = int(second.post.max(initial=0)) + 1 if n_post is None else n_post
    weights = np.zeros((size, first.weights.shape[1]))
    np.add.at(weights, second.post, first.weights[second.pre] * second.weights[:, None])
    return RealDense(weights=weights)


def _joined(second: Synapses, first: Synapses) -> RealSparse:
    """Every pair of synapses that meet, those of one pair of ends added up."""
    outer, inner = meetings(second.pre, first.post)
    weights = first.weights[inner] * second.weights[outer]
    ends, place = np.unique(first.pre[inner] << 32 | second.post[outer], return_inverse=True)
    summed = np.bincount(place.reshape(-1), weights, minlength=ends.size)
    return RealSparse(pre=ends >> 32, post=ends & (2**32 - 1), weights=summed)
