"""What one process of a peer measures: how long a run takes, and which spikes came out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.workloads import Workload
from hw_models import LifPopulation


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """Times and spikes of one peer in one process.

    Parameters
    ----------
    seconds_per_step
        Of each timed run, all samples of the batch together.
    events
        Spikes of LIF populations by name: int32 ``(n, 3)``, rows (sample, step, index) in
        this order.
    n_samples, n_steps
        The first samples and steps, which the events are of.
    versions
        Of the packages that did it.
    """

    seconds_per_step: tuple[float, ...]
    events: Mapping[str, np.ndarray]
    n_samples: int
    n_steps: int
    versions: Mapping[str, str]

    def save(self, folder: Path) -> None:
        """Write to ``folder`` for the process that asked."""
        np.savez(folder / "events.npz", **self.events)
        fields = {
            "seconds_per_step": self.seconds_per_step,
            "n_samples": self.n_samples,
            "n_steps": self.n_steps,
            "versions": dict(self.versions),
        }
        (folder / "measurement.json").write_text(json.dumps(fields))


def load(folder: Path) -> Measurement:
    """What :meth:`Measurement.save` wrote."""
    fields = json.loads((folder / "measurement.json").read_text())
    fields["seconds_per_step"] = tuple(fields["seconds_per_step"])
    with np.load(folder / "events.npz", allow_pickle=False) as arrays:
        return Measurement(events={name: arrays[name] for name in arrays.files}, **fields)


def time_runs(run: Callable[[], object], n_steps: int, repeats: int) -> tuple[float, ...]:
    """Seconds per step of ``repeats`` runs of ``n_steps`` each."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append((time.perf_counter() - started) / n_steps)
    return tuple(seconds)


def events_of_raster(raster: np.ndarray) -> np.ndarray:
    """Rows (sample, step, index) of a bool array ``(B, T, N)`` or ``(T, N)``."""
    batch = raster if raster.ndim == 3 else raster[None]
    return np.argwhere(batch).astype(np.int32)


def input_pairs(workload: Workload) -> np.ndarray:
    """Input of a workload without a batch as (step, index) pairs, int64 ``(n, 2)``."""
    return np.argwhere(workload.spikes) if workload.spikes.dtype == bool else workload.spikes


def shares_kept(population: LifPopulation) -> tuple[float, float]:
    """The shares of current and membrane potential that a step leaves, in real numbers."""
    current, voltage = only(population.current_decay), only(population.voltage_decay)
    return (4096 - (current + 1)) / 4096, (4096 - voltage) / 4096


def only(values: Iterable[int] | np.ndarray) -> int:
    """The value that all entries have."""
    (value,) = {int(value) for value in np.atleast_1d(np.asarray(values)).flat}
    return value
