"""What the engine is measured for beside the network cases: its own times, and learning's peers."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

from benchmarks import bench_learning_rules
from benchmarks.workloads import (
    Workload,
    convolutional,
    delayed,
    delayed_list,
    dense,
    large,
    neurons,
    silent,
)
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


def beside(
    workloads: dict[str, Workload], n_rounds: int, n_threads: dict[str, int] | None = None
) -> dict[str, Any]:
    """Best and median microseconds per step (and sample) of workloads in turn, and of what share
    of the first one's time; the ratio is the median of those of the rounds.
    """
    given = {
        name: spike_input(one.network, one.spikes, one.n_steps) for name, one in workloads.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in workloads}
    for number in range(n_rounds + 1):
        for name, one in workloads.items():
            threads = 1 if n_threads is None else n_threads[name]
            started = time.perf_counter()
            simulate(one.network, given[name], n_steps=one.n_steps, n_threads=threads)
            if number:  # the first run lowers the network, and may compile
                seconds[name].append(time.perf_counter() - started)
    first = next(iter(seconds.values()))
    found = {}
    for name, one in workloads.items():
        us = 1e6 / (one.n_steps * (given[name].n_samples or 1))
        found[name] = {
            "best_us": min(seconds[name]) * us,
            "median_us": statistics.median(seconds[name]) * us,
            "ratio_best": min(seconds[name]) / min(first),
            "ratio_median": statistics.median(
                b / a for a, b in zip(first, seconds[name], strict=True)
            ),
        }
    return found


def image_sides(n_rounds: int) -> dict[str, Any]:
    """Convolutions on images whose planes fall into one cache set, and on others."""
    sides = (62, 64, 66)
    return beside(
        {f"{side} x {side}": convolutional(side, 3, 1, 10, 8, 50) for side in sides}, 2 * n_rounds
    )


def delays(n_rounds: int) -> dict[str, Any]:
    """Matrix and list with delays, and with weights below one unit."""
    return beside(
        {
            "matrix, delays 0 to 60": delayed(60),
            "matrix, exponent -2": delayed(60, -2),
            "matrix, delays 0 and 1": delayed(1),
            "matrix, no delays": dense(0.05),
            "list, delays 0 to 60": delayed_list(),
            "list, exponent -2": delayed_list(-2),
        },
        4 * n_rounds,
    )


def two_threads(n_rounds: int) -> dict[str, Any]:
    """One sample of a million neurons with 100 targets each, 1.4 % of which fire in a step."""
    workload = large(20, 1_000_000, 14_000)
    threads = {"1 thread": 1, "2 threads": 2}
    return beside(dict.fromkeys(threads, workload), 2 * n_rounds, threads)


def da_ssdp(n_rounds: int) -> dict[str, Any]:
    """The integer update's own benchmark, as it prints."""
    command = [sys.executable, "-m", "benchmarks.bench_da_ssdp"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"command": "python -m benchmarks.bench_da_ssdp", "output": done.stdout.splitlines()}


def pair_stdp(n_rounds: int) -> dict[str, Any]:
    """W5: pair STDP on given spike trains, beside Lava and Brian 2."""
    return bench_learning_rules.measured_rounds("pair 100x100", n_rounds)


BESIDE = {
    "image sides": image_sides,
    "delays": delays,
    "million neurons": two_threads,
}
ALONE = {
    "W5": pair_stdp,
    "silent": silent_neurons,
    "call": call_overhead,
    "DA-SSDP": da_ssdp,
    **BESIDE,
}
