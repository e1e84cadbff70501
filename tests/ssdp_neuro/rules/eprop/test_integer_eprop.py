"""Integer e-prop against a twin that keeps histories and has no state, a synapse at a time."""

import tracemalloc

import numpy as np
import pytest

from hw_models import RangeError, ResetMode, ShapeError, TypeMismatchError
from hw_models.random_bits import random_bits
from ssdp_neuro.rules.eprop import (
    IntegerEprop,
    ResetEligibility,
    SoftResetLif,
    StdpLif,
    eprop_rest,
    eprop_step,
    eprop_update,
    gradient,
    run_neurons,
)


def less(value, shift):
    """Toward zero by a part, rounded up."""
    size = abs(value)
    size -= -(-size // 2**shift)
    return size if value >= 0 else -size


class Twin:
    """One target: its history, from which everything is found anew."""

    def __init__(self, params, n_pre):
        self.params, self.v, self.t = params, 0, -1
        self.heard = [[] for _ in range(n_pre)]  # steps of each source's spikes
        self.fired, self.resets = [], []

    def step(self, weights, inputs):
        p = self.params
        self.t += 1
        last = self.fired[-1] if self.fired else -1000
        self.v = less(self.v, p.decay_shift)
        if p.reset is ResetMode.SUBTRACT and last == self.t - 1:
            self.v -= p.threshold
        if p.reset is ResetMode.ZERO and self.t - last in {1, p.refractory + 1}:
            self.v = 0
            self.resets.append(self.t)
        for pre, x in enumerate(inputs):
            if x:
                self.heard[pre].append(self.t)
                self.v += int(weights[pre]) * 2**p.weight_shift
        self.v = max(-32768, min(self.v, 32767))
        resting = self.t - last <= p.refractory
        if self.v >= p.threshold and not resting:
            self.fired.append(self.t)
        if resting:
            self.psi = p.psi_refractory
        else:
            far = abs(self.v - p.threshold)
            self.psi = sum(far * p.psi_levels < k * p.threshold for k in range(1, p.psi_levels + 1))
        return self.fired[-1:] == [self.t]

    def eligibility(self, pre):
        p, steps = self.params, self.heard[pre]
        if p.stamped:
            if not steps or (self.resets and steps[-1] < self.resets[-1]):
                return 0
            value = p.impulse
            for _ in range(self.t - steps[-1]):
                value = less(value, p.decay_shift)
            return value
        value = 0
        for t in range(self.t + 1):
            value = min(less(value, p.decay_shift) + p.impulse * (t in steps), p.trace_high)
        return value

    def learned(self, weights, signal, post, seed, step):
        p, after = self.params, []
        for pre, w in enumerate(weights):
            product = -signal * self.psi * self.eligibility(pre)
            low = int(random_bits(seed, step, post, pre)) % 2**p.shift
            after.append(
                max(p.weight_low, min(int(w) + (product + low) // 2**p.shift, p.weight_high))
            )
        return after


def random_params(rng):
    stamped = rng.random() < 0.5
    bits, levels = int(rng.integers(4, 9)), int(rng.integers(1, 16))
    return IntegerEprop(
        threshold=int(rng.integers(1, 400)),
        weight_shift=int(rng.integers(0, 5)),
        decay_shift=int(rng.integers(1, 8)),
        reset=ResetMode.ZERO if stamped or rng.random() < 0.5 else ResetMode.SUBTRACT,
        refractory=int(rng.integers(0, 7)),
        psi_levels=levels,
        psi_refractory=-int(rng.integers(0, levels + 1)),
        reset_eligibility=ResetEligibility.TIME_STAMP if stamped else ResetEligibility.NONE,
        trace_bits=bits,
        impulse=int(rng.integers(1, 2**bits)),
        shift=int(rng.integers(0, 16)),
        weight_low=-100,
        weight_high=90,
    )


@pytest.mark.parametrize("part", range(4))
def test_layer__is_its_twin(part):
    fired = changed = 0
    for seed in range(40 * part, 40 * part + 40):
        rng = np.random.default_rng(seed)
        params, (n_post, n_pre) = random_params(rng), rng.integers(1, 4, 2)
        weights = rng.integers(-100, 91, (n_post, n_pre))
        state, rate = eprop_rest(n_post, n_pre), rng.random()
        twins = [Twin(params, n_pre) for _ in range(n_post)]
        for step in range(30):
            inputs = rng.random(n_pre) < rate
            signal = rng.integers(-255, 256, n_post) * (rng.random(n_post) < 0.7)
            state, spikes = eprop_step(params, weights, state, inputs)
            slow = [t.step(row, inputs) for t, row in zip(twins, weights, strict=True)]
            assert spikes.tolist() == slow
            assert state.voltage.tolist() == [t.v for t in twins]
            assert state.psi.tolist() == [t.psi for t in twins]
            expected = [
                t.learned(row, int(signal[i]), i, seed, step)
                for i, (t, row) in enumerate(zip(twins, weights, strict=True))
            ]
            learned = eprop_update(params, weights, state, signal, seed=seed, step=step)
            assert learned.tolist() == expected
            fired, changed = fired + spikes.sum(), changed + (learned != weights).sum()
            weights = learned
    assert fired > 100
    assert changed > 100


@pytest.mark.parametrize("stamped", [False, True])
def test_changes__are_those_of_real_numbers_on_average(stamped):
    """The neuron in real numbers with the integers' spikes; a trace without saturation."""
    rng = np.random.default_rng(0)
    params = IntegerEprop(
        reset=ResetMode.ZERO if stamped else ResetMode.SUBTRACT,
        reset_eligibility=ResetEligibility.TIME_STAMP if stamped else ResetEligibility.NONE,
        psi_levels=15,
        psi_refractory=-5 if stamped else 0,
        shift=13,
    )
    inputs = rng.random((200, 40)) < 0.03
    weights = rng.integers(0, 60, (3, 40))
    signal = rng.integers(-100, 101, (200, 3))
    total = np.zeros((3, 40))
    for repeat in range(30):
        state = eprop_rest(3, 40)
        spikes = np.zeros((200, 3))
        for step in range(200):
            state, spikes[step] = eprop_step(params, weights, state, inputs[step])
            bits = {"seed": repeat, "step": step}
            total += eprop_update(params, weights, state, signal[step], **bits) - weights
    common = {"alpha": 7 / 8, "refractory": 5}
    real = SoftResetLif(**common)
    if stamped:
        stamp = ResetEligibility.TIME_STAMP
        real = StdpLif(**common, psi_refractory=-0.1, reset_eligibility=stamp)
    run = run_neurons(real, weights * 8 / 1024, inputs, forced=spikes)
    assert spikes.sum() > 20
    # psi 0.3 is level 15, a trace of one is an impulse of 64
    wanted = -gradient(real, run, signal) * (15 / 0.3) * 64 / 2**13
    error = total / 30 - wanted
    assert np.corrcoef(total.ravel(), wanted.ravel())[0, 1] > 0.98
    assert abs(error.mean()) < 0.1 * np.abs(wanted).mean()


def test_memory__is_of_neurons_and_not_of_synapses():
    params = IntegerEprop()
    state = eprop_rest(500, 700)
    assert sum(part.nbytes for part in state) == 5 * 500 + 2 * 700
    rng = np.random.default_rng(1)
    weights = rng.integers(-5, 60, (500, 700)).astype(np.int8)
    tracemalloc.start()
    for step in range(3):
        state, _ = eprop_step(params, weights, state, rng.random(700) < 0.05)
        weights = eprop_update(params, weights, state, np.full(500, 3), seed=0, step=step)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4.2 * weights.size  # checked copies of the weights, and int64 of active columns


def test_pseudo_derivative__has_its_levels_and_all_traces_end():
    params = IntegerEprop(psi_levels=3, threshold=90, weight_shift=0, decay_shift=7)
    seen = []
    for weight in range(0, 128):
        state, _ = eprop_step(params, [[weight]], eprop_rest(1, 1), [1])
        seen.append(int(state.psi[0]))
    assert [seen.count(k) for k in range(4)] == [1, 30, 38, 59]
    assert seen[90] == 3
    state, _ = eprop_step(params, [[0]], eprop_rest(1, 1), [1])
    for _ in range(254):
        state, _ = eprop_step(params, [[0]], state, [0])
    assert state.trace[0] == 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: IntegerEprop(threshold=0), RangeError, "threshold"),
        (lambda: IntegerEprop(psi_refractory=-5), RangeError, "psi_refractory"),
        (lambda: IntegerEprop(trace_bits=4), RangeError, "impulse: 64; allowed 1..15"),
        (
            lambda: IntegerEprop(reset_eligibility=ResetEligibility.EXACT),
            TypeMismatchError,
            "each synapse",
        ),
        (lambda: IntegerEprop(reset=ResetMode.SUBTRACT), TypeMismatchError, "TIME_STAMP"),
        (
            lambda: eprop_step(IntegerEprop(), [[1]], eprop_rest(1, 2), [1, 0]),
            ShapeError,
            "weights",
        ),
        (lambda: eprop_step(IntegerEprop(), [[1]], eprop_rest(1, 1), [1, 0]), ShapeError, "inputs"),
        (
            lambda: eprop_update(IntegerEprop(), [[1]], eprop_rest(1, 1), [300], seed=0, step=0),
            RangeError,
            "signal",
        ),
    ],
)
def test_bad_values__are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()
