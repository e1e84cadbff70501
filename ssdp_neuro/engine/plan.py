"""A network lowered to the flat arrays that the kernels read."""

from __future__ import annotations

import contextlib
import dataclasses
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from hw_models import ConvProjection, FixedPointNetwork, PoolProjection, SparseProjection
from ssdp_neuro.engine.aligned import aligned_zeros
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.kernels.catalog import WAKINGS, addresses_of
from ssdp_neuro.engine.kernels.tables import BLOCK, SPARE, PopulationTable, ProjectionTable
from ssdp_neuro.engine.output_reader import WrittenForms
from ssdp_neuro.engine.population_table import population_table
from ssdp_neuro.engine.projection_table import PlasticList, projection_table

# of less, two threads were slower than one (docs/explanation/tried.md)
SHARED_NEURONS, SHARED_SYNAPSES = 200_000, 10_000_000
ANY_RANGES = 64  # of targets, where synapses of a source are found by target
BY_TARGET = (tables.DENSE8, tables.DENSE16, tables.CONV, tables.SINGLE)


class Plan:
    """Tables of one network, and where its weights went.

    Parameters
    ----------
    network
        What to lower. Plastic weights are copied: the plan's own can be changed.
    """

    def __init__(self, network: FixedPointNetwork) -> None:
        self.network = weakref.proxy(network)
        self.index = {population.name: p for p, population in enumerate(network.populations)}
        projections, self.synapses, self.plastic = projection_table(network)
        populations = population_table(network, projections)
        self.projections = dataclasses.replace(projections, wake=_wakings(populations, projections))
        ranges = _ranges(network, populations, projections)
        self.populations = dataclasses.replace(populations, ranges=ranges)
        self.is_divided = bool(ranges.any())
        is_input = populations.kind == tables.INPUT
        n_words = populations.stride // BLOCK * 2
        self.most_listed = np.where(is_input, populations.size, n_words)
        alone, none = np.array([0, 1], dtype=np.int64), np.zeros(0, dtype=np.int64)
        nothing_shared = np.zeros(populations.size.size, dtype=np.uint8)
        self.alone = tables.TeamTable(alone, none, nothing_shared, none)
        self._idle: list[tables.State] = []
        self._scratch: weakref.WeakKeyDictionary[tables.State, list[tables.State]]
        self._scratch = weakref.WeakKeyDictionary()

    @contextlib.contextmanager
    def state(self) -> Iterator[tables.State]:
        """State for one thread; one that an earlier run left behind if there is one."""
        state = self._idle.pop() if self._idle else self.new_state()
        yield state
        # not after an error: a state must be as the last sample left it
        self._idle.append(state)

    def new_state(self) -> tables.State:
        """State with everything at rest."""
        populations = self.populations
        n_padded = int(populations.stride.sum())
        first = np.zeros(populations.size.size, dtype=np.int64)
        room = populations.size + SPARE
        np.cumsum(room[:-1], out=first[1:])
        reach, depth = populations.reach, populations.depth
        pending = np.where(reach > 1, reach * populations.stride, 0)
        past = depth * (populations.size + 3)
        return tables.State(
            u=aligned_zeros(n_padded, dtype=np.int32),
            v=aligned_zeros(n_padded, dtype=np.int32),
            wait=np.zeros(populations.each_bias.size, dtype=np.int32),
            adapted=np.zeros(populations.each_rise.size, dtype=np.int32),
            drive=aligned_zeros(int((populations.ring * populations.stride).sum()), dtype=np.int32),
            pending=np.zeros(int(pending.sum()), dtype=np.int32),
            pending_until=np.zeros(populations.size.size, dtype=np.int64),
            flags=aligned_zeros(n_padded, dtype=np.uint8),
            marked=np.zeros(int(populations.stride.max()) // BLOCK + 1, dtype=np.int64),
            fired=np.zeros(int(room.sum()), dtype=np.uint32),
            kept=np.zeros(int(room.sum()) if populations.channels.any() else 0, dtype=np.uint32),
            first=first,
            n_fired=np.zeros(populations.size.size, dtype=np.int64),
            past=np.zeros(int(past.sum()), dtype=np.uint32),
            n_past=np.zeros(int(populations.depth.sum()), dtype=np.int64),
            **self._new_scratch(),
            sweep=populations.awake.copy(),
            swept=np.zeros(populations.size.size, dtype=np.uint8),
            live=np.zeros(n_padded // BLOCK, dtype=np.uint8),
            touched=np.zeros(n_padded // BLOCK, dtype=np.int64),
            live_list=np.zeros(n_padded // BLOCK, dtype=np.int64),
            n_live=np.zeros(populations.size.size, dtype=np.int64),
            known_list=np.zeros(n_padded // BLOCK, dtype=np.int64),
            n_known=np.zeros(populations.size.size, dtype=np.int64),
        )

    def _new_scratch(self) -> dict[str, Any]:
        """What each thread has for itself while it delivers spikes."""
        populations, projections = self.populations, self.projections
        floored = projections.target[projections.floor > 0]
        sums = (populations.ring * populations.stride)[floored]
        is_late = (projections.floor > 0) & (projections.kind == tables.DELAYED)
        late = (projections.span * populations.stride[projections.target])[is_late]
        return {
            "rows": np.zeros(int(populations.size.max()) + 3, dtype=np.uint32),
            "quads": np.zeros(int(projections.quads.max(initial=0)), dtype=np.int16),
            "tile": aligned_zeros(int(projections.tile.max(initial=0)), dtype=np.int16),
            "rest": np.zeros(int(late.max(initial=0)), dtype=np.uint16),
            "rest_number": np.zeros(1, dtype=np.int64),
            "sum16": aligned_zeros(int(projections.row.max(initial=0)), dtype=np.int16),
            "sum32": aligned_zeros(int(sums.max(initial=0)), dtype=np.int32),
        }

    def shares(self, state: tables.State, n_threads: int) -> list[tables.State]:
        """A state as other threads have it that work on it too: with scratch of their own."""
        made = self._scratch.setdefault(state, [])
        while len(made) < n_threads:
            made.append(dataclasses.replace(state, **self._new_scratch()))
        return made[:n_threads]

    def forms(self) -> WrittenForms:
        """In which form spikes are written down."""
        return WrittenForms(self.most_listed, self.populations.channels)

    def weights(self, name: str) -> np.ndarray:
        """Plastic weights of a projection, as the kernels read them.

        Returns
        -------
        int8 or int16, shape ``(n_pre, n_padded)``, writable; columns beyond ``n_post``
        are padding and must stay zero. Of listed synapses: int16, ``(n_synapses,)``.
        """
        place = self.plastic[name]
        if isinstance(place, PlasticList):
            listed: np.ndarray = self.synapses.weight
            return listed[place.base : place.base + place.synapses.pre.size]
        field, base, n_rows, row = place
        flat: np.ndarray = getattr(self.synapses, field)
        return flat[base : base + n_rows * row].reshape(n_rows, row)


def _wakings(populations: PopulationTable, projections: ProjectionTable) -> Any:
    """What wakes the targets of each part, where they are not always awake."""
    return addresses_of(
        None if populations.awake[target] else WAKINGS[kind]
        for kind, target in zip(projections.kind, projections.target, strict=True)
    )


def _ranges(
    network: FixedPointNetwork, populations: PopulationTable, projections: ProjectionTable
) -> np.ndarray:
    """By how many ranges threads may share each population, int64 ``(P,)``; 0 for one thread.

    What every part that ends there adds to a range must be found without the others: matrices,
    convolutions, single synapses, and lists that are sorted by target or by ranges of targets.
    Sums of delays that are floored reach over several steps in memory that all have in common.
    """
    ranges = np.where(populations.kind != tables.INPUT, ANY_RANGES, 0)
    n_synapses = np.zeros(ranges.size, dtype=np.int64)
    owners = set()
    for q, (owner, target) in enumerate(zip(projections.owner, projections.target, strict=True)):
        projection, kind = network.projections[owner], projections.kind[q]
        is_sorted = isinstance(projection, SparseProjection) and populations.channels[target] == 0
        cuts = 0
        if kind in BY_TARGET or (kind == tables.PACKED and is_sorted):
            cuts = ANY_RANGES
        elif kind == tables.DELAYED and projections.floor[q] == 0:
            cuts = int(projections.cuts[q])
        ranges[target] = min(ranges[target], cuts if cuts > 1 else 0)
        if cuts and owner not in owners:
            owners.add(owner)
            n_synapses[target] += _n_synapses(network, projection)
    shared = ranges > 0
    is_large = populations.size[shared].sum() >= SHARED_NEURONS
    return ranges * (is_large or n_synapses[shared].sum() >= SHARED_SYNAPSES)


def _n_synapses(network: FixedPointNetwork, projection: Any) -> int:
    if isinstance(projection, ConvProjection):
        target = network.population(projection.target)
        return int(target.n_neurons * projection.weights[0].size)
    if isinstance(projection, PoolProjection):
        return network.population(projection.source).n_neurons
    return int(projection.weights.size)


_PLANS: weakref.WeakKeyDictionary[FixedPointNetwork, Plan] = weakref.WeakKeyDictionary()


def plan_of(network: FixedPointNetwork) -> Plan:
    """The network's plan, lowered once and kept as long as the network lives."""
    if network not in _PLANS:
        _PLANS[network] = Plan(network)
    return _PLANS[network]
