"""The rules of the table once more, by events and in integers that count.

Each does what a chip would have to: it looks at no synapse whose change is known to be 0, and keeps
no more than the state that the rule needs. Tests compare the weights with those of the engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.counted_integers import Counted, Event, Place, Tally
from benchmarks.few_shot_study.stdp import StdpParams
from hw_models import (
    DaSsdpParams,
    EpropParams,
    FixedPointNetwork,
    SynchronyStatistics,
    ThirdFactor,
)
from hw_models.dopamine import CORRELATION_ONE, GATE_ONE, OPEN_GATE_HIGH
from ssdp_neuro.oracle.dense_network import DenseLif
from ssdp_neuro.rules import SadpParams

SOURCE, TARGET = range(2)


class CountedRule:
    """What a rule does at a spike, after a step and after a sample; here, nothing."""

    def __init__(self, tally: Tally, network: FixedPointNetwork, seed: int) -> None:
        (projection,) = network.projections
        self.tally, self.seed = tally, seed
        self.weights = [[tally.number(w) for w in row] for row in projection.weights]
        self.sizes = len(self.weights[0]), len(self.weights)
        self.begin()

    def begin(self) -> None:
        """Forget the sample before."""

    def spike(self, side: int, neuron: int, step: int) -> None:
        """A source or a target fires."""

    def step(self, step: int, number: int, label: int, cells: DenseLif) -> None:
        """All spikes of a step have been told."""

    def sample(self, number: int, label: int, loss: int) -> None:
        """All steps of a sample have passed."""

    def change(self, post: int, pre: int, product: Counted, shift: int, *key: int) -> None:
        """Add ``product / 2**shift``, rounded by chance; of nothing, nothing is drawn."""
        if product == 0:
            return
        bits = self.tally.draw(*key, post, pre) & ((1 << shift) - 1)
        moved = self.weights[post][pre] + ((product + bits) >> shift)
        self.weights[post][pre] = moved.within(-128, 127)
        self.tally.note_update()


class GatedRule(CountedRule):
    """Counts and first spikes of the targets, from which gates come; by label or reward."""

    by_reward = False
    counts_spikes = True

    def begin(self) -> None:
        self.counts = [self.tally.number(0) for _ in range(self.sizes[TARGET])]
        self.first = [[self.tally.number(-1) for _ in range(size)] for size in self.sizes]

    def spike(self, side: int, neuron: int, step: int) -> None:
        with self.tally.at(Event.SPIKE, Place.NEURON):
            if self.first[side][neuron] < 0:
                self.first[side][neuron] = self.tally.number(step)
            if side == TARGET and self.counts_spikes:
                self.counts[neuron] = self.counts[neuron] + 1

    def winner(self) -> int:
        """Most spikes, then the earliest first one, then the lowest index; -1 if all are silent."""
        best = -1
        for j, count in enumerate(self.counts):
            if best < 0:
                best = j if count > 0 else -1
            elif count > self.counts[best] or (
                count == self.counts[best] and self.first[TARGET][j] < self.first[TARGET][best]
            ):
                best = j
        return best

    def gates(self, label: int) -> list[int]:
        """1, -1 or 0 for each target."""
        with self.tally.at(Event.SAMPLE, Place.NEURON):
            gates, winner = [0] * self.sizes[TARGET], self.winner()
            if self.by_reward:
                if winner >= 0:
                    gates[winner] = 1 if winner == label else -1
                return gates
            own = self.counts[label]
            for j, count in enumerate(self.counts):
                gates[j] = -1 if count > 0 and count >= own else 0
            gates[label] = 0 if winner == label else 1
            return gates


class CountedSsdp(GatedRule):
    """SSDP without a baseline: by a constant gate, a teacher's error or fitted dopamine."""

    def __init__(self, params: DaSsdpParams, *others: Any) -> None:
        assert not params.depression, "with a baseline silent neurons change weights too"
        assert not params.latency_shift, "a step is a code"
        self.params, self.statistics = params, SynchronyStatistics()
        self.counts_spikes = params.third_factor is ThirdFactor.TEACHER
        super().__init__(*others)

    def sample(self, number: int, label: int, loss: int) -> None:
        params = self.params
        codes = self.first
        gates = [GATE_ONE] * self.sizes[TARGET]
        if params.third_factor is ThirdFactor.TEACHER:
            gates = [GATE_ONE * gate for gate in self.gates(label)]
        elif params.third_factor is ThirdFactor.DOPAMINE:
            gates = [self.dopamine(codes, loss)] * self.sizes[TARGET]
        fired = [i for i, code in enumerate(codes[SOURCE]) if code.value >= 0]
        for j, gate in enumerate(gates):
            own = codes[TARGET][j]
            if own.value < 0 and gate > 0 and params.third_factor is ThirdFactor.TEACHER:
                own = self.tally.number(params.teacher_latency)
            if not gate or own.value < 0:
                continue
            with self.tally.at(Event.SAMPLE, Place.NEURON):
                factor = self.tally.number(params.potentiation) * gate
            with self.tally.at(Event.SAMPLE, Place.SYNAPSE):
                for i in fired:
                    kernel = self.tally.read(params.kernel, abs(own - codes[SOURCE][i]))
                    self.change(j, i, kernel * factor, params.shift, self.seed, number)

    def dopamine(self, codes: list[list[Counted]], loss: int) -> int:
        """The one gate of all targets; 0 while it is fitted."""
        with self.tally.at(Event.SAMPLE, Place.NEURON):
            before, after = (
                self.tally.number(sum(code.value >= 0 for code in side)) for side in codes
            )
            synchrony = before * after
            if self.statistics.n_samples < self.params.warm_up:
                self.statistics = self.statistics.add(synchrony.value, loss)
                return 0
            fit = self.statistics.fit(self.params.least_correlation)
            product = ((synchrony << 8) - fit.mean) * fit.correlation
            scale = CORRELATION_ONE // GATE_ONE * fit.deviation
            size = ((abs(product) << 1) + scale) // (2 * scale)
            change = size if product >= 0 else -size
            return (change + GATE_ONE).within(0, OPEN_GATE_HIGH).value


class CountedStdp(GatedRule):
    """Pair STDP of all spikes of a sample, which a log keeps."""

    def __init__(self, params: StdpParams, by_reward: bool, n_steps: int, *others: Any) -> None:
        self.params, self.by_reward = params, by_reward
        steps = np.arange(2 * n_steps)
        window = params.window(2 * n_steps)  # by post less pre step, from -n_steps on
        self.window = [int(window[max(d, 0), max(-d, 0)]) for d in steps - n_steps]
        self.n_steps = n_steps
        super().__init__(*others)

    def begin(self) -> None:
        super().begin()
        self.log: list[list[list[Counted]]] = [[[] for _ in range(n)] for n in self.sizes]

    def spike(self, side: int, neuron: int, step: int) -> None:
        super().spike(side, neuron, step)
        self.log[side][neuron].append(self.tally.number(step))

    def sample(self, number: int, label: int, loss: int) -> None:
        for j, gate in enumerate(self.gates(label)):
            after = self.log[TARGET][j]
            if not gate or not after:
                continue
            with self.tally.at(Event.SAMPLE, Place.SYNAPSE):
                for i, before in enumerate(self.log[SOURCE]):
                    if not before:
                        continue
                    total = self.tally.number(0)
                    for s in after:
                        for r in before:
                            distance = s - r
                            place = self.tally.number(distance.value + self.n_steps)
                            total = total + self.tally.read(self.window, place)
                    key = self.seed, 2 * number + (gate < 0)
                    self.change(j, i, total * (GATE_ONE * gate), self.params.shift, *key)


class CountedSadp(GatedRule):
    """SADP: a bit for a bin with a spike; agreement by counts of bits."""

    def __init__(self, params: SadpParams, n_steps: int, *others: Any) -> None:
        self.params, self.n_bins = params, -(-n_steps // params.bin_width)
        super().__init__(*others)

    def begin(self) -> None:
        super().begin()
        self.bins = [[self.tally.number(0) for _ in range(size)] for size in self.sizes]

    def spike(self, side: int, neuron: int, step: int) -> None:
        super().spike(side, neuron, step)
        with self.tally.at(Event.SPIKE, Place.NEURON):
            place = self.tally.number(step) // self.params.bin_width
            self.bins[side][neuron] = self.bins[side][neuron] | (1 << place.value)

    def sample(self, number: int, label: int, loss: int) -> None:
        params, n = self.params, self.n_bins
        gates = self.gates(label)
        with self.tally.at(Event.SAMPLE, Place.NEURON):
            ones = [[one.ones() for one in side] for side in self.bins]
        for j, gate in enumerate(gates):
            b = ones[TARGET][j]
            if not gate or not b.value:
                continue
            for i, a in enumerate(ones[SOURCE]):
                if not a.value:
                    continue
                with self.tally.at(Event.SAMPLE, Place.SYNAPSE):
                    together = (self.bins[SOURCE][i] & self.bins[TARGET][j]).ones()
                    product = a * b
                    upper = ((together * n) - product) << 1
                    lower = (a + b) * n - (product << 1)
                    if lower.value == 0:
                        continue
                    k = ((abs(upper) << 8) + lower) // (lower << 1)
                    rises = upper >= 0
                    amplitude = params.potentiation if rises else -params.depression
                    before = self.weights[j][i]
                    self.change(j, i, k * amplitude, params.shift, self.seed, number)
                    if gate < 0:
                        moved = self.weights[j][i] - before
                        self.weights[j][i] = (before - moved).within(-128, 127)


class CountedEprop(CountedRule):
    """Integer e-prop of the taught layer: a trace a neuron, work in every step."""

    def __init__(self, params: EpropParams, n_steps: int, *others: Any) -> None:
        self.params, self.n_steps = params, n_steps
        super().__init__(*others)

    def begin(self) -> None:
        self.before: list[int] = []  # sources whose spikes arrive now
        self.arriving: list[int] = []
        self.fired: list[int] = []
        self.trace: list[dict[int, Counted]] = [{}, {}]  # those that aren't 0
        self.stamp: dict[int, int] = {}  # step of a source's last arrival
        self.last: dict[int, int] = {}  # step of a target's last spike
        self.reset: dict[int, int] = {}  # and of its last reset

    def spike(self, side: int, neuron: int, step: int) -> None:
        (self.arriving if side == SOURCE else self.fired).append(neuron)

    def traced(self, side: int, spikes: list[int]) -> None:
        """A part is lost, a spike adds; time stamps have no sum."""
        params = self.params
        kept = {}
        for neuron, trace in self.trace[side].items():
            less = trace - ((trace + ((1 << params.decay_shift) - 1)) >> params.decay_shift)
            if less > 0:
                kept[neuron] = less
        for neuron in spikes:
            before = self.tally.number(0)
            if neuron in kept and not (params.stamped and side == SOURCE):
                before = kept[neuron]
            raised = before + params.impulse
            high = raised > params.trace_high
            kept[neuron] = self.tally.number(params.trace_high) if high else raised
        self.trace[side] = kept

    def step(self, step: int, number: int, label: int, cells: DenseLif) -> None:
        fired, self.fired = self.fired, []
        with self.tally.at(Event.STEP, Place.NEURON):
            self.traced(SOURCE, self.before)
            self.traced(TARGET, fired)
        self.stamp |= dict.fromkeys(self.before, step)
        late = 1, cells.population.refractory + 1  # a reset at a spike, one when it may fire again
        self.reset |= {j: step for j, spike in self.last.items() if step - spike in late}
        self.last |= dict.fromkeys(fired, step)
        self.before, self.arriving = self.arriving, []
        for j in range(self.sizes[TARGET]):
            with self.tally.at(Event.STEP, Place.NEURON):
                error = self.trace[TARGET].get(j, self.tally.number(0))
                if j == label:
                    error = error - self.params.wanted
                if error == 0:
                    continue
                slope = self.slope(j, step, cells)
                if slope == 0:
                    continue
                factor = -(error * slope)
            with self.tally.at(Event.STEP, Place.SYNAPSE):
                for i, trace in self.trace[SOURCE].items():
                    reset = self.tally.number(self.reset.get(j, 0))
                    if self.params.stamped and reset > self.stamp[i]:
                        continue
                    key = self.seed, number * self.n_steps + step
                    self.change(j, i, factor * trace, self.params.shift, *key)

    def slope(self, neuron: int, step: int, cells: DenseLif) -> Counted:
        """The pseudo-derivative."""
        params, tally = self.params, self.tally
        refractory = cells.population.refractory
        if neuron in self.last:
            since = tally.number(step) - self.last[neuron]
            if since == 0:
                return tally.number(params.psi_levels)
            if refractory and since <= refractory:
                return tally.number(params.psi_refractory)
        threshold = tally.number(cells.compared_with[0, neuron])
        distance = abs(tally.number(cells.v[0, neuron]) - threshold)
        level = params.psi_levels - (distance >> params.psi_shift)
        return tally.number(0) if level < 0 else level


class CountedPrototypes(CountedRule):
    """A sum of latencies of each class, and no neuron that learns."""

    def begin(self) -> None:
        if not hasattr(self, "sums"):
            zero = self.tally.number(0)
            self.sums = [[zero] * self.sizes[SOURCE] for _ in range(self.sizes[TARGET])]
        self.seen: list[tuple[int, int]] = []

    def spike(self, side: int, neuron: int, step: int) -> None:
        if side == SOURCE:
            self.seen.append((neuron, step))

    def sample(self, number: int, label: int, loss: int) -> None:
        with self.tally.at(Event.SAMPLE, Place.SYNAPSE):
            for neuron, step in self.seen:
                self.sums[label][neuron] = self.sums[label][neuron] + step
                self.tally.note_update()
