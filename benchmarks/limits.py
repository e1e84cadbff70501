"""How long a workload would take if nothing but its additions and decays were done.

Loops in C (``limits.c``, compiled for this machine), each on arrays as large as the workload's,
are timed in the same run; a step's limit is their time for as many additions and neurons as the
engine counted. It is no proof: one thread, and memory as busy as it is just then.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workloads import Workload
from hw_models import ConvProjection, DenseProjection, PoolProjection
from ssdp_neuro import simulate
from ssdp_neuro.engine.kernels.tables import LANES

FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-shared", "-fPIC")
SOURCE = Path(__file__).with_name("limits.c")
REPEATS = 7
SPIKES, STEPS = 200, 50  # in one timed call


class Loops:
    """The compiled loops, and nanoseconds of one addition or neuron in each."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "limits.so"
            subprocess.run(["cc", *FLAGS, "-o", library, SOURCE], check=True)
            self._library = ctypes.CDLL(str(library))
        self._rng = np.random.default_rng(0)

    def rows(self, n_pre: int, n_post: int) -> float:
        """Of a dense matrix; rows are padded, as the engine's are."""
        n_post = -(-n_post // LANES) * LANES
        weights = self._rng.integers(-128, 128, (n_pre, n_post), dtype=np.int8)
        sums = np.zeros(n_post, dtype=np.int16)
        fired = self._fired(n_pre)
        seconds = self._time("rows", weights, fired, fired.size, n_post, sums)
        return seconds / (fired.size * n_post) * 1e9

    def scatter(self, n_pre: int, n_post: int, count: int) -> float:
        """Of a list with ``count`` synapses for each source."""
        words = self._rng.integers(0, n_post, (n_pre, count), dtype=np.uint32) << np.uint32(8)
        words.sort(axis=1)
        drive = np.zeros(n_post, dtype=np.int32)
        fired = self._fired(n_pre)
        seconds = self._time("scatter", words, fired, fired.size, count, drive)
        return seconds / (fired.size * count) * 1e9

    def taps(self, channels: int, n_post: int) -> float:
        """Of a convolution: vectors of one weight for each channel."""
        weights = self._rng.integers(-256, 256, (9, channels), dtype=np.int16)
        drive = np.zeros(n_post + channels, dtype=np.int32)
        places = self._rng.integers(0, n_post // channels, 10 * SPIKES) * channels
        places = places.astype(np.int32)
        seconds = self._time("taps", weights, channels, places, places.size, drive)
        return seconds / (places.size * channels) * 1e9

    def neurons(self, size: int) -> float:
        """Of neurons that share their parameters."""
        u, v, drive = (np.zeros(size, dtype=np.int32) for _ in range(3))
        flags = np.zeros(size, dtype=np.uint8)
        real = ctypes.c_float
        shares = real(0.9), real(0.97)
        given = (u, v, drive, flags, size, *shares, 1 << 20)
        return self._time("neurons", STEPS, *given) / (STEPS * size) * 1e9

    def _fired(self, n_pre: int) -> np.ndarray:
        return self._rng.integers(0, n_pre, SPIKES).astype(np.int32)

    def _time(self, name: str, *given: Any) -> float:
        """Seconds of one call, the best of some."""
        call: Callable[..., Any] = getattr(self._library, name)
        arguments = [
            ctypes.c_void_p(one.ctypes.data) if isinstance(one, np.ndarray) else one
            for one in given
        ]
        best = float("inf")
        for _ in range(REPEATS):
            started = time.perf_counter()
            for _ in range(20):
                call(*arguments)
            best = min(best, (time.perf_counter() - started) / 20)
        return best


def limit_us(workload: Workload) -> float | None:
    """Microseconds of a step of the whole batch on one core; None without a C compiler."""
    if shutil.which("cc") is None:
        return None
    network, loops = workload.network, Loops()
    result = simulate(network, workload.spikes, n_steps=workload.n_steps)
    total = 0.0
    for projection in network.projections:
        source, target = (network.population(e) for e in (projection.source, projection.target))
        n_pre, n_post = source.n_neurons, target.n_neurons
        if isinstance(projection, ConvProjection):
            each = loops.taps(projection.weights.shape[0], n_post)
        elif isinstance(projection, PoolProjection):
            each = loops.scatter(n_pre, n_post, 1)
        elif isinstance(projection, DenseProjection) and projection.delays is None:
            each = loops.rows(n_pre, n_post)
        else:
            count = max(projection.weights.size // n_pre, 1)
            each = loops.scatter(n_pre, n_post, count)
        total += each * result.counts.synaptic_operations[projection.name]
    for population in network.neurons:
        updates = result.counts.neuron_updates[population.name]
        total += loops.neurons(population.n_neurons) * updates
    return total / workload.n_steps / 1000
