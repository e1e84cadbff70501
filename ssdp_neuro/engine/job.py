"""One run of a network: its windows of steps and samples, and what came out of them."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.kernels import network_run as kernels
from ssdp_neuro.engine.kernels.tables import InputTable, LatencyTable, ProbeTable, State, Tally
from ssdp_neuro.engine.output_reader import OutputReader, WindowOutput
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.results import EventCounts
from ssdp_neuro.engine.spike_input import SpikeInput
from ssdp_neuro.progress import Progress

FIRST_CHUNK_STEPS = 1024
CHUNK_SECONDS = 0.2  # steps per call grow until a call takes this long
CHUNKS_PER_THREAD = 4
SPIKES_PER_PART = 1 << 16
_NONE = np.zeros(0, dtype=np.int64)
NO_LATENCIES = LatencyTable(
    coded=_NONE,
    code_base=_NONE,
    shift=_NONE,
    silent=np.zeros(0, dtype=np.uint8),
    codes=np.zeros(0, dtype=np.uint8),
    counted=_NONE,
    count_base=_NONE,
    counts=np.zeros(0, dtype=np.int32),
    first=np.zeros(0, dtype=np.int32),
)


class Job:
    """One run: its tables, and the output of its windows.

    Parameters
    ----------
    begin
        Of a run that goes on where another ended: its first step, counted from the beginning of
        the sample. Then the state is looked at afterwards, so it holds every current, also
        those of which nothing is left in the next step.
    """

    def __init__(
        self,
        network: FixedPointNetwork,
        plan: Plan,
        n_threads: int,
        given: SpikeInput,
        n_steps: int,
        probes: tuple[tuple[str, str], ...],
        begin: int | None = None,
    ) -> None:
        self.network = network
        self.plan = plan
        self.n_threads = n_threads
        self.n_steps = n_steps
        self.n_samples = 1 if given.n_samples is None else given.n_samples
        self.batched = given.n_samples is not None
        self.begin = 0 if begin is None else begin
        self.inputs = self._inputs(given)
        self.probe_pairs = probes
        self.probes = self._probes(begin is not None)
        self.outputs: list[WindowOutput] = []
        self.tallies: list[Tally] = []

    def run_steps(self, bar: Progress) -> None:
        """One sample, from its beginning."""
        with self.plan.state() as state:
            self.go_on(state, bar)

    def go_on(self, state: State, bar: Progress, latencies: LatencyTable = NO_LATENCIES) -> None:
        """All steps of one sample with a state, in calls of about CHUNK_SECONDS."""
        step, chunk = 0, FIRST_CHUNK_STEPS
        while step < self.n_steps:
            end = min(step + chunk, self.n_steps)
            started = time.perf_counter()
            self.run_window(state, 0, 1, step, end, latencies)
            if time.perf_counter() - started < CHUNK_SECONDS:
                chunk *= 2
            step = end
            bar.update(step, self.n_steps, "steps")

    def run_samples(self, bar: Progress) -> None:
        """A batch, samples split between threads."""
        n_threads = max(min(self.n_threads, self.n_samples), 1)
        n_chunks = max(min(self.n_samples, n_threads * CHUNKS_PER_THREAD), 1)
        bounds = [self.n_samples * k // n_chunks for k in range(n_chunks + 1)]
        windows = iter(list(itertools.pairwise(bounds)))
        done = 0

        def work() -> None:
            nonlocal done
            with self.plan.state() as state:
                for first, last in windows:
                    self.run_window(state, first, last, 0, self.n_steps)
                    done += last - first
                    bar.update(done, self.n_samples, "samples")

        if n_threads == 1:
            work()
            return
        with ThreadPoolExecutor(n_threads - 1) as pool:
            others = [pool.submit(work) for _ in range(n_threads - 1)]
            work()
            for finished in others:
                finished.result()

    def run_window(
        self,
        state: State,
        first: int,
        last: int,
        start: int,
        end: int,
        latencies: LatencyTable = NO_LATENCIES,
    ) -> None:
        """Samples ``first..last - 1`` over steps ``start..end - 1``; keeps what comes out."""
        counts = np.zeros((last - first, end - start, len(self.plan.index)), dtype=np.int32)
        tally = self._tally()
        steps = [self.begin + start, self.begin + end, self.n_steps]
        window = np.array([first, last, *steps], dtype=np.int64)
        cursor = np.array([first, steps[0], 0, 0], dtype=np.int64)
        parts = []
        done = False
        while not done:
            out = np.empty(SPIKES_PER_PART + cursor[3], dtype=np.int32)
            cursor[2] = 0
            done = kernels.run_network(
                cursor,
                window,
                self.plan.populations,
                self.plan.projections,
                self.plan.synapses,
                state,
                self.inputs,
                self.probes,
                latencies,
                counts,
                out,
                tally,
            )
            used = out[: cursor[2]]
            parts.append(used if 2 * used.size > out.size else used.copy())
        self.outputs.append(WindowOutput(first, start, counts, parts))
        self.tallies.append(tally)

    def silent_tables(self, state: State, latencies: LatencyTable) -> tuple[Any, ...]:
        """Arguments of a run of which nothing is kept but what ``latencies`` listens to."""
        return (
            np.zeros(4, dtype=np.int64),
            np.array([0, 0, 0, 0, self.n_steps], dtype=np.int64),
            self.plan.populations,
            self.plan.projections,
            self.plan.synapses,
            state,
            self.inputs,
            self.probes,
            latencies,
            np.zeros((0, 0, 0), dtype=np.int32),
            np.zeros(0, dtype=np.int32),
            self._tally(),
        )

    def reader(self) -> OutputReader:
        """What reads the spikes of all windows."""
        sizes = {population.name: population.n_neurons for population in self.network.populations}
        return OutputReader(self.outputs, self.plan.index, sizes, self.n_samples, self.n_steps)

    def probe_arrays(self) -> dict[tuple[str, str], np.ndarray]:
        """Probes by (population, variable): int32 ``(T, N)``, or ``(B, T, N)`` for a batch."""
        arrays = {}
        for k, (name, variable) in enumerate(self.probe_pairs):
            size = self.network.population(name).n_neurons
            base = self.probes.base[k] + self.begin * size
            values = self.probes.values[base : base + self.n_samples * self.n_steps * size]
            shape = (self.n_samples, self.n_steps, size)
            arrays[name, variable] = values.reshape(shape if self.batched else shape[1:])
        return arrays

    def event_counts(self) -> EventCounts:
        """What all windows did together."""
        names = list(self.plan.index)
        spikes = sum(
            (window.counts.sum(axis=(0, 1), dtype=np.int64) for window in self.outputs),
            np.zeros(len(names), dtype=np.int64),
        )
        updates = sum((t.updates for t in self.tallies), np.zeros(len(names), dtype=np.int64))
        q_names = [projection.name for projection in self.network.projections]
        operations = sum((t.operations for t in self.tallies), np.zeros(len(q_names), np.int64))
        return EventCounts(
            spikes=dict(zip(names, spikes.tolist(), strict=True)),
            synaptic_operations=dict(zip(q_names, operations.tolist(), strict=True)),
            neuron_updates=dict(zip(names, updates.tolist(), strict=True)),
        )

    def _tally(self) -> Tally:
        return Tally(
            updates=np.zeros(len(self.plan.index), dtype=np.int64),
            operations=np.zeros(len(self.network.projections), dtype=np.int64),
        )

    def _inputs(self, given: SpikeInput) -> InputTable:
        base = np.full(len(self.plan.index), -1, dtype=np.int64)
        starts, indices = [], []
        place = events = 0
        for name in given.starts:
            base[self.plan.index[name]] = place - self.begin
            starts.append(given.starts[name] + events if events else given.starts[name])
            indices.append(given.indices[name])
            place += starts[-1].size
            events += indices[-1].size
        return InputTable(base, _joined(starts, np.int64), _joined(indices, np.int32))

    def _probes(self, keeps_currents: bool) -> ProbeTable:
        neurons = [self.network.population(name).n_neurons for name, _ in self.probe_pairs]
        sizes = [self.n_samples * self.n_steps * n_neurons for n_neurons in neurons]
        populations = [self.plan.index[name] for name, _ in self.probe_pairs]
        base = np.cumsum([0, *sizes])[:-1] - self.begin * np.array(neurons, dtype=np.int64)
        voltage = [variable == "v" for _, variable in self.probe_pairs]
        if keeps_currents and not populations:  # with a probe, of no population, kernels keep them
            populations, voltage, base = [-1], [False], np.zeros(1, dtype=np.int64)
        return ProbeTable(
            population=np.array(populations, dtype=np.int64),
            voltage=np.array(voltage, dtype=np.uint8),
            base=base.astype(np.int64),
            values=np.zeros(sum(sizes), dtype=np.int32),
        )


def _joined(parts: list[np.ndarray], dtype: Any) -> np.ndarray:
    """Arrays one after the other, always read-only: kernels are compiled for that once."""
    whole = parts[0].view() if len(parts) == 1 else np.concatenate([np.zeros(0, dtype), *parts])
    whole.flags.writeable = False
    return whole
