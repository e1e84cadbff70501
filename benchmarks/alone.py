"""What the engine is measured for without peers: silent neurons, and the price of a call."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

from benchmarks.workloads import Workload, neurons, silent
from hw_models import DenseProjection, FixedPointNetwork, InputPopulation
from ssdp_neuro import simulate
from ssdp_neuro.engine.spike_input import spike_input

SIZES = (100_000, 1_000_000)
CALLS = 400


def timed(workload: Workload) -> float:
    """Seconds of one call on prepared input, one thread."""
    spikes = spike_input(workload.network, workload.spikes, workload.n_steps)
    started = time.perf_counter()
    simulate(workload.network, spikes, n_steps=workload.n_steps, n_threads=1)
    return time.perf_counter() - started


def silent_neurons(n_rounds: int) -> dict[str, Any]:
    """The same events in ever more silent neurons; the ratio should stay at one."""
    workloads = [silent(size) for size in SIZES]
    for workload in workloads:
        timed(workload)
    rounds = [[timed(workload) for workload in workloads] for _ in range(n_rounds * 10)]
    few, many = zip(*rounds, strict=True)
    return {
        "neurons": SIZES,
        "best_us_per_step": [min(few) * 1e3, min(many) * 1e3],
        "ratio_best": min(many) / min(few),
        "ratio_median": statistics.median(b / a for a, b in rounds),
        "target": 1.2,
    }


def call_overhead(n_rounds: int) -> dict[str, Any]:
    """One step of one neuron: nearly all of it is the call from Python."""
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(1,)), neurons("out", 1, 100)],
        projections=[DenseProjection(source="in", target="out", weights=np.array([[100]]))],
    )
    workload = Workload(name="call", network=network, spikes=np.ones((1, 1), dtype=bool), n_steps=1)
    seconds = [timed(workload) for _ in range(n_rounds * CALLS)]
    return {
        "best_us": min(seconds) * 1e6,
        "median_us": statistics.median(seconds) * 1e6,
        "target_us": 100.0,
    }


def da_ssdp(n_rounds: int) -> dict[str, Any]:
    """The integer update's own benchmark, as it prints."""
    command = [sys.executable, "-m", "benchmarks.bench_da_ssdp"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"command": "python -m benchmarks.bench_da_ssdp", "output": done.stdout.splitlines()}


ALONE = {"silent": silent_neurons, "call": call_overhead, "DA-SSDP": da_ssdp}
