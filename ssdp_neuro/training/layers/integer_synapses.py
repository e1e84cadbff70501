"""Projections of a network in integers as PyTorch modules: exact, and learned straight through.

A weight is kept as a real number in thresholds of its target, so that usual learning rates fit,
and delivers the mantissa that it rounds to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hw_models import (
    DenseProjection,
    PoolProjection,
    RangeError,
    SparseProjection,
)
from hw_models.projections import Projection
from hw_models.projections.fields import WEIGHT_HIGH, WEIGHT_LOW

MOST_DENSE = 2**24  # entries of a matrix that listed synapses may be written into
EXACT_IN_FLOAT32 = 2**24


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: Any, step: int, low: int, high: int) -> Tensor:
        ctx.scale = scale
        raw = values.detach().double().mul(scale / step).round_()
        return raw.clamp_(low / step, high / step).mul_(step).add_(0.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return gradient * ctx.scale, None, None, None, None


def rounded_through(values: Tensor, scale: Any, step: int, low: int, high: int) -> Tensor:
    """Multiples of ``step`` within limits that lie next to ``values * scale``, float64.

    Parameters
    ----------
    values
        Real, any shape.
    scale
        Positive; one number or a tensor that broadcasts.
    step, low, high
        Of the integers; ties go to the even multiple.

    Returns
    -------
    Same shape; its gradient is that of ``values * scale``, inside the limits and beyond.
    """
    return _Rounded.apply(values, scale, step, low, high)


class _Floored(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sums: Tensor, exponent: int) -> Tensor:
        ctx.factor = 2.0**exponent
        scaled = sums * ctx.factor
        return scaled.floor_() if exponent < 0 else scaled

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.factor, None


def mantissa_format(projection: Projection) -> tuple[int, int, int]:
    """Step and limits, ``(step, low, high)``, of mantissas in the format that a projection has.

    Even mantissas stay even. Among odd ones, those of one sign stay of one sign: that is what
    8 bits hold. Of both signs they have 9 bits and keep them. A rule's range holds as well.
    """
    weights = np.asarray(getattr(projection, "weights", getattr(projection, "weight", 0)))
    step = 1 if (weights % 2).any() else 2
    low, high = WEIGHT_LOW, WEIGHT_HIGH - (step - 1)
    if step == 1 and (weights >= 0).all():
        low = 0
    elif step == 1 and (weights <= 0).all():
        low, high = 1 - 2**8, 0
    rule = getattr(projection, "plasticity", None)
    if rule is not None:
        low, high = max(low, rule.weight_low), min(high, rule.weight_high)
        low, high = -(-low // step) * step, high // step * step
    return step, low, high


class IntegerSynapses(nn.Module):
    """What all kinds share: learned weights on their grid, and the exponent's floor.

    Parameters
    ----------
    projection
        Where the weights begin.
    unit
        Real 1.0 in units of the target's input: its threshold.
    fan_in
        Most synapses of the projection at one neuron.

    Attributes
    ----------
    exact_in_float32
        Whether no sum of a step can leave the integers that float32 holds, whatever is learned.
    """

    weight: Tensor

    def __init__(self, projection: Projection, unit: float, fan_in: int) -> None:
        super().__init__()
        self.projection_name = projection.name
        self.exponent = projection.weight_exponent
        self.step, self.low, self.high = mantissa_format(projection)
        self.scale = unit * 2.0**-self.exponent
        bound = fan_in * max(-self.low, self.high) * 2.0 ** max(self.exponent, 0)
        self.largest_sum = bound
        self.exact_in_float32 = bound < EXACT_IN_FLOAT32

    def _learned(self, weights: np.ndarray) -> nn.Parameter:
        return nn.Parameter(torch.tensor(weights / self.scale, dtype=torch.float32))

    def mantissas(self) -> Tensor:
        """Integers, float64, in the shape of the projection's weights."""
        return rounded_through(self.weight, self.scale, self.step, self.low, self.high)

    def changed(self, projection: Any) -> Projection:
        """The projection with what the weights have become.

        Raises
        ------
        RangeError
            If a weight is not finite.
        """
        if not bool(torch.isfinite(self.weight).all()):
            raise RangeError(f"{self.projection_name}.weight: a weight is not finite")
        weights = self.mantissas().detach().cpu().numpy().astype(np.int16)
        return _with_weights(projection, weights)

    def floored(self, sums: Tensor) -> Tensor:
        """What arrives of the sums of one delay."""
        return _Floored.apply(sums, self.exponent)

    def extra_repr(self) -> str:
        """What ``print(model)`` shows."""
        return f"{self.projection_name!r}, mantissas {self.low}..{self.high} by {self.step}"


class MatrixSynapses(IntegerSynapses):
    """All-to-all or listed synapses; each delay has a matrix of its own."""

    delay: Tensor | None
    place: Tensor | None

    def __init__(
        self, projection: DenseProjection | SparseProjection, n_pre: int, n_post: int, unit: float
    ) -> None:
        fan_in = n_pre
        if isinstance(projection, SparseProjection):
            fan_in = int(np.bincount(projection.post, minlength=1).max())
        super().__init__(projection, unit, fan_in)
        self.shape = (n_post, n_pre)
        self.weight = self._learned(projection.weights)
        delays = projection.delays
        self.delays = [0] if delays is None or not delays.size else np.unique(delays).tolist()
        self.register_buffer("delay", None if delays is None else torch.tensor(delays.astype(int)))
        place = None
        if isinstance(projection, SparseProjection):
            place = torch.tensor(np.stack([projection.post, projection.pre]).astype(int))
        self.register_buffer("place", place)

    def matrices(self, dtype: torch.dtype) -> dict[int, Tensor]:
        """Mantissas by delay, each ``(n_post, n_pre)``, dense or sparse; 0 elsewhere."""
        mantissas = self.mantissas().to(dtype)
        made = {}
        for delay in self.delays:
            here = None if self.delay is None else self.delay == delay
            if self.place is None:
                made[delay] = mantissas if here is None else mantissas * here
                continue
            place, values = self.place, mantissas
            if here is not None:
                place, values = place[:, here], values[here]
            if self.shape[0] * self.shape[1] <= MOST_DENSE:
                blank = values.new_zeros(self.shape)
                made[delay] = blank.index_put((place[0], place[1]), values)
            else:
                made[delay] = torch.sparse_coo_tensor(
                    place, values, self.shape, check_invariants=False
                )
        return made

    def forward(self, spikes: Tensor, matrix: Tensor) -> Tensor:
        """What arrives through one delay's matrix: ``(M, n_pre)`` to ``(M, n_post)``."""
        if matrix.is_sparse:
            return self.floored(torch.sparse.mm(matrix, spikes.T).T)
        return self.floored(functional.linear(spikes, matrix))


class ImageSynapses(IntegerSynapses):
    """A convolution, or a sum pooling, whose weight is not learned."""

    kernel: Tensor

    def __init__(self, projection: Any, shape: tuple[int, ...], unit: float) -> None:
        conv, pools = projection, False
        if isinstance(projection, PoolProjection):
            conv, pools = projection.as_convolution(shape[0]), True
        fan_in = int(np.prod(conv.weights.shape[1:]))
        super().__init__(projection, unit, fan_in)
        self.image, self.pools = shape, pools
        self.settings = {
            "stride": conv.stride,
            "padding": conv.padding,
            "dilation": conv.dilation,
            "groups": conv.groups,
        }
        self.delays = [0]
        if self.pools:
            self.register_buffer("kernel", torch.tensor(conv.weights, dtype=torch.float64))
        else:
            self.weight = self._learned(conv.weights)

    def matrices(self, dtype: torch.dtype) -> dict[int, Tensor]:
        """Mantissas of the kernel, by delay: there is none."""
        return {0: (self.kernel if self.pools else self.mantissas()).to(dtype)}

    def forward(self, spikes: Tensor, matrix: Tensor) -> Tensor:
        """What arrives: ``(M, n_pre)`` to ``(M, n_post)``."""
        images = spikes.view(-1, *self.image)
        return self.floored(functional.conv2d(images, matrix, **self.settings).flatten(1))

    def changed(self, projection: Any) -> Projection:
        """The projection with what the weights have become; a pooling as it was."""
        return projection if self.pools else super().changed(projection)


def _with_weights(projection: Any, weights: np.ndarray) -> Projection:
    fields = {name: getattr(projection, name) for name in projection.__dataclass_fields__}
    made: Projection = type(projection)(**{**fields, "weights": weights})
    return made


def integer_synapses(projection: Projection, source: Any, target: Any, unit: float) -> Any:
    """The module of a projection between two populations."""
    if isinstance(projection, DenseProjection | SparseProjection):
        return MatrixSynapses(projection, source.n_neurons, target.n_neurons, unit)
    return ImageSynapses(projection, source.shape, unit)
