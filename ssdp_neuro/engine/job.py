"""One run of a network: its windows of steps and samples, and what came out of them."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import wait
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.aligned import aligned_zeros
from ssdp_neuro.engine.core_use import helpers
from ssdp_neuro.engine.kernels.catalog import ASSIST, LEAD, RECORD, RUN_NETWORK, addresses_of
from ssdp_neuro.engine.kernels.native import INTERPRETED
from ssdp_neuro.engine.kernels.tables import (
    OVER,
    SIGNAL,
    InputTable,
    LatencyTable,
    ProbeTable,
    RuleTable,
    State,
    Tables,
    Tally,
    TeamTable,
    WindowTable,
)
from ssdp_neuro.engine.output_memory import taken
from ssdp_neuro.engine.output_reader import OutputReader, WindowOutput
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.results import EventCounts
from ssdp_neuro.engine.spike_input import SpikeInput
from ssdp_neuro.progress import Progress

FIRST_CHUNK_STEPS = 1024
CHUNK_SECONDS = 0.2  # steps per call grow until a call takes this long
CHUNKS_PER_THREAD = 4
# in a part; of each next one more: from 4 MB on NumPy asks for huge pages
SPIKES_PER_PART, MOST_PER_PART = 1 << 16, 1 << 22
_NONE = np.zeros(0, dtype=np.int64)
_NOTHING = np.zeros(0, dtype=np.int32)
NO_RULES = RuleTable(learn=_NONE, learners=_NONE)
NO_PROBES = ProbeTable(
    population=_NONE,
    voltage=np.zeros(0, dtype=np.uint8),
    base=_NONE,
    values=_NOTHING,
    record=_NONE,
)
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
    note=_NONE,
)


class Job:
    """One run: its tables, and the output of its windows.

    Parameters
    ----------
    begin
        Of a run that goes on where another ended: its first step, counted from the beginning of
        the sample. Then the state is looked at afterwards, so it holds every current, also
        those of which nothing is left in the next step.
    rules
        Those that learn in this run; it is of one sample, on one thread.
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
        rules: RuleTable | None = None,
    ) -> None:
        self.network = network
        self.plan = plan
        self.n_threads = n_threads
        self.n_steps = n_steps
        self.n_samples = 1 if given.n_samples is None else given.n_samples
        self.batched = given.n_samples is not None
        self.begin = 0 if begin is None else begin
        self.rules = NO_RULES if rules is None else rules
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
        others = [helpers().submit(work) for _ in range(n_threads - 1)]
        try:
            work()
        finally:
            at_work = [other for other in others if not other.cancel()]
            wait(at_work)
        for other in at_work:
            other.result()

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
        bounds = np.array([first, last, self.begin + start, self.begin + end, self.n_steps])
        cursor = np.array([first, self.begin + start, 0, 0])
        parts = []
        done, room = 0, SPIKES_PER_PART
        while not done:
            fired = taken(room + int(cursor[3]))
            cursor[2] = 0
            window = WindowTable(bounds, cursor, counts.reshape(-1), fired, self.plan.most_listed)
            done = self._run(state, latencies, tally, window)
            room = min(16 * room, MOST_PER_PART)
            used = fired[: cursor[2]]
            parts.append(used if 2 * used.size > fired.size else used.copy())
        self.outputs.append(WindowOutput(first, start, counts, parts))
        self.tallies.append(tally)

    def silent_tables(self, state: State, latencies: LatencyTable) -> Tables:
        """Of runs of which nothing is kept but what ``latencies`` listens to."""
        bounds = np.array([0, 0, 0, 0, self.n_steps])
        none = np.zeros_like(self.plan.most_listed)
        window = WindowTable(bounds, np.array([0, 0, 0, 0]), _NOTHING, _NOTHING, none)
        return self._tables(self.plan.alone, self._tally(), state, latencies, window)

    def _run(self, state: State, latencies: LatencyTable, tally: Tally, window: WindowTable) -> int:
        """Go on with a window; with one sample of a large network on several threads."""
        rest = (latencies, window)
        n_members = self.n_threads if self.n_samples == 1 and self.plan.is_divided else 1
        if INTERPRETED or n_members == 1:
            return RUN_NETWORK(0, 0, 0, 0, self._tables(self.plan.alone, tally, state, *rest))
        shared = np.zeros(len(self.plan.index), dtype=np.uint8)
        signal = aligned_zeros((n_members + 1) * SIGNAL, np.int64)
        begun = threading.Semaphore(0)

        def assist(member: int, counted: Tally, shared_state: State) -> None:
            begun.release()
            team = TeamTable(np.array([member, n_members]), signal, shared, _NONE)
            try:
                ASSIST(0, 0, 0, 0, self._tables(team, counted, shared_state, *rest))
            except BaseException:
                signal[member * SIGNAL] = OVER
                raise

        leader = TeamTable(np.array([0, n_members]), signal, shared, addresses_of([LEAD]))
        addresses_of([ASSIST])
        tallies = [self._tally() for _ in range(n_members - 1)]
        shares = self.plan.shares(state, n_members - 1)
        given = zip(range(1, n_members), tallies, shares, strict=True)
        others = [helpers().submit(assist, *each) for each in given]
        for _ in others:
            begun.acquire()
        try:
            done = RUN_NETWORK(0, 0, 0, 0, self._tables(leader, tally, state, *rest))
        finally:
            signal[0] = OVER
            wait(others)
        for other in others:
            other.result()
        self.tallies += tallies
        return done

    def _tables(
        self,
        team: TeamTable,
        tally: Tally,
        state: State,
        latencies: LatencyTable,
        window: WindowTable,
    ) -> Tables:
        return Tables(
            populations=self.plan.populations,
            projections=self.plan.projections,
            synapses=self.plan.synapses,
            state=state,
            inputs=self.inputs,
            probes=self.probes,
            latencies=latencies,
            tally=tally,
            window=window,
            team=team,
            rules=self.rules,
        )

    def reader(self) -> OutputReader:
        """What reads the spikes of all windows."""
        sizes = {population.name: population.n_neurons for population in self.network.populations}
        return OutputReader(
            self.outputs, self.plan.index, sizes, self.plan.forms(), self.n_samples, self.n_steps
        )

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
        if not (self.probe_pairs or keeps_currents):
            return NO_PROBES
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
            record=addresses_of([RECORD] if self.probe_pairs else []),
        )


def _joined(parts: list[np.ndarray], dtype: Any) -> np.ndarray:
    """Arrays one after the other."""
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, dtype), *parts])
