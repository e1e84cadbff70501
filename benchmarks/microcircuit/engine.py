"""The circuit in this distribution's engine."""

from __future__ import annotations

import dataclasses
import itertools
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.microcircuit.background import background
from benchmarks.microcircuit.integers import circuit
from benchmarks.microcircuit.parameters import POPULATIONS, STEP_MS, Scale
from hw_models import FixedPointNetwork
from ssdp_neuro import Session, simulate
from ssdp_neuro.engine.plan import plan_of
from ssdp_neuro.engine.results import RunResult
from ssdp_neuro.engine.spike_input import SpikeInput
from ssdp_neuro.progress import Progress

BLOCK_STEPS = 250


@dataclass
class Built:
    """A network that is ready to run, and what it took."""

    network: FixedPointNetwork
    numbers: dict[str, float]


@dataclass
class Run:
    """Spikes by population, rows (step, neuron); and what the run took."""

    spikes: dict[str, np.ndarray]
    numbers: dict[str, float]


def build(scale: Scale, seed: int, is_poisson: bool) -> Built:
    """Draw the synapses and lower them, and say how it goes on."""
    started = time.perf_counter(), time.process_time()
    with Progress(None, "drawing synapses") as bar:
        network = circuit(
            scale, seed, is_poisson, lambda n, total: bar.update(n, total, "synapses")
        )
    made = time.perf_counter(), time.process_time()
    print("ssdp_neuro: lowering the network ...", file=sys.stderr, flush=True)
    plan = plan_of(network)
    lowered = time.perf_counter(), time.process_time()
    n_synapses = sum(p.pre.size for p in network.projections)  # type: ignore[union-attr]
    tables = plan.synapses
    n_bytes = sum(getattr(tables, field.name).nbytes for field in dataclasses.fields(tables))
    return Built(
        network,
        {
            "neurons": int(scale.sizes.sum()),
            "synapses": n_synapses,
            "drawing_s": made[0] - started[0],
            "drawing_cpu_s": made[1] - started[1],
            "lowering_s": lowered[0] - made[0],
            "lowering_cpu_s": lowered[1] - made[1],
            "engine_bytes_per_synapse": n_bytes / n_synapses,
            "peak_memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        },
    )


def run(
    built: Built, scale: Scale, seed: int, is_poisson: bool, n_steps: int, n_threads: int = 1
) -> Run:
    """All steps; the threads are for a network without a Poisson background.

    With one it runs block by block, and a block's background is drawn while another runs.
    """
    started = time.perf_counter(), time.process_time()
    if is_poisson:
        found, operations, in_engine = _run_blocks(built.network, scale, seed, n_steps)
    else:
        result = simulate(built.network, None, n_steps=n_steps, n_threads=n_threads)
        found = {name: [_rows(result, name, 0)] for name in POPULATIONS}
        operations = sum(result.counts.synaptic_operations.values())
        in_engine = time.perf_counter() - started[0]
    seconds, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    spikes = {name: np.concatenate(parts) for name, parts in found.items()}
    model_s = n_steps * STEP_MS / 1000
    return Run(
        spikes,
        {
            "times_real_time": seconds / model_s,
            "times_real_time_cpu": cpu / model_s,
            "times_real_time_engine": in_engine / model_s,
            "operations_per_step": operations / n_steps,
        },
    )


def _run_blocks(
    network: FixedPointNetwork, scale: Scale, seed: int, n_steps: int
) -> tuple[dict[str, list[np.ndarray]], int, float]:
    """Spikes, synaptic operations, and seconds in the engine."""
    session = Session(network)
    found: dict[str, list[np.ndarray]] = {name: [] for name in POPULATIONS}
    operations, in_engine = 0, 0.0
    with Progress(None) as bar:
        for first, given, steps in _blocks(scale, seed, n_steps):
            before = time.perf_counter()
            result = session.run(given, steps)
            in_engine += time.perf_counter() - before
            for name in POPULATIONS:
                found[name].append(_rows(result, name, first))
            operations += sum(result.counts.synaptic_operations.values())
            bar.update(first + steps, n_steps, "steps")
    return found, operations, in_engine


def _rows(result: RunResult, name: str, first: int) -> np.ndarray:
    """Rows (step, neuron) of a population's spikes in a run that began at a step."""
    events: Any = result.events(name)
    return np.stack([events["step"] + first, events["index"]], axis=1)


def _blocks(scale: Scale, seed: int, n_steps: int) -> Iterator[tuple[int, SpikeInput, int]]:
    """First step, input and number of steps of each block."""
    bounds = [*range(0, n_steps, BLOCK_STEPS), n_steps]
    with ThreadPoolExecutor(1) as drawing:
        drawn = drawing.submit(background, scale, seed, 0, bounds[1])
        for number, (first, end) in enumerate(itertools.pairwise(bounds)):
            given = drawn.result()
            if end < n_steps:
                steps = bounds[number + 2] - end
                drawn = drawing.submit(background, scale, seed, number + 1, steps)
            yield first, given, end - first
