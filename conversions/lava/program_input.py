"""Spikes of a Lava program's sources: ring buffers, and what is injected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError
from ssdp_neuro.engine.spike_forms import EventLists, event_lists
from ssdp_neuro.engine.spike_input import SpikeInput


@dataclass(frozen=True, eq=False)
class ProgramInput:
    """Input of any number of steps, from ring buffers that are turned into events once.

    Parameters
    ----------
    network
        Its input populations are the sources.
    ring_data
        int32 ``(n_neurons, buffer)`` by input population; other inputs are injected.
    """

    network: FixedPointNetwork
    ring_data: Mapping[str, np.ndarray]
    _rings: dict[str, EventLists] = field(init=False, default_factory=dict, repr=False)

    def spikes(self, n_steps: int, injected: Mapping[str, Any]) -> SpikeInput:
        """Spikes of ``n_steps`` steps; what is not given of injected ones is silent.

        Raises
        ------
        InputError
            If spikes are for another population, or are a batch.
        """
        allowed = [p.name for p in self.network.inputs if p.name not in self.ring_data]
        unknown = [name for name in injected if name not in allowed]
        if unknown:
            known = ", ".join(map(repr, allowed)) or "none"
            raise InputError(f"spikes of {unknown[0]!r}: allowed are Injectors, here {known}")
        lists = {p.name: self._events(p, n_steps, injected) for p in self.network.inputs}
        batches = [name for name, events in lists.items() if events.n_samples is not None]
        if batches:
            raise InputError(f"spikes of {batches[0]!r}: a batch; a Lava program runs one sample")
        return SpikeInput(
            n_samples=None,
            starts={name: events.starts for name, events in lists.items()},
            indices={name: events.indices for name, events in lists.items()},
            merged=sum(events.merged for events in lists.values()),
        )

    def _events(self, population: Any, n_steps: int, injected: Mapping[str, Any]) -> EventLists:
        name = population.name
        if name in injected:
            return event_lists(population, injected[name], n_steps)
        if name not in self.ring_data:
            return EventLists(np.zeros(n_steps + 1, np.int64), np.zeros(0, np.int32), None)
        if name not in self._rings:
            raster = self.ring_data[name].T != 0
            self._rings[name] = event_lists(population, raster, len(raster))
        return _repeated(self._rings[name], n_steps)


def _repeated(ring: EventLists, n_steps: int) -> EventLists:
    """The events of a ring buffer that starts again when it is through."""
    rounds, rest = divmod(n_steps, ring.starts.size - 1)
    count = ring.indices.size
    whole = ring.starts[:-1] + count * np.arange(rounds)[:, None]
    starts = np.concatenate([whole.reshape(-1), ring.starts[: rest + 1] + count * rounds])
    indices = np.concatenate([np.tile(ring.indices, rounds), ring.indices[: ring.starts[rest]]])
    return EventLists(starts, indices, None)
