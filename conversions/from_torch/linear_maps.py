"""Linear maps between flattened populations, and how two of them make one.

Everything is exact up to float64. A convolution stays one for as long as it can: composed
with pooling, with another convolution where the borders allow it, scaled by channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as nnf
from torch.nn.grad import conv2d_input

from conversions.real_network import RealConv, RealDense, RealSparse
from conversions.real_network.projections import LinearMap
from hw_models import ConversionError

ENTRY_LIMIT = 2**25
"""Most synapses of a map that is not a convolution; 256 MiB of float64."""

DENSE_SHARE = 0.25
"""Share of synapses that exist from which on they are kept as a matrix."""


@dataclass(frozen=True, eq=False)
class Identity:
    """Each of ``size`` neurons to its counterpart."""

    size: int

    @property
    def n_post(self) -> int:
        """Rows."""
        return self.size


@dataclass(frozen=True, eq=False)
class Dense:
    """float64 ``(n_post, n_pre)``."""

    weights: np.ndarray

    @property
    def n_post(self) -> int:
        """Rows."""
        return len(self.weights)


@dataclass(frozen=True, eq=False)
class Sparse:
    """Listed synapses, each pair once; ``shape`` is ``(n_post, n_pre)``."""

    post: np.ndarray
    pre: np.ndarray
    weights: np.ndarray
    shape: tuple[int, int]

    @property
    def n_post(self) -> int:
        """Rows."""
        return self.shape[0]


@dataclass(frozen=True, eq=False)
class Conv:
    """A :class:`RealConv` from ``in_shape`` to ``out_shape``, each ``(C, H, W)``."""

    kernel: RealConv
    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]

    @property
    def n_post(self) -> int:
        """Rows."""
        return math.prod(self.out_shape)


Map = Identity | Dense | Sparse | Conv


def conv(kernel: RealConv, in_shape: tuple[int, ...]) -> Conv:
    """A convolution of an image of that shape."""
    channels, rows, columns = in_shape
    return Conv(kernel, (channels, rows, columns), kernel.output_shape(in_shape))


def n_pre(linear: Map) -> int:
    """Columns of a map."""
    if isinstance(linear, Identity):
        return linear.size
    if isinstance(linear, Dense):
        return int(linear.weights.shape[1])
    if isinstance(linear, Sparse):
        return linear.shape[1]
    return math.prod(linear.in_shape)


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
    images = torch.from_numpy(np.ascontiguousarray(given)).reshape(-1, *linear.in_shape)
    return _convolve(linear.kernel, images).flatten(1).numpy()


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
    listed = sparse(linear)
    return replace(
        listed, weights=listed.weights * (factors if factors.ndim == 0 else factors[listed.post])
    )


def rows(linear: Map, index: np.ndarray) -> Map:
    """The rows of that index, in its order; a row may be taken more than once."""
    if len(index) == linear.n_post and (index == np.arange(len(index))).all():
        return linear
    if isinstance(linear, Identity):
        return Sparse(np.arange(len(index)), index, np.ones(len(index)), (len(index), linear.size))
    if isinstance(linear, Dense):
        _check_size(len(index) * n_pre(linear))
        return Dense(linear.weights[index])
    chosen = Sparse(np.arange(len(index)), index, np.ones(len(index)), (len(index), linear.n_post))
    return _joined(chosen, sparse(linear))


def placed(linear: Map, index: np.ndarray, n_post: int) -> Map:
    """The map with its rows at these places among ``n_post``, the others empty."""
    if len(index) == n_post and (index == np.arange(n_post)).all():
        return linear
    listed = sparse(linear)
    return Sparse(index[listed.post], listed.pre, listed.weights, (n_post, listed.shape[1]))


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
        both = _one_convolution(outer, inner)
        if both is not None:
            return both
    if isinstance(outer, Dense):
        if isinstance(inner, Dense):
            return Dense(outer.weights @ inner.weights)
        _check_size(outer.n_post * n_pre(inner))
        if isinstance(inner, Conv):
            return Dense(_convolved_back(outer.weights, inner))
        made = np.zeros((n_pre(inner), outer.n_post))
        np.add.at(made, inner.pre, (outer.weights[:, inner.post] * inner.weights).T)
        return Dense(np.ascontiguousarray(made.T))
    if isinstance(inner, Dense):
        _check_size(outer.n_post * n_pre(inner))
        columns = np.ascontiguousarray(inner.weights.T)
        return Dense(np.ascontiguousarray(apply(outer, columns).T))
    return _joined(sparse(outer), sparse(inner))


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
    return _unique(
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
    return _listed(linear)


def per_channel(
    pooling: object, in_shape: tuple[int, int, int], out_shape: tuple[int, int, int]
) -> Sparse:
    """A linear operation on each channel alone, found by what it does to each single pixel.

    Parameters
    ----------
    pooling : callable
        float64 ``(n, 1, H, W)`` to ``(n, 1, H', W')``.
    """
    assert callable(pooling)
    channels, height, width = in_shape
    size, made = height * width, out_shape[1] * out_shape[2]
    _check_size(size * size)
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


def real(
    linear: Map, pre_shape: tuple[int, ...], post_shape: tuple[int, ...], *, listed: bool = False
) -> LinearMap:
    """As the record of a projection between populations of these shapes.

    ``listed`` keeps a list of synapses one, in its order.
    """
    if listed:
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


def _convolve(kernel: RealConv, images: torch.Tensor) -> torch.Tensor:
    return nnf.conv2d(
        images,
        torch.tensor(kernel.weights),
        stride=kernel.stride,
        padding=kernel.padding,
        dilation=kernel.dilation,
        groups=kernel.groups,
    )


def _convolved_back(weights: np.ndarray, linear: Conv) -> np.ndarray:
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


def _one_convolution(outer: Conv, inner: Conv) -> Conv | None:
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
    weights = _one_kernel(first, second)
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


def _one_kernel(first: RealConv, second: RealConv) -> np.ndarray:
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


def _listed(linear: Conv) -> Sparse:
    """A convolution's synapses, each with its place."""
    kernel = linear.kernel
    channels_out, channels_in, n_rows, n_columns = kernel.weights.shape
    height, width = linear.out_shape[1:]
    _check_size(linear.n_post * channels_in * n_rows * n_columns)
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


def _joined(outer: Sparse, inner: Sparse) -> Sparse:
    """Product of two lists of synapses."""
    order = np.argsort(inner.post, kind="stable")
    counts = np.bincount(inner.post, minlength=inner.n_post)
    starts = np.concatenate([[0], np.cumsum(counts)])
    repeats = counts[outer.pre]
    total = int(repeats.sum())
    _check_size(total)
    first = np.repeat(np.arange(len(outer.post)), repeats)
    within = np.arange(total) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    second = order[starts[outer.pre][first] + within]
    return _unique(
        outer.post[first],
        inner.pre[second],
        outer.weights[first] * inner.weights[second],
        (outer.n_post, inner.shape[1]),
    )


def _unique(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, shape: tuple[int, int]
) -> Sparse:
    """Synapses of one pair added up."""
    keys = post.astype(np.int64) * shape[1] + pre
    pairs, place = np.unique(keys, return_inverse=True)
    added = np.bincount(place.reshape(-1), weights=weights, minlength=len(pairs))
    kept = added != 0
    return Sparse(pairs[kept] // shape[1], pairs[kept] % shape[1], added[kept], shape)


def _check_size(entries: int) -> None:
    if entries > ENTRY_LIMIT:
        raise ConversionError(
            f"a chain of layers between two populations is a map of {entries} synapses that is"
            f" not a convolution; supported are up to {ENTRY_LIMIT}"
        )
