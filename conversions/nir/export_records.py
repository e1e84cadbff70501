"""What a graph is drawn from: populations and synapses in the terms of a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conversions.linear_maps.convolutions import pooling
from conversions.linear_maps.synapse_list import synapses
from conversions.real_network import RealConv, RealDense, RealNeurons, RealSparse
from conversions.real_network.projections import LinearMap
from hw_models import (
    ConversionError,
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    LifPopulation,
    SparseProjection,
)
from hw_models.arithmetic import DECAY_UNITY
from hw_models.projections import Projection

LARGEST_MATRIX = 2**27  # entries; NIR has no sparse ones


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnNeurons:
    """A population; values one number or one per neuron, no threshold for a readout."""

    name: str
    shape: tuple[int, ...]
    voltage_kept: np.ndarray
    current_kept: np.ndarray
    gain: np.ndarray
    current_bias: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray | None

    @classmethod
    def of_real(cls, neurons: RealNeurons) -> DrawnNeurons:
        """Neurons in real numbers as they are drawn."""
        dynamics = neurons.dynamics
        names = ("voltage_kept", "current_kept", "gain", "current_bias", "bias")
        return cls(
            name=neurons.name,
            shape=neurons.shape,
            threshold=None if dynamics.is_readout else dynamics.threshold,
            **{name: getattr(dynamics, name) for name in names},
        )

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return math.prod(self.shape)

    @property
    def has_memory(self) -> bool:
        """Whether the current outlives a step."""
        return bool(self.current_kept.any())


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnSynapses:
    """Synapses between two populations.

    ``steps`` is what a spike's way takes besides the step of feedback; ``delays``, of the
    shape of the weights, come on top.
    """

    name: str
    source: str
    target: str
    map: LinearMap
    steps: int
    delays: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Constant:
    """Where the constant input of a population goes: into a layer before it, or its v_leak."""

    carrier: str | None
    arriving: np.ndarray  # (n,), by the carrier
    leaking: np.ndarray  # (n,), added to the potential in every step


def constant_of(drawn: DrawnNeurons, arriving: Sequence[DrawnSynapses]) -> Constant:
    """Share out the biases of a population.

    Most readers of NIR know no v_leak, so what can arrive with the synapses does.

    Raises
    ------
    ConversionError
        If a bias of the current has no layer that could carry it.
    """
    shape = (drawn.n_neurons,)
    current, bias = (np.broadcast_to(b, shape) for b in (drawn.current_bias, drawn.bias))
    total = current
    if not drawn.has_memory and (drawn.gain > 0).all():
        total, bias = current + bias / drawn.gain, np.zeros(shape)
    if not total.any():
        return Constant(None, total, bias)
    for wire in arriving:
        by_channel = total.reshape(drawn.shape[0], -1)
        if not isinstance(wire.map, RealConv) or (by_channel == by_channel[:, :1]).all():
            return Constant(wire.name, total, bias)
    if drawn.has_memory:
        raise ConversionError(
            f"{drawn.name}: a constant current, different within a channel, and no dense layer"
            " before it that could bring it"
        )
    return Constant(None, np.zeros(shape), bias + drawn.gain * total)


def matrices(
    wire: DrawnSynapses, shape: tuple[int, ...], n_post: int
) -> list[tuple[int, np.ndarray]]:
    """Weights ``(n_post, n_pre)`` by steps; a synapse stands in the matrix of its delay.

    Parameters
    ----------
    wire
        Not a convolution.
    shape
        Of its source.
    n_post
        Neurons of its target.

    Raises
    ------
    ConversionError
        If a matrix would be too large.
    """
    n_pre = math.prod(shape)
    if n_pre * n_post > LARGEST_MATRIX:
        raise ConversionError(
            f"{wire.name}: NIR has no sparse matrices, and {n_post} x {n_pre} is more than"
            f" {LARGEST_MATRIX} entries"
        )
    if isinstance(wire.map, RealDense) and wire.delays is None:
        return [(wire.steps, np.array(wire.map.weights))]
    pre, post, weights = synapses(wire.map, shape)
    delays = np.zeros(pre.shape, dtype=np.int64) if wire.delays is None else wire.delays.ravel()
    late = delays[weights != 0]
    made = []
    if not late.size:  # nothing but zeros: an edge all the same
        late = delays if delays.size else np.zeros(1, dtype=np.int64)
        late = late.min(keepdims=True)
    for delay in np.unique(late):
        chosen = (delays == delay) & (weights != 0)
        matrix = np.zeros((n_post, n_pre))
        matrix[post[chosen], pre[chosen]] = weights[chosen]
        made.append((wire.steps + int(delay), matrix))
    return made


def pool_of(conv: RealConv) -> str | None:
    """The kind of pooling that a convolution is, if it is one."""
    channels, per_group, *kernel = conv.weights.shape
    value = float(conv.weights.flat[0])
    alone = conv.groups == channels and per_group == 1 and conv.dilation == (1, 1)
    if not alone or not (conv.weights == value).all():
        return None
    return {1.0: "SumPool2d", 1.0 / math.prod(kernel): "AvgPool2d"}.get(value)


def flat(linear: LinearMap) -> bool:
    """Whether a map is between flattened populations."""
    return isinstance(linear, (RealDense, RealSparse))


UNIT = 64  # of the membrane's registers in one unit of a weight


def neurons_in_units(neurons: LifPopulation) -> DrawnNeurons:
    """A population of integers as it is drawn."""
    return DrawnNeurons(
        name=neurons.name,
        shape=neurons.shape,
        voltage_kept=(DECAY_UNITY - neurons.voltage_decay) / DECAY_UNITY,
        current_kept=(DECAY_UNITY - 1 - neurons.current_decay) / DECAY_UNITY,
        gain=np.ones(1),
        current_bias=np.zeros(1),
        bias=neurons.bias / UNIT,
        threshold=neurons.threshold.astype(np.float64),
    )


def real_map(projection: Projection, network: FixedPointNetwork) -> LinearMap:
    """A projection of integers as a map in units of a weight."""
    scale = 2.0**projection.weight_exponent
    if isinstance(projection, DenseProjection):
        return RealDense(weights=projection.weights * scale)
    if isinstance(projection, SparseProjection):
        weights = projection.weights * scale
        return RealSparse(pre=projection.pre, post=projection.post, weights=weights)
    if isinstance(projection, ConvProjection):
        moves = {f: getattr(projection, f) for f in ("stride", "padding", "dilation", "groups")}
        return RealConv(weights=projection.weights * scale, **moves)
    channels = network.population(projection.source).shape[0]
    ones = pooling(
        channels, projection.kernel_size, projection.stride, projection.padding, average=False
    )
    return RealConv(
        weights=ones.weights * (projection.weight * scale),
        stride=ones.stride,
        padding=ones.padding,
        groups=channels,
    )
