"""What lies on the chip's grid is converted without any loss: spikes equal, one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.conversion_report import GridChoice
from conversions.quantization import Calibration, to_fixed_point
from conversions.real_network.simulator import simulate_real
from ssdp_neuro import simulate
from tests.conversions.quantization.networks import HALVING_STEPS, exact_networks


def assert_same_spikes(network, spikes, **settings):
    wanted = simulate_real(network, spikes).spikes
    fixed, report = to_fixed_point(network, **settings)
    n_steps = spikes.shape[1]
    run = simulate(fixed, spikes_in(fixed, spikes, report), n_steps=n_steps + max_shift(report))
    for name, fired in wanted.items():
        shift = report.shifts[name]
        assert (run.raster(name)[:, shift : shift + n_steps] == fired).all(), name
    return fixed, report


def max_shift(report):
    return max(report.shifts.values())


def spikes_in(fixed, spikes, report):
    padded = np.zeros((len(spikes), spikes.shape[1] + max_shift(report), *spikes.shape[2:]), bool)
    padded[:, : spikes.shape[1]] = spikes
    return {fixed.inputs[0].name: padded}


def random_spikes(seed, rate, n_steps):
    return np.random.default_rng(seed).random((3, n_steps, 30)) < rate


RATES = st.sampled_from([0.05, 0.3, 0.9])


@given(network=exact_networks(), seed=st.integers(0, 99), rate=RATES)
@settings(deadline=None, max_examples=60)
def test_to_fixed_point__without_leak_spikes_are_those_of_the_source(network, seed, rate):
    assert_same_spikes(network, random_spikes(seed, rate, 40))


@given(network=exact_networks(halving=True), seed=st.integers(0, 99), rate=RATES)
@settings(deadline=None, max_examples=60)
def test_to_fixed_point__halving_leaks_are_exact_while_bits_last(network, seed, rate):
    assert_same_spikes(network, random_spikes(seed, rate, HALVING_STEPS))


@given(network=exact_networks(gridded=False), seed=st.integers(0, 99), rate=RATES)
@settings(deadline=None, max_examples=30)
def test_to_fixed_point__finds_the_grid_that_weights_lie_on(network, seed, rate):
    spikes = random_spikes(seed, rate, 30)
    _, report = assert_same_spikes(network, spikes, calibration=Calibration(spikes=spikes))
    assert {layer.choice for layer in report.layers} == {GridChoice.EXACT}
    assert {layer.spike_agreement for layer in report.layers} == {1.0}
    assert {layer.largest_rounding_error for layer in report.layers} == {0.0}
