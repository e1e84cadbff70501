"""How much can arrive at a neuron: bounds of a step's synaptic input and of the current.

A bound counts all synapses of one sign as hit in every step. Everything that asks whether a
register is wide enough asks here: training and conversion when they choose a grid, the report of
a conversion, the engine when it chooses how wide its numbers are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY
from hw_models.projections import PoolProjection, Projection, SparseProjection

CHUNK = 2**16  # listed synapses that are added up at a time; what they need stays in a cache


class InputBound(NamedTuple):
    """The largest and the smallest synaptic input of a step, each ``(n_post,)``; 0 is between."""

    most: np.ndarray
    least: np.ndarray

    @classmethod
    def nothing(cls, n_post: int) -> InputBound:
        """Of neurons at which no synapse ends."""
        return cls(np.zeros(n_post, dtype=np.int64), np.zeros(n_post, dtype=np.int64))

    def __add__(self, other: Any) -> InputBound:
        return InputBound(self.most + other.most, self.least + other.least)

    def times(self, factor: Any) -> InputBound:
        """Of as many times the weights, which is not negative."""
        return InputBound(self.most * factor, self.least * factor)

    @property
    def magnitude(self) -> np.ndarray:
        """The larger of the two, not negative."""
        return np.maximum(self.most, -self.least)

    def current(self, current_decay: Any) -> np.ndarray:
        """Largest magnitude of a current that decays, float64 ``(n_post,)``.

        Parameters
        ----------
        current_decay
            ``du``, one or one per neuron.

        Returns
        -------
        In units of the register; below 2**23 it can never wrap.
        """
        aligned = self.magnitude * np.float64(1 << ALIGN_SHIFT)
        return aligned * DECAY_UNITY / (np.asarray(current_decay) + 1)


def row_bound(weights: np.ndarray, n_post: int, post: np.ndarray | None = None) -> InputBound:
    """What weights of one sign add up to at each neuron.

    Parameters
    ----------
    weights
        Integers or real numbers: ``(n_post, n_pre)``, a convolution's ``(channels_out, ...)``
        or, with ``post``, one for each listed synapse.
    n_post
        Neurons of the target.
    post
        Target neuron of each listed synapse.
    """
    kind = np.float64 if weights.dtype.kind == "f" else np.int64
    if post is not None:
        both = np.zeros((2, n_post))  # whole numbers far below 2**53
        at_once = max(CHUNK, n_post)
        for start in range(0, len(weights), at_once):
            part = slice(start, start + at_once)
            both[0] += np.bincount(post[part], np.maximum(weights[part], 0), n_post)
            both[1] += np.bincount(post[part], np.minimum(weights[part], 0), n_post)
        return InputBound(*both.astype(kind))
    up, down = np.maximum(weights, 0), np.minimum(weights, 0)
    sums = (part.reshape(len(part), -1).sum(axis=1, dtype=kind) for part in (up, down))
    return InputBound(*(np.repeat(one, n_post // len(one)) for one in sums))


def projection_bound(projection: Projection, n_post: int) -> InputBound:
    """What a projection adds to the input of a step, int64.

    A plastic projection may come to have any weight of its rule's range. Below one unit, what
    arrives is floored, once for the synapses of each delay.
    """
    if isinstance(projection, PoolProjection):
        weight = np.full((1, *projection.kernel_size), projection.weight)
        bound = row_bound(weight, n_post)
    elif getattr(projection, "plasticity", None) is not None:
        bound = _bound_of_rule(projection, n_post)
    else:
        bound = row_bound(projection.weights, n_post, getattr(projection, "post", None))
    exponent = projection.weight_exponent
    if exponent >= 0:
        return InputBound(bound.most << exponent, bound.least << exponent)
    delays = getattr(projection, "delays", None)
    n_floors = 1 if delays is None else max(1, np.unique(delays).size)
    least = (bound.least >> -exponent) - np.where(bound.least < 0, n_floors - 1, 0)
    return InputBound(bound.most >> -exponent, least)


def input_bound(projections: Iterable[Projection], n_post: int, clock: str = "") -> InputBound:
    """What some projections into a population add to the input of a step, together.

    Parameters
    ----------
    projections
        All that end at the population.
    n_post
        Its neurons.
    clock
        Name of a neuron that fires in every step, whose synapses of different delays may
        cancel each other: each acts from its delay on.
    """
    total = InputBound.nothing(n_post)
    steady: dict[int, np.ndarray] = {}
    for projection in projections:
        bound = projection_bound(projection, n_post)
        if not clock or projection.source != clock:
            total += bound
            continue
        delays = getattr(projection, "delays", None)
        delay = 0 if delays is None else int(delays.flat[0])
        steady[delay] = steady.get(delay, 0) + bound.most + bound.least
    if not steady:
        return total
    begun = np.cumsum([steady[delay] for delay in sorted(steady)], axis=0)
    return total + InputBound(begun.max(axis=0).clip(min=0), begun.min(axis=0).clip(max=0))


def _bound_of_rule(projection: Any, n_post: int) -> InputBound:
    """Of all weights that a rule may give to the synapses there are."""
    rule = projection.plasticity
    if isinstance(projection, SparseProjection):
        synapses = np.bincount(projection.post, minlength=n_post)
    else:
        synapses = np.full(n_post, projection.weights.shape[1])
    return InputBound(synapses * max(rule.weight_high, 0), synapses * min(rule.weight_low, 0))
