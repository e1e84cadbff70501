"""NIR's linear nodes: what each makes of the signal that reaches it.

By them chains, sums and branches of Linear, Affine, Conv1d, Conv2d, SumPool2d, AvgPool2d,
Flatten, Scale and Delay become synapses between populations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conversions.linear_maps.algebra import apply, composed, scaled
from conversions.linear_maps.convolutions import pooling
from conversions.linear_maps.map_kinds import Dense, Map, Sparse, conv
from conversions.nir.graph_records import RELAY, NirNode, integers, reals
from conversions.real_network import RealConv
from hw_models import ConversionError, SsdpError

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class SignalTerm:
    """One population's share of a signal: a map of its spikes, ``latency`` steps ago."""

    source: str
    source_shape: Shape
    map: Map
    latency: int = 0

    def then(self, linear: Map) -> SignalTerm:
        """What a further map makes of it."""
        return replace(self, map=composed(linear, self.map))


@dataclass(frozen=True, eq=False)
class Signal:
    """What arrives at a node: terms, and a constant (flat, ``(n,)``)."""

    shape: Shape
    terms: tuple[SignalTerm, ...]
    constant: np.ndarray

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class NodeContext:
    """What a linear node needs to know besides the signal."""

    dt: float | None
    notes: list[str]


def linear_signal(path: str, node: NirNode, signal: Signal, chain: NodeContext) -> Signal:
    """The signal behind a linear node.

    Raises
    ------
    ConversionError
        If the node does not fit the signal or has a setting that cannot be expressed.
    """
    try:
        return _LINEAR[node.kind](path, node, signal, chain)
    except ConversionError:
        raise
    except SsdpError as error:
        raise ConversionError(f"{path} ({node.kind}): {error}") from None


def _mapped(signal: Signal, linear: Map, shape: Shape, bias: Any = 0.0) -> Signal:
    constant = apply(linear, signal.constant[None])[0]
    terms = tuple(term.then(linear) for term in signal.terms)
    return Signal(shape, terms, constant + bias)


def _linear(path: str, node: NirNode, signal: Signal, chain: NodeContext) -> Signal:
    weights = reals(path, node, "weight")
    if weights.ndim != 2 or weights.shape[1] != signal.size:
        raise ConversionError(
            f"{path} ({node.kind}).weight: shape {weights.shape} for a signal of shape"
            f" {signal.shape}; {signal.size} columns are needed. If the Input's shape counts"
            " samples or steps, give input_shape"
        )
    bias = reals(path, node, "bias", 0.0 if node.kind == "Linear" else None).reshape(-1)
    if bias.size not in (1, len(weights)):
        raise ConversionError(f"{path} ({node.kind}).bias: {bias.size} values for {len(weights)}")
    return _mapped(signal, Dense(weights), (len(weights),), bias)


def _convolution(path: str, node: NirNode, signal: Signal, chain: NodeContext) -> Signal:
    one = node.kind == "Conv1d"
    weights = reals(path, node, "weight")
    if weights.ndim != (3 if one else 4):
        raise ConversionError(f"{path} ({node.kind}).weight: shape {weights.shape}")
    n_axes = 1 if one else 2
    stride, dilation = (integers(path, node, name, n_axes, 1) for name in ("stride", "dilation"))
    padding = _padding(path, node, weights.shape[2:], stride, dilation)
    shape = signal.shape
    if one:  # a row
        weights = weights[:, :, None]
        stride, dilation, padding = (1, *stride), (1, *dilation), (0, *padding)
        shape = (shape[0], 1, shape[1]) if len(shape) == 2 else shape
    if len(shape) != 3:
        raise ConversionError(
            f"{path} ({node.kind}): a signal of shape {signal.shape}; channels and"
            f" {n_axes} more are needed. If the Input's shape counts samples or steps, give"
            " input_shape"
        )
    kernel = RealConv(
        weights=weights,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=integers(path, node, "groups", 1, 1)[0],
    )
    linear = conv(kernel, shape)
    made = linear.out_shape
    bias = np.broadcast_to(reals(path, node, "bias", 0.0).reshape(-1), (made[0],))
    return _mapped(signal, linear, made, np.repeat(bias, made[1] * made[2]))


def _padding(
    path: str, node: NirNode, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[int, ...]:
    padding = node.fields.get("padding")
    if not isinstance(padding, str):
        return integers(path, node, "padding", len(kernel), 0)
    if padding == "valid":
        return (0,) * len(kernel)
    extents = [d * (n - 1) for d, n in zip(dilation, kernel, strict=True)]
    if padding != "same" or any(extent % 2 for extent in extents) or set(stride) != {1}:
        raise ConversionError(
            f"{path} ({node.kind}).padding: {padding!r} with kernel {kernel} and stride {stride};"
            " integers, 'valid', or 'same' of an odd kernel and stride 1 are supported"
        )
    return tuple(extent // 2 for extent in extents)


def _pool(path: str, node: NirNode, signal: Signal, chain: NodeContext) -> Signal:
    if len(signal.shape) != 3:
        raise ConversionError(
            f"{path} ({node.kind}): a signal of shape {signal.shape}; (channels, rows, columns)"
            " is needed"
        )
    kernel = integers(path, node, "kernel_size", 2)
    stride = kernel if node.fields.get("stride") is None else integers(path, node, "stride", 2)
    padding = integers(path, node, "padding", 2, 0)
    average = node.kind == "AvgPool2d"
    pool = pooling(signal.shape[0], kernel, stride, padding, average=average)
    linear = conv(pool, signal.shape)
    return _mapped(signal, linear, linear.out_shape)


def _flatten(path: str, node: NirNode, signal: Signal, chain: NodeContext) -> Signal:
    start, end = (
        integers(path, node, name, 1, default)[0]
        for name, default in (("start_dim", 1), ("end_dim", -1))
    )
    n_axes = len(signal.shape)
    if not -n_axes <= start < n_axes or not -n_axes <= end < n_axes:
        # a writer that counted the axis of samples: flat is flat
        return replace(signal, shape=(signal.size,))
    first, last = start % n_axes, end % n_axes
    if last < first:
        raise ConversionError(f"{path} (Flatten): start_dim {start} is after end_dim {end}")
    merged = math.prod(signal.shape[first : last + 1])
    shape = (*signal.shape[:first], merged, *signal.shape[last + 1 :])
    return replace(signal, shape=shape)


def _scale(path: str, node: NirNode, signal: Signal, chain: NodeContext) -> Signal:
    factors = _per_value(path, node, "scale", signal)
    terms = tuple(replace(term, map=scaled(term.map, factors)) for term in signal.terms)
    return Signal(signal.shape, terms, signal.constant * factors)


def _delay(path: str, node: NirNode, signal: Signal, chain: NodeContext) -> Signal:
    if chain.dt is None:
        raise ConversionError(f"{path} (Delay): the time step is not known")
    exact = _per_value(path, node, "delay", signal) / chain.dt
    steps = np.rint(exact).astype(np.int64)
    if (np.abs(exact - steps) > 1e-4 * np.maximum(1, steps)).any() or (steps < 0).any():
        worst = int(np.argmax(np.abs(exact - steps)))
        raise ConversionError(
            f"{path} (Delay): {exact[worst]:.6g} steps of {chain.dt}; whole steps are needed."
            " Give the dt that the delays are multiples of"
        )
    if signal.constant.any() and steps.any():
        chain.notes.append(
            f"{path}: the bias before this delay is felt from the first step on, not only"
            f" {int(steps.max())} steps later"
        )
    terms = [late for term in signal.terms for late in _late(term, steps)]
    return replace(signal, terms=tuple(terms))


def _late(term: SignalTerm, steps: np.ndarray) -> list[SignalTerm]:
    """The term with its outputs delayed: one term for each delay."""
    different = np.unique(steps)
    if different.size == 1:
        return [replace(term, latency=term.latency + int(different[0]))]
    made = []
    for delay in different:
        part = scaled(term.map, (steps == delay).astype(float))
        if isinstance(part, Sparse):
            kept = part.weights != 0
            part = Sparse(part.post[kept], part.pre[kept], part.weights[kept], part.shape)
        made.append(replace(term, map=part, latency=term.latency + int(delay)))
    return made


def _per_value(path: str, node: NirNode, name: str, signal: Signal) -> np.ndarray:
    values = reals(path, node, name)
    if values.size == 1:
        return np.broadcast_to(values.reshape(-1), (signal.size,))
    if values.size == signal.size:
        return values.reshape(-1)
    try:
        return np.broadcast_to(values, signal.shape).reshape(-1)
    except ValueError:
        raise ConversionError(
            f"{path} ({node.kind}).{name}: shape {values.shape} for a signal of shape"
            f" {signal.shape}"
        ) from None


def _relay(path: str, node: NirNode, signal: Signal, chain: NodeContext) -> Signal:
    return signal


_LINEAR: dict[str, Callable[[str, NirNode, Signal, NodeContext], Signal]] = {
    "Linear": _linear,
    "Affine": _linear,
    "Conv1d": _convolution,
    "Conv2d": _convolution,
    "SumPool2d": _pool,
    "AvgPool2d": _pool,
    "Flatten": _flatten,
    "Scale": _scale,
    "Delay": _delay,
    RELAY: _relay,
}
LINEAR = tuple(_LINEAR)
