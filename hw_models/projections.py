"""Projections: synapses from one population to another, weights as integer mantissas.

Every projection delivers one step late, as Lava's connections do: a spike of step ``t``
reaches its target in step ``t + 1``, or ``t + 1 + delay``. What arrives is
``floor(sum of weights * 2**weight_exponent)``, with one floor for all the spikes of a
step that share a delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.errors import NameClashError, RangeError, ShapeError, TypeMismatchError
from hw_models.integers import integer, integer_array, name_of, pair_of
from hw_models.plasticity import DaSsdpParams

WEIGHT_LOW, WEIGHT_HIGH = -256, 255
MAX_DELAY = 63
CONV_SUM_LIMIT = 2**23  # beyond it Lava's Conv would wrap the sum of a step


def _names(record: Any) -> None:
    put = object.__setattr__
    kind = type(record).__name__
    put(record, "source", name_of(f"{kind}.source", record.source))
    put(record, "target", name_of(f"{kind}.target", record.target))
    default = f"{record.source}->{record.target}"
    put(record, "name", name_of(f"{kind}.name", record.name or default))
    where = f"{record.name}.weight_exponent"
    put(record, "weight_exponent", integer(where, record.weight_exponent, -8, 7))


def _weights(record: Any, n_axes: int) -> None:
    where = f"{record.name}.weights"
    weights = integer_array(where, record.weights, WEIGHT_LOW, WEIGHT_HIGH, np.int16)
    if weights.ndim != n_axes or 0 in weights.shape:
        raise ShapeError(f"{where}: shape {weights.shape}; {n_axes} non-empty axes are needed")
    object.__setattr__(record, "weights", weights)


def _plasticity(record: Any) -> None:
    if record.plasticity is not None and not isinstance(record.plasticity, DaSsdpParams):
        raise TypeMismatchError(
            f"{record.name}.plasticity: {record.plasticity!r}; DaSsdpParams or None is needed"
        )
    if record.plasticity is not None:
        low, high = record.plasticity.weight_low, record.plasticity.weight_high
        integer_array(f"{record.name}.weights", record.weights, low, high, np.int16)


def convolved_shape(convolution: Any, where: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Shape ``(C, H, W)`` that a convolution, in integers or real numbers, makes of a source's.

    Raises
    ------
    ShapeError
        If the source is not three-dimensional or its channels do not fit; begins with ``where``.
    """
    channels_out, channels_in = convolution.weights.shape[:2]
    if len(shape) != 3 or shape[0] != channels_in * convolution.groups:
        raise ShapeError(
            f"{where}: source shape {shape}; ({channels_in * convolution.groups}, H, W) is needed"
        )
    rows, columns = (
        (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
        for size, pad, dilation, kernel, stride in zip(
            shape[1:],
            convolution.padding,
            convolution.dilation,
            convolution.weights.shape[2:],
            convolution.stride,
            strict=True,
        )
    )
    if rows < 1 or columns < 1:
        raise ShapeError(f"{where}: the kernel is larger than the source shape {shape}")
    return channels_out, rows, columns


@dataclass(frozen=True, kw_only=True, eq=False)
class DenseProjection:
    """All-to-all synapses.

    Parameters
    ----------
    source, target
        Names of populations.
    weights
        Mantissas, shape ``(n_post, n_pre)``, -256..255.
    weight_exponent
        -8..7.
    delays
        Extra steps per synapse, same shape, 0..63; None for none.
    plasticity
        Rule that changes these weights on the chip; None if they are fixed. Only
        without delays, with ``weight_exponent >= 0`` and weights inside its range.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    weights: Any
    weight_exponent: int = 0
    delays: Any = None
    plasticity: DaSsdpParams | None = None
    name: str = ""

    def __post_init__(self) -> None:
        _names(self)
        _weights(self, 2)
        _plasticity(self)
        if self.delays is not None:
            where = f"{self.name}.delays"
            delays = integer_array(where, self.delays, 0, MAX_DELAY, np.int16)
            if delays.shape != self.weights.shape:
                raise ShapeError(
                    f"{where}: shape {delays.shape}; weights have {self.weights.shape}"
                )
            object.__setattr__(self, "delays", delays)
        if self.plasticity is not None and (self.delays is not None or self.weight_exponent < 0):
            raise RangeError(
                f"{self.name}.plasticity: not together with delays or a negative weight_exponent"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseProjection:
    """Listed synapses; kept sorted by source, then target.

    Parameters
    ----------
    source, target
        Names of populations.
    pre, post
        Flat neuron indices of each synapse, shape ``(n_synapses,)``; a pair at most once.
    weights
        Mantissas, shape ``(n_synapses,)``, -256..255.
    weight_exponent
        -8..7.
    delays
        Extra steps per synapse, same shape, 0..63; None for none.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    pre: Any
    post: Any
    weights: Any
    weight_exponent: int = 0
    delays: Any = None
    name: str = ""

    def __post_init__(self) -> None:
        _names(self)
        put = object.__setattr__
        limits = {
            "pre": (0, 2**31 - 1, np.int32),
            "post": (0, 2**31 - 1, np.int32),
            "weights": (WEIGHT_LOW, WEIGHT_HIGH, np.int16),
            "delays": (0, MAX_DELAY, np.int16),
        }
        columns = {}
        for field, (low, high, dtype) in limits.items():
            if field != "delays" or self.delays is not None:
                where = f"{self.name}.{field}"
                columns[field] = integer_array(where, getattr(self, field), low, high, dtype)
        shapes = {field: column.shape for field, column in columns.items()}
        if len(set(shapes.values())) != 1 or columns["pre"].ndim != 1:
            raise ShapeError(f"{self.name}: shapes {shapes}; equal one-axis shapes are needed")
        key = columns["pre"].astype(np.int64) << 32 | columns["post"]
        order = np.argsort(key, kind="stable")
        twice = np.flatnonzero(np.diff(key[order]) == 0)
        if twice.size:
            first = order[twice[0]]
            pair = (int(columns["pre"][first]), int(columns["post"][first]))
            raise RangeError(f"{self.name}: synapse (pre, post) = {pair} is listed twice")
        for field, column in columns.items():
            ordered = np.ascontiguousarray(column[order])
            ordered.flags.writeable = False
            put(self, field, ordered)


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvProjection:
    """2-D convolution as PyTorch has it (cross-correlation), between ``(C, H, W)`` shapes.

    Parameters
    ----------
    source, target
        Names of populations with shapes ``(channels, height, width)``.
    weights
        Mantissas, shape ``(channels_out, channels_in // groups, rows, columns)``, -256..255.
    stride, padding, dilation
        One integer or (rows, columns).
    groups
        As in PyTorch.
    weight_exponent
        -8..7.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    weights: Any
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1
    weight_exponent: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        _names(self)
        _weights(self, 4)
        put = object.__setattr__
        for field, low in (("stride", 1), ("padding", 0), ("dilation", 1)):
            where = f"{self.name}.{field}"
            put(self, field, pair_of(where, getattr(self, field), low, 127))
        put(self, "groups", integer(f"{self.name}.groups", self.groups, 1, 2**15))
        if self.weights.shape[0] % self.groups:
            raise ShapeError(
                f"{self.name}.groups: {self.groups} does not divide"
                f" {self.weights.shape[0]} output channels"
            )
        sums = np.abs(self.weights.astype(np.int64)).sum(axis=(1, 2, 3))
        if int(sums.max()) << max(self.weight_exponent, 0) >= CONV_SUM_LIMIT:
            raise RangeError(
                f"{self.name}.weights: output channel {int(sums.argmax())} can sum to"
                f" {int(sums.max()) << max(self.weight_exponent, 0)}; allowed below 2**23"
            )

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` that this convolution makes of a source's shape.

        Raises
        ------
        ShapeError
            If the source is not three-dimensional or its channels do not fit.
        """
        return convolved_shape(self, self.name, shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class PoolProjection:
    """Sum pooling: every channel by itself, one weight for all synapses.

    Parameters
    ----------
    source, target
        Names of populations with shapes ``(channels, height, width)``.
    kernel_size, stride, padding
        One integer or (rows, columns); the stride is the kernel size if not given.
    weight
        Mantissa, -256..255. Average pooling is a matter of weight and exponent.
    weight_exponent
        -8..7.
    name
        Unique in the network; ``source->target`` if not given.
    """

    source: str
    target: str
    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    weight: int = 1
    weight_exponent: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        _names(self)
        put = object.__setattr__
        if self.stride is None:
            put(self, "stride", self.kernel_size)
        for field, low in (("kernel_size", 1), ("stride", 1), ("padding", 0)):
            where = f"{self.name}.{field}"
            put(self, field, pair_of(where, getattr(self, field), low, 127))
        where = f"{self.name}.weight"
        put(self, "weight", integer(where, self.weight, WEIGHT_LOW, WEIGHT_HIGH))

    def as_convolution(self, n_channels: int) -> ConvProjection:
        """The same synapses as a depthwise convolution."""
        return ConvProjection(
            source=self.source,
            target=self.target,
            weights=np.full((n_channels, 1, *self.kernel_size), self.weight, dtype=np.int16),
            stride=self.stride,
            padding=self.padding,
            groups=n_channels,
            weight_exponent=self.weight_exponent,
            name=self.name,
        )

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` that this pooling makes of a source's shape."""
        if len(shape) != 3:
            raise ShapeError(f"{self.name}: source shape {shape}; (C, H, W) is needed")
        return self.as_convolution(shape[0]).output_shape(shape)


Projection = DenseProjection | SparseProjection | ConvProjection | PoolProjection


def check_ends(projection: Projection, source: Any, target: Any) -> None:
    """Raise if a projection does not fit the populations at its ends.

    Raises
    ------
    ShapeError, RangeError, NameClashError
    """
    if not hasattr(target, "threshold"):
        raise NameClashError(f"{projection.name}: target {target.name!r} is an input population")
    if isinstance(projection, DenseProjection):
        needed = (target.n_neurons, source.n_neurons)
        if projection.weights.shape != needed:
            raise ShapeError(
                f"{projection.name}.weights: shape {projection.weights.shape};"
                f" {needed} = (n_post, n_pre) is needed"
            )
    elif isinstance(projection, SparseProjection):
        for field, size in (("pre", source.n_neurons), ("post", target.n_neurons)):
            column = getattr(projection, field)
            if column.size and int(column.max()) >= size:
                index = int(column.argmax())
                raise RangeError(
                    f"{projection.name}.{field}: value {int(column[index])} at index ({index},);"
                    f" allowed 0..{size - 1}"
                )
    else:
        made = projection.output_shape(source.shape)
        if made != target.shape:
            raise ShapeError(
                f"{projection.name}: makes shape {made} of {source.shape};"
                f" target {target.name!r} has {target.shape}"
            )
