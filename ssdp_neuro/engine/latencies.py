"""What learning keeps of a sample's spikes: latency codes, and the targets' spike counts."""

from __future__ import annotations

import numpy as np

from ssdp_neuro.engine.kernels.tables import LatencyTable
from ssdp_neuro.engine.learning_task import LearningTask


class Latencies:
    """Codes of the ends of the plastic projections, filled by the kernel while a sample runs.

    One byte for each neuron of an end, eight more for each of a target (whose winner is
    sought); nothing that grows with steps or spikes.

    Parameters
    ----------
    task
        The run; says which populations, in how many bits.
    index
        Number of each population in the kernels' tables.
    """

    def __init__(self, task: LearningTask, index: dict[str, int]) -> None:
        sizes = {population.name: population.n_neurons for population in task.network.populations}
        # projections that code alike share the codes of a population
        self._wanted = {
            (name, side): (end, task.rule(name).latency_shift, task.rule(name).silent_code)
            for name in task.plastic
            for side, end in enumerate(task.ends(name))
        }
        coded = list(dict.fromkeys(self._wanted.values()))
        counted = list(dict.fromkeys(task.ends(name)[1] for name in task.plastic))
        code_ends = np.cumsum([0, *(sizes[end] for end, _, _ in coded)])
        count_ends = np.cumsum([0, *(sizes[end] for end in counted)])
        self._silent = np.repeat([silent for _, _, silent in coded], np.diff(code_ends))
        self._silent = self._silent.astype(np.uint8)
        self._n_steps = task.n_steps
        self.table = LatencyTable(
            coded=np.array([index[end] for end, _, _ in coded], dtype=np.int64),
            code_base=code_ends[:-1].astype(np.int64),
            shift=np.array([shift for _, shift, _ in coded], dtype=np.int64),
            silent=np.array([silent for _, _, silent in coded], dtype=np.uint8),
            codes=np.zeros(code_ends[-1], dtype=np.uint8),
            counted=np.array([index[end] for end in counted], dtype=np.int64),
            count_base=count_ends[:-1].astype(np.int64),
            counts=np.zeros(count_ends[-1], dtype=np.int32),
            first=np.zeros(count_ends[-1], dtype=np.int32),
        )
        self._code_parts = {
            key: slice(*code_ends[k : k + 2].tolist()) for k, key in enumerate(coded)
        }
        self._count_parts = {
            end: slice(*count_ends[k : k + 2].tolist()) for k, end in enumerate(counted)
        }
        self.clear()

    def clear(self) -> None:
        """Make all neurons silent, as they are when a sample begins."""
        self.table.codes[:] = self._silent
        self.table.counts[:] = 0
        self.table.first[:] = self._n_steps

    def codes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Codes of a plastic projection's source and target, uint8 ``(n,)``; views."""
        pre, post = (self.table.codes[self._code_parts[self._wanted[name, k]]] for k in (0, 1))
        return pre, post

    def counts(self, target: str) -> np.ndarray:
        """Spikes of each neuron of a target, int32 ``(n,)``; a view."""
        return self.table.counts[self._count_parts[target]]

    def first_spikes(self, target: str) -> np.ndarray:
        """First spike step of each neuron of a target, ``n_steps`` if silent, int32; a view."""
        return self.table.first[self._count_parts[target]]
