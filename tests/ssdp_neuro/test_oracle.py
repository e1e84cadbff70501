"""The dense oracle against single synapses in plain Python integers."""

import importlib
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    ResetMode,
    SparseProjection,
)
from ssdp_neuro.oracle import run_oracle, simulate
from tests.strategies import cases


def synapses_of(projection, source, target):
    """(pre, post, weight, delay) of every synapse, from the definition of each kind."""
    if isinstance(projection, SparseProjection):
        delays = projection.delays if projection.delays is not None else 0 * projection.weights
        columns = (projection.pre, projection.post, projection.weights, delays)
        return [tuple(int(x) for x in row) for row in zip(*columns, strict=True)]
    if isinstance(projection, DenseProjection):
        delays = projection.delays if projection.delays is not None else 0 * projection.weights
        return [
            (pre, post, int(projection.weights[post, pre]), int(delays[post, pre]))
            for post, pre in np.ndindex(*projection.weights.shape)
        ]
    if not isinstance(projection, ConvProjection):
        projection = projection.as_convolution(source.shape[0])
    (stride_y, stride_x), (pad_y, pad_x) = projection.stride, projection.padding
    dilation_y, dilation_x = projection.dilation
    n_out, n_in, rows, columns = projection.weights.shape
    found = []
    for out, y, x in np.ndindex(*target.shape):
        group = out // (n_out // projection.groups)
        for channel, row, column in product(range(n_in), range(rows), range(columns)):
            from_y = y * stride_y - pad_y + row * dilation_y
            from_x = x * stride_x - pad_x + column * dilation_x
            if 0 <= from_y < source.shape[1] and 0 <= from_x < source.shape[2]:
                place = (group * n_in + channel, from_y, from_x)
                pre = int(np.ravel_multi_index(place, source.shape))
                post = int(np.ravel_multi_index((out, y, x), target.shape))
                found.append((pre, post, int(projection.weights[out, channel, row, column]), 0))
    return found


def wrapped(value, bits):
    value %= 2**bits
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def decayed(value, kept):
    return abs(value) * kept // 4096 * (1 if value >= 0 else -1)


class PlainNeuron:
    def __init__(self, population, index):
        def own(field):
            values = getattr(population, field)
            return int(values[index if values.size > 1 else 0])

        self.record = population
        self.kept = 4095 - own("current_decay"), 4096 - own("voltage_decay")
        self.threshold = own("threshold") * 64
        self.rise, self.kept_rise = own("threshold_rise") * 64, 4096 - own("threshold_decay")
        self.risen = 0
        exponent = own("bias_exponent")
        mantissa = own("bias_mantissa")
        self.bias = mantissa << exponent if exponent >= 0 else mantissa >> -exponent
        self.u, self.v, self.waiting = own("u"), own("v"), 0

    def step(self, time_step, arriving):
        record = self.record
        if record.reset_interval and (time_step - record.reset_offset) % record.reset_interval == 0:
            self.u = self.v = self.waiting = self.risen = 0
        self.u = wrapped(decayed(self.u, self.kept[0]) + wrapped(arriving << 6, 32), 32)
        if self.u > 2**23:
            self.u -= 2**24
        elif self.u <= -(2**23):
            self.u += 2**24
        self.risen = decayed(self.risen, self.kept_rise)
        if self.waiting:
            self.waiting -= 1
            return False
        v = wrapped(decayed(self.v, self.kept[1]) + self.u + self.bias, 32)
        self.v = min(max(v, -(2**23) + 1), 2**23 - 1)
        if self.v <= self.threshold + self.risen:
            return False
        self.risen = min(self.risen + self.rise, 2**23 - 1)
        self.waiting = record.refractory
        zero = record.reset is ResetMode.ZERO
        self.v = 0 if zero else wrapped(self.v - self.threshold, 32)
        return True


def plain_run(network, spikes, n_steps):
    """Spikes by (population, step, neuron), the states after each step, operations."""
    fired = {
        (name, int(t), int(i)) for name, sample in spikes.items() for t, i in np.argwhere(sample)
    }
    listed = {
        projection.name: synapses_of(
            projection, network.population(projection.source), network.population(projection.target)
        )
        for projection in network.projections
    }
    neurons = {p.name: [PlainNeuron(p, i) for i in range(p.n_neurons)] for p in network.neurons}
    states = {}
    for step in range(n_steps):
        arriving = {}
        for projection in network.projections:
            sums = {}
            for pre, post, weight, delay in listed[projection.name]:
                if (projection.source, step - 1 - delay, pre) in fired:
                    sums[post, delay] = sums.get((post, delay), 0) + weight
            for (post, _), total in sums.items():
                exponent = projection.weight_exponent
                scaled = total << exponent if exponent >= 0 else total >> -exponent
                place = (projection.target, post)
                arriving[place] = arriving.get(place, 0) + scaled
        for name, population in neurons.items():
            for i, neuron in enumerate(population):
                if neuron.step(step + 1, arriving.get((name, i), 0)):
                    fired.add((name, step, i))
                states[name, step, i] = (neuron.u, neuron.v)
    times = Counter((name, i) for name, _, i in fired)
    operations = {
        projection.name: sum(times[projection.source, pre] for pre, *_ in listed[projection.name])
        for projection in network.projections
    }
    return fired, states, operations


@settings(max_examples=60, deadline=None)
@given(case=cases(max_steps=6, max_samples=1))
def test_run_oracle__equals_single_synapses(case):
    network, spikes, n_steps = case
    probes = [(population.name, x) for population in network.neurons for x in "uv"]
    run = run_oracle(network, spikes, n_steps, probes)
    fired, states, operations = plain_run(
        network, {name: raster[0] for name, raster in spikes.items()}, n_steps
    )
    for name, raster in run.rasters.items():
        assert {(name, int(t), int(i)) for t, i in np.argwhere(raster[0])} == {
            place for place in fired if place[0] == name
        }
        assert run.spikes[name] == int(raster.sum())
    for (name, step, i), (u, v) in states.items():
        assert int(run.probes[name, "u"][0, step, i]) == u
        assert int(run.probes[name, "v"][0, step, i]) == v
    assert run.synaptic_operations == operations


@settings(max_examples=20, deadline=None)
@given(case=cases(max_samples=3))
def test_run_oracle__computes_every_sample_by_itself(case):
    network, spikes, n_steps = case
    together = run_oracle(network, spikes, n_steps)
    for number in range(next((len(raster) for raster in spikes.values()), 1)):
        part = {name: raster[number : number + 1] for name, raster in spikes.items()}
        alone = run_oracle(network, part, n_steps)
        for name, raster in alone.rasters.items():
            assert np.array_equal(raster[0], together.rasters[name][number])


def chain(weight=100, n=1, **fields):
    """One input, one neuron, one synapse."""
    lif = {"current_decay": 4095, "voltage_decay": 4096, "threshold": 50}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=n),
            LifPopulation(name="out", shape=1, **lif | fields),
        ],
        projections=[DenseProjection(source="in", target="out", weights=[[weight] * n])],
    )


def steps_of(network, spikes, n_steps):
    return np.flatnonzero(run_oracle(network, {"in": spikes}, n_steps).rasters["out"]).tolist()


ONCE = np.arange(8).reshape(1, 8, 1) == 1
ALWAYS = np.ones((1, 8, 1), dtype=bool)


def test_run_oracle__a_spike_arrives_one_step_later():
    assert steps_of(chain(), ONCE, 8) == [2]


def test_run_oracle__the_threshold_must_be_exceeded():
    assert steps_of(chain(weight=50), ONCE, 8) == []
    assert steps_of(chain(weight=51), ONCE, 8) == [2]


def test_run_oracle__refractory_neurons_rest_as_long_as_they_should():
    assert steps_of(chain(), ALWAYS, 8) == [1, 2, 3, 4, 5, 6, 7]
    assert steps_of(chain(refractory=2), ALWAYS, 8) == [1, 4, 7]


def test_run_oracle__periodic_reset_counts_steps_from_one():
    # 20 a step without leak: above 50 in the third step of input after a reset
    slow = {"voltage_decay": 0, "weight": 20}
    assert steps_of(chain(**slow), ALWAYS, 8) == [3, 6]
    assert steps_of(chain(**slow, reset_interval=4, reset_offset=1), ALWAYS, 8) == [3, 6]
    assert steps_of(chain(**slow, reset_interval=4, reset_offset=3), ALWAYS, 8) == [4]
    assert steps_of(chain(**slow, reset_interval=4, reset_offset=7), ALWAYS, 8) == [4]


def test_run_oracle__reset_by_subtraction_keeps_the_rest():
    network = chain(voltage_decay=0, weight=70, reset=ResetMode.SUBTRACT)
    run = run_oracle(network, {"in": ALWAYS[:, :5]}, 5, [("out", "v")])
    assert run.rasters["out"].ravel().tolist() == [False, True, True, True, True]
    assert run.probes["out", "v"].ravel().tolist() == [0, 20 * 64, 40 * 64, 60 * 64, 80 * 64]


def test_run_oracle__rounds_down_once_for_each_delay():
    def first_input(delays):
        network = FixedPointNetwork(
            populations=chain(n=2).populations,
            projections=[
                DenseProjection(
                    source="in", target="out", weights=[[-3, -3]], weight_exponent=-2, delays=delays
                )
            ],
        )
        spikes = np.zeros((1, 3, 2), dtype=bool)
        spikes[0, 0, 0] = spikes[0, 0 if delays is None else 1, 1] = True
        run = run_oracle(network, {"in": spikes}, 3, [("out", "u")])
        return run.probes["out", "u"][0, :, 0].tolist()

    assert first_input(None) == [0, -2 * 64, 0]  # floor(-6 / 4)
    assert first_input([[1, 0]]) == [0, 0, -2 * 64]  # floor(-3 / 4) twice


def crowd(n, **fields):
    """Many strong synapses on one neuron, all hit in every step."""
    projection = DenseProjection(
        source="in", target="out", weights=np.full((1, n), 255), weight_exponent=7
    )
    network = FixedPointNetwork(
        populations=chain(n=n, **fields).populations, projections=[projection]
    )
    run = run_oracle(network, {"in": np.ones((1, 3, n), bool)}, 3, [("out", "u"), ("out", "v")])
    return [run.probes["out", variable].ravel().tolist() for variable in "uv"]


def test_run_oracle__input_wraps_at_32_bits_before_the_current_wraps_at_24():
    arriving = (1100 * 255 << 7 << 6) - 2**32
    assert arriving < -(2**24)
    assert crowd(1100)[0] == [0, arriving + 2**24, arriving + 2**24]


def test_run_oracle__sums_wrap_at_32_bits():
    fields = {"current_decay": 0, "bias_mantissa": 2**15 - 1, "bias_exponent": 15}
    u, v = crowd(1028, threshold=2**25 - 1, **fields)
    arriving, bias = 1028 * 255 << 7 << 6, (2**15 - 1) << 15
    assert arriving < 2**31
    first = arriving - 2**24
    second = first * 4095 // 4096 + arriving - 2**32
    assert second < -(2**23)
    assert u == [0, first, second + 2**24]
    assert first + bias - 2**32 < -(2**23)
    assert v == [2**23 - 1, -(2**23) + 1, 2**23 - 1]


def test_run_oracle__subtracting_a_far_threshold_wraps_at_32_bits():
    network = chain(voltage_decay=1, threshold=-(2**25), reset=ResetMode.SUBTRACT)
    run = run_oracle(network, {"in": ONCE}, 8, [("out", "v")])
    assert run.rasters["out"].ravel().tolist() == [True] * 8
    low, high = -(2**23) + 1, 2**23 - 1  # where v is clipped before it is reset
    values = run.probes["out", "v"].ravel().tolist()
    assert values[:4] == [-(2**31), low + 2**31, high - 2**31, low + 2**31]


def test_simulate__returns_what_the_engine_returns():
    result = simulate(chain(), ONCE, n_steps=8, probes=[("out", "v")], seed=3)
    assert (result.executor, result.seed, result.n_samples) == ("oracle", 3, 1)
    assert result.probe("out", "v").shape == result.raster("out").shape == (1, 8, 1)
    single = simulate(chain(), ONCE[0], n_steps=8, probes=[("out", "v")])
    assert single.n_samples is None
    assert single.probe("out", "v").shape == single.raster("out").shape == (8, 1)
    assert single.events("out").tolist() == [(2, 0)]
    assert single.counts.spikes == {"in": 1, "out": 1}
    assert single.counts.synaptic_operations == {"in->out": 1}
    assert single.counts.neuron_updates == {"out": 8}
    with pytest.raises(InputError, match="probe"):
        simulate(chain(), ONCE, n_steps=8, probes=["v"])


def test_oracle__is_installed_with_the_distribution():
    installed = importlib.import_module("ssdp_neuro.oracle")
    assert installed.simulate(chain(), ONCE, n_steps=8).raster("out").sum() == 1
