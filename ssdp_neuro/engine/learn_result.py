"""What a learning run returns: the network it made, and what happened on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, SynchronyStatistics


@dataclass(frozen=True, kw_only=True)
class WeightChange:
    """How learning changed one projection.

    Parameters
    ----------
    n_updates
        Samples after which it was updated.
    rows_visited
        Pre-synaptic neurons whose weights were visited, summed over the updates; of a
        LearningRule synapses.
    n_changed
        Synapses whose weight differs from the one before.
    mean_change, largest_change
        Of all synapses: mean of the difference, largest magnitude of it; mantissas.
    at_limit
        Synapses that ended at the lowest or highest weight allowed.
    """

    n_updates: int
    rows_visited: int
    n_changed: int
    mean_change: float
    largest_change: int
    at_limit: int


def weight_change(before: Any, after: Any, n_updates: int, rows_visited: int) -> WeightChange:
    """Compare a plastic projection before and after learning."""
    difference = after.weights.astype(np.int64) - before.weights
    limits = [after.plasticity.weight_low, after.plasticity.weight_high]
    return WeightChange(
        n_updates=n_updates,
        rows_visited=rows_visited,
        n_changed=int(np.count_nonzero(difference)),
        mean_change=float(difference.mean()),
        largest_change=int(np.abs(difference).max()),
        at_limit=int(np.isin(after.weights, limits).sum()),
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LearnResult:
    """A network that learned.

    Parameters
    ----------
    before
        The network that was given.
    network
        The same with the weights it learned.
    n_samples
        Samples seen, all epochs together.
    next_sample
        Number of the sample after the last one: ``first_sample`` of a call that goes on.
    changes
        By plastic projection.
    spike_counts
        By target population of a plastic projection: spikes of each neuron in each
        sample, before that sample's update; int32 ``(n_samples, n_post)``.
    decisions
        By the same names: the neuron that won each sample (most spikes, then earliest
        first spike, then lowest index), -1 if all were silent; int32 ``(n_samples,)``.
    seed
        Seed of the stochastic rounding.
    dopamine
        By plastic projection with a dopamine gate: what its warm-up has counted. Its
        ``fit()`` is the frozen gate, once ``warm_up`` samples have been counted.
    copies
        With ``SampleStart.ALL_AS_GIVEN``: the network that each sample made, of which
        ``network`` is the last.
    """

    before: FixedPointNetwork
    network: FixedPointNetwork
    n_samples: int
    next_sample: int
    changes: Mapping[str, WeightChange]
    spike_counts: Mapping[str, np.ndarray]
    decisions: Mapping[str, np.ndarray]
    seed: int
    dopamine: Mapping[str, SynchronyStatistics] = field(default_factory=dict)
    copies: tuple[FixedPointNetwork, ...] = ()

    @property
    def n_updates(self) -> int:
        """Updates of a projection after a sample, all projections together."""
        return sum(change.n_updates for change in self.changes.values())

    def __repr__(self) -> str:
        changed = ", ".join(
            f"{name}: {change.n_changed} of {self._n_weights(name)} weights changed"
            for name, change in self.changes.items()
        )
        return f"LearnResult({self.n_samples} samples, {changed})"

    def _repr_html_(self) -> str:
        from ssdp_neuro.plot.notebook_view import learn_view

        return learn_view(self)

    def _n_weights(self, name: str) -> int:
        projection: Any = self.network.projection(name)
        return projection.weights.size
