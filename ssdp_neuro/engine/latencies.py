"""What learning keeps of a sample's spikes: latency codes, and the targets' spike counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, RangeError, ShapeError
from ssdp_neuro.engine.kernels.catalog import NOTE_LATENCIES, addresses_of
from ssdp_neuro.engine.kernels.tables import LatencyTable


class Latencies:
    """Codes of the ends of the plastic projections, filled by the kernel while a sample runs.

    One byte for each neuron of an end, eight more for each of a target (whose winner is
    sought); nothing that grows with steps or spikes.

    Parameters
    ----------
    network
        What runs.
    plastic
        Its plastic projections by name; they say which populations, in how many bits.
    n_steps
        Steps of a sample.
    index
        Number of each population in the kernels' tables.
    """

    def __init__(
        self,
        network: FixedPointNetwork,
        plastic: Mapping[str, Any],
        n_steps: int,
        index: Mapping[str, int],
    ) -> None:
        sizes = {population.name: population.n_neurons for population in network.populations}
        # projections that code alike share the codes of a population
        self._wanted = {
            (name, side): (end, rule.latency_shift, rule.silent_code)
            for name, projection in plastic.items()
            for rule in (projection.plasticity,)
            for side, end in enumerate((projection.source, projection.target))
        }
        coded = list(dict.fromkeys(self._wanted.values()))
        counted = list(dict.fromkeys(projection.target for projection in plastic.values()))
        code_ends = np.cumsum([0, *(sizes[end] for end, _, _ in coded)])
        count_ends = np.cumsum([0, *(sizes[end] for end in counted)])
        self.silent = np.repeat([silent for _, _, silent in coded], np.diff(code_ends))
        self.silent = self.silent.astype(np.uint8)
        self._n_steps = n_steps
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
            note=addresses_of([NOTE_LATENCIES]),
        )
        self._code_parts = {
            key: slice(*code_ends[k : k + 2].tolist()) for k, key in enumerate(coded)
        }
        self._count_parts = {
            end: slice(*count_ends[k : k + 2].tolist()) for k, end in enumerate(counted)
        }
        self.clear()

    @property
    def targets(self) -> list[str]:
        """Populations whose spikes are counted, in the table's order."""
        return list(self._count_parts)

    def clear(self) -> None:
        """Make all neurons silent, as they are when a sample begins."""
        self.table.codes[:] = self.silent
        self.table.counts[:] = 0
        self.table.first[:] = self._n_steps

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""
        return self._n_steps

    def put(self, arrays: Mapping[str, np.ndarray], n_steps: int) -> None:
        """Take over ``codes``, ``counts`` and ``first`` of a sample that has run ``n_steps``.

        Raises
        ------
        ShapeError, RangeError
            If they are not those of these populations.
        """
        if n_steps > self._n_steps:
            raise RangeError(f"a sample of {n_steps} steps; allowed 0..{self._n_steps}")
        highest = {"codes": self.silent, "counts": n_steps, "first": self._n_steps}
        for name, array in arrays.items():
            own = getattr(self.table, name)
            if array.shape != own.shape:
                raise ShapeError(f"{name}: shape {array.shape}; {own.shape} is needed")
            if (array > highest[name]).any():
                raise RangeError(f"{name}: {array.max()}; more than a neuron can have")
        for name, array in arrays.items():
            getattr(self.table, name)[:] = array

    def code_parts(self, name: str) -> tuple[slice, slice]:
        """Where the codes of a plastic projection's source and target are in the table."""
        pre, post = (self._code_parts[self._wanted[name, k]] for k in (0, 1))
        return pre, post

    def count_part(self, target: str) -> slice:
        """Where spike counts and first spikes of a target are in the table."""
        return self._count_parts[target]

    def codes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Codes of a plastic projection's source and target, uint8 ``(n,)``; views."""
        pre, post = (self.table.codes[part] for part in self.code_parts(name))
        return pre, post

    def counts(self, target: str) -> np.ndarray:
        """Spikes of each neuron of a target, int32 ``(n,)``; a view."""
        return self.table.counts[self._count_parts[target]]

    def first_spikes(self, target: str) -> np.ndarray:
        """First spike step of each neuron of a target, ``n_steps`` if silent, int32; a view."""
        return self.table.first[self._count_parts[target]]
