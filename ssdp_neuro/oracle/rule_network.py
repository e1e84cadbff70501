"""A network whose projections learn by rules of the learning engine, step by step and dense.

In every step all neurons are computed, then the spikes are sent through the weights as they
are, then every rule hears the spikes of both ends and may change its weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from hw_models import DenseProjection, LearningRule
from ssdp_neuro.oracle.dense_network import DenseLif
from ssdp_neuro.oracle.learning_connection import LearningConnection
from ssdp_neuro.oracle.projections import arrival_of, scaled


class LearnedArrival:
    """A projection under a rule. What its spikes bring is reckoned when they are sent."""

    def __init__(self, projection: Any, n_pre: int, n_post: int):
        self.record = projection
        self.n_post = n_post
        self.exists = np.zeros((n_post, n_pre), dtype=bool)
        self.exists[self.places(n_post, n_pre)] = True
        tables = {}
        for name in ("weights", "tag_1", "tag_2", "delays"):
            values = getattr(projection, name)
            tables[name] = np.zeros((n_post, n_pre), dtype=np.int64)
            if values is not None:
                tables[name][self.places(n_post, n_pre)] = values
        self.delays = tables.pop("delays")
        self.connection = LearningConnection(projection.plasticity, **tables)
        self.under_way: dict[int, np.ndarray] = {}

    def places(self, n_post: int, n_pre: int) -> Any:
        """Index of its synapses in a matrix ``(n_post, n_pre)``, in their order."""
        if isinstance(self.record, DenseProjection):
            return slice(0, n_post), slice(0, n_pre)
        return self.record.post, self.record.pre

    def send(self, spikes: np.ndarray, step: int) -> None:
        """Send spikes, bool ``(n_pre,)``; one floor for each delay."""
        weights = np.array(self.connection.weights, dtype=np.int64)
        for delay in np.unique(self.delays[self.exists]).tolist():
            chosen = self.exists & (self.delays == delay)
            sums = np.where(chosen, weights, 0)[:, spikes].sum(axis=1)
            at = step + 1 + delay
            before = self.under_way.get(at, np.zeros(self.n_post, dtype=np.int64))
            self.under_way[at] = before + scaled(sums, self.record.weight_exponent)

    def arriving(self, step: int) -> np.ndarray:
        """Input of the target in ``step``: int64 ``(n_post,)``."""
        return self.under_way.pop(step, np.zeros(self.n_post, dtype=np.int64))

    def variables(self) -> dict[str, np.ndarray]:
        """What it is now: synapses in the projection's shape, traces by neuron; int64."""
        state = self.connection.state()
        for name in ("weights", "tag_1", "tag_2"):
            state[name] = state[name][self.places(*state[name].shape)]
        return state


class RuleNetwork:
    """A network that learns, from call to call.

    Parameters
    ----------
    network
        A ``FixedPointNetwork``; projections of which the plasticity is a ``LearningRule`` learn.
    """

    def __init__(self, network: Any):
        self.network = network
        self.learned = {
            projection.name: LearnedArrival(
                projection,
                network.population(projection.source).n_neurons,
                network.population(projection.target).n_neurons,
            )
            for projection in network.projections
            if isinstance(getattr(projection, "plasticity", None), LearningRule)
        }

    def clear_traces(self) -> None:
        """Traces at zero, and no spike noted in the epoch under way; epochs are counted on."""
        for arrival in self.learned.values():
            one = arrival.connection
            one.x, one.y = ([[0] * len(trace) for trace in side] for side in (one.x, one.y))
            one.tx, one.ty = [0] * one.n_pre, [0] * one.n_post

    def run(
        self,
        rasters: Mapping[str, np.ndarray],
        n_steps: int,
        probes: Iterable[tuple[str, str]] = (),
        sent: Mapping[str, np.ndarray] | None = None,
        learns: Any = True,
    ) -> tuple[dict[str, np.ndarray], dict[tuple[str, str], np.ndarray]]:
        """Run one sample; the neurons begin afresh.

        Parameters
        ----------
        rasters
            Spikes of the input populations by name: bool ``(T, N)``; others stay silent.
        probes
            ``(population, "u" or "v")`` pairs to record.
        sent
            By projection: what its target sends as y1, y2 and y3, int ``(T, 3, n_post)``.
        learns
            Whether rules hear and change anything; or by projection.

        Returns
        -------
        Spikes by population, bool ``(T, N)``, and probes, int32 ``(T, N)``
        """
        *_, done = self.steps(rasters, n_steps, probes, sent, learns)
        return done

    def steps(
        self,
        rasters: Mapping[str, np.ndarray],
        n_steps: int,
        probes: Iterable[tuple[str, str]] = (),
        sent: Mapping[str, np.ndarray] | None = None,
        learns: Any = True,
    ) -> Iterator[tuple[dict[str, np.ndarray], dict[tuple[str, str], np.ndarray]]]:
        """The same, step by step: what :meth:`run` returns, filled up to the step."""
        network = self.network
        spikes = {p.name: np.zeros((n_steps, p.n_neurons), dtype=bool) for p in network.populations}
        for name, raster in rasters.items():
            spikes[name][...] = raster
        state = {population.name: DenseLif(population, 1) for population in network.neurons}
        fixed = {
            p.name: arrival_of(p, network.population(p.source), network.population(p.target))
            for p in network.projections
            if p.name not in self.learned
        }
        for arrival in self.learned.values():
            arrival.under_way = {}
        recorded = {
            (name, variable): np.zeros(spikes[name].shape, dtype=np.int32)
            for name, variable in probes
        }
        learning = learns if isinstance(learns, Mapping) else dict.fromkeys(self.learned, learns)
        for step in range(n_steps):
            for name, neurons in state.items():
                total = np.zeros(neurons.u.shape, dtype=np.int64)
                for p in network.projections:
                    if p.target == name and p.name in fixed:
                        total += fixed[p.name].arriving(spikes[p.source][None], step)
                    elif p.target == name:
                        total += self.learned[p.name].arriving(step)
                spikes[name][step] = neurons.step(step + 1, total)[0]
            for name, variable in recorded:
                recorded[name, variable][step] = getattr(state[name], variable)[0]
            for name, arrival in self.learned.items():
                ends = arrival.record.source, arrival.record.target
                arrival.send(spikes[ends[0]][step], step)
                if learning[name]:
                    numbers = None if sent is None or name not in sent else sent[name][step]
                    pre, post = (spikes[end][step] for end in ends)
                    arrival.connection.step(
                        pre, post, None if numbers is None else numbers.tolist()
                    )
            yield spikes, recorded
