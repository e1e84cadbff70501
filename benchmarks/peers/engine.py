"""This distribution's engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.peers.measurement import Measurement, time_runs
from benchmarks.workloads import Workload
from ssdp_neuro import simulate
from ssdp_neuro.engine.results import RunResult
from ssdp_neuro.engine.spike_input import spike_input

REPEATS = 8


def measure(workload: Workload, n_threads: int, folder: Path) -> Measurement:
    """Time whole calls of ``simulate`` on prepared input, after a first one."""
    spikes = spike_input(workload.network, workload.spikes, workload.n_steps)

    def run() -> RunResult:
        return simulate(workload.network, spikes, n_steps=workload.n_steps, n_threads=n_threads)

    result = run()
    return Measurement(
        seconds_per_step=time_runs(run, workload.n_steps, REPEATS),
        events={
            lif.name: events(result, lif.name, workload.compared)
            for lif in workload.network.neurons
        },
        n_samples=min(result.n_samples or 1, workload.compared),
        n_steps=workload.n_steps,
        versions=result.versions,
    )


def events(result: RunResult, name: str, n_samples: int) -> np.ndarray:
    """Rows (sample, step, index) of a population's spikes, of the first samples."""
    found = result.events(name)
    sample = found["sample"] if result.n_samples is not None else np.zeros(found.size, np.int32)
    return np.stack([sample, found["step"], found["index"]], axis=1)[sample < n_samples]
