"""Executors that learn by rules or e-prop, step by step beside each other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conversions.execution.executor import EpropRun, Executor, LearningRun
from conversions.verification.differences import CAUSAL_ORDER, SPIKES, Difference
from hw_models import FixedPointNetwork
from hw_models.learning_engine.learning_rule import TRACES
from ssdp_neuro.engine.learning_task import LearningTask

Key = tuple[str, str]
LEARNED_ORDER = (*CAUSAL_ORDER, *TRACES, "tag_1", "tag_2", "trace", "weights")


@dataclass
class LearningComparison:
    """What has been compared so far."""

    network: FixedPointNetwork
    n_values: int = 0
    unequal: set[Executor] = field(default_factory=set)
    first_difference: Difference | None = None
    spikes: dict[Executor, int] = field(default_factory=dict)
    seconds: dict[Executor, float] = field(default_factory=dict)

    def run(
        self,
        runs: Mapping[Executor, LearningRun],
        rasters: Mapping[str, np.ndarray],
        sent: Mapping[str, np.ndarray],
        n_samples: int,
        n_steps: int,
        probes: Sequence[Key],
    ) -> None:
        """Compare all samples; each begins with the network as it was given.

        Parameters
        ----------
        runs
            The executors, the first compared with each of the others.
        rasters, sent
            Spikes bool ``(B, T, N)`` by input, numbers ``(B, T, 3, N)`` by projection.
        """
        self.spikes, self.seconds = dict.fromkeys(runs, 0), dict.fromkeys(runs, 0.0)
        for sample in range(n_samples):
            shown = {name: raster[sample] for name, raster in rasters.items()}
            numbers = {name: values[sample] for name, values in sent.items()}
            going = {who: run(shown, n_steps, probes, numbers) for who, run in runs.items()}
            self._follow(going, sample, n_steps)

    def run_task(
        self, runs: Mapping[Executor, EpropRun], task: LearningTask, probes: Sequence[Key]
    ) -> None:
        """Compare all samples of e-prop; each goes on with the weights of the one before."""
        self.spikes, self.seconds = dict.fromkeys(runs, 0), dict.fromkeys(runs, 0.0)
        going = {who: run(task, probes) for who, run in runs.items()}
        for seen in range(task.n_seen):
            self._follow(going, seen, task.n_steps)

    def _follow(
        self,
        going: Mapping[Executor, Iterator[Mapping[Key, np.ndarray]]],
        sample: int,
        n_steps: int,
    ) -> None:
        for step in range(n_steps):
            values = {}
            for who, steps in going.items():
                started = time.perf_counter()
                values[who] = next(steps)
                self.seconds[who] += time.perf_counter() - started
            self._compare(values, sample, step)

    def _compare(
        self, values: Mapping[Executor, Mapping[Key, np.ndarray]], sample: int, step: int
    ) -> None:
        keys = dict.fromkeys(key for known in values.values() for key in known)
        for key in sorted(keys, key=lambda one: LEARNED_ORDER.index(one[1])):
            found = {who: known[key] for who, known in values.items() if key in known}
            first = next(iter(found))
            if len(found) > 1:
                self.n_values += found[first].size
            for who, array in found.items():
                if key[1] == SPIKES:
                    self.spikes[who] += int(np.count_nonzero(array))
                if not np.array_equal(array, found[first]):
                    self.unequal.add(who)
                    if self.first_difference is None:
                        self.first_difference = self._place(key, found, sample, step)

    def _place(
        self, key: Key, found: Mapping[Executor, np.ndarray], sample: int, step: int
    ) -> Difference:
        arrays = list(found.values())
        differs = np.any([array != arrays[0] for array in arrays[1:]], axis=0)
        place = tuple(int(i) for i in np.argwhere(differs)[0])
        name, variable = key
        source = None
        neuron = place[0]
        if variable in ("weights", "tag_1", "tag_2"):
            projection: Any = self.network.projection(name)
            is_matrix = projection.weights.ndim == 2
            neuron = place[0] if is_matrix else int(projection.post[place])
            source = place[1] if is_matrix else int(projection.pre[place])
        return Difference(
            population=name,
            variable=variable,
            sample=sample,
            step=step,
            neuron=neuron,
            values={who: int(array[place]) for who, array in found.items()},
            source=source,
        )


def compare_learning(
    network: FixedPointNetwork,
    executors: Iterable[Executor],
    rasters: Mapping[str, np.ndarray],
    sent: Mapping[str, np.ndarray],
    n_samples: int,
    n_steps: int,
    probes: Sequence[Key],
) -> LearningComparison:
    """Run executors beside each other, and compare every variable after every step.

    Arguments as of :meth:`LearningComparison.run`.
    """
    comparison = LearningComparison(network)
    runs = {executor: executor.prepare_learning(network) for executor in executors}
    comparison.run(runs, rasters, sent, n_samples, n_steps, probes)
    return comparison


def compare_eprop(
    task: LearningTask, executors: Iterable[Executor], probes: Sequence[Key]
) -> LearningComparison:
    """The same for a network that learns by e-prop from the samples of a task."""
    comparison = LearningComparison(task.network)
    runs = {executor: executor.prepare_eprop(task.network) for executor in executors}
    comparison.run_task(runs, task, probes)
    return comparison
