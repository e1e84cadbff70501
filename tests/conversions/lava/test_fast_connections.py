"""Convolutions and delays in compiled loops: equal to Lava's own models, to the last bit."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import pytest
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import DelaySparse
from scipy.sparse import csr_matrix

from conversions.lava.runtime import fast_convolution, fast_delays
from tests.conversions.lava.compared_models import N_STEPS, assert_equal

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
SHAPES = {  # input shape, and what else a Conv is given; kernels (out, x, y, in)
    "plain": ((6, 5, 2), (3, 3, 2, 2), {}),
    "padded": ((7, 4, 3), (2, 3, 3, 3), {"padding": (1, 2), "stride": (2, 1)}),
    "dilated": ((9, 8, 2), (4, 3, 2, 2), {"dilation": (2, 3), "padding": 2}),
    "grouped": ((5, 5, 4), (6, 2, 2, 2), {"groups": 2, "stride": (1, 3)}),
    "depthwise": ((5, 6, 3), (3, 3, 3, 1), {"groups": 3, "padding": 1}),
    "tall": ((3, 9, 2), (2, 2, 7, 2), {"padding": (0, 1)}),
    "points": ((3, 2, 8), (5, 1, 1, 8), {}),
}


@pytest.fixture
def calls(monkeypatch):
    """How often a compiled loop was called."""
    for is_graded in (False, True):
        fast_convolution.adds_in_order(is_graded)
    counted = []
    for module, name in (
        (fast_convolution, "convolve"),
        (fast_convolution, "convolve_whole"),
        (fast_delays, "fixed_delays"),
        (fast_delays, "float_delays"),
    ):
        loop = getattr(module, name)

        def counting(*parts, loop=loop):
            counted.append(loop)
            loop(*parts)

        monkeypatch.setattr(module, name, counting)
    return counted


def neurons_of(shape, tag):
    fixed = tag == "fixed_pt"
    return LIF(shape=shape, du=500 if fixed else 0.2, dv=0, vth=60 if fixed else 0.6)


def numbers(rng, shape, bits, tag):
    """Spikes, or numbers that a sender of the tag may send."""
    fires = rng.random(shape) < 0.3
    if bits == 0:
        return fires * 1
    return fires * (rng.integers(-9, 9, shape) if tag == "fixed_pt" else rng.normal(size=shape))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
@pytest.mark.parametrize("bits", [0, 8])
def test_fast_models__convolutions(name, tag, bits, calls, monkeypatch):
    image, kernel, arguments = SHAPES[name]

    def build(rng):
        weights = rng.normal(0, 40, kernel) * (0.01 if tag == "floating_pt" else 1)
        source = Source(data=numbers(rng, (*image, 11), bits, tag))
        conv = Conv(input_shape=image, weight=weights, num_message_bits=bits, **arguments)
        neurons = neurons_of(conv.output_shape, tag)
        source.s_out.connect(conv.s_in)
        conv.a_out.connect(neurons.a_in)
        return [neurons, conv]

    def new_kernel(step, neurons, conv):
        if step == 1:
            conv.weight.set(conv.weight.get()[::-1] * 3)

    assert "run_spk" in assert_equal(build, tag, monkeypatch, [new_kernel])
    assert len(calls) == 2 * N_STEPS


def test_fast_models__convolution_overflows_as_lavas(calls, monkeypatch):
    def build(rng):
        source = Source(data=rng.integers(-(2**20), 2**20, (4, 4, 2, 11)))
        weights = rng.integers(-255, 255, (3, 2, 2, 2))
        conv = Conv(input_shape=(4, 4, 2), weight=weights, num_message_bits=24)
        neurons = neurons_of(conv.output_shape, "fixed_pt")
        source.s_out.connect(conv.s_in)
        conv.a_out.connect(neurons.a_in)
        return [neurons, conv]

    assert "run_spk" in assert_equal(build, "fixed_pt", monkeypatch)
    assert len(calls) == 2 * N_STEPS


@pytest.mark.parametrize("n_pre", [1, 7, 40, 130, 700])
@pytest.mark.parametrize("kind", [DelayDense, DelaySparse])
@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
@pytest.mark.parametrize("bits", [0, 8])
def test_fast_models__delays(kind, tag, bits, n_pre, calls, monkeypatch):
    """Sums of as many numbers as NumPy adds up in one, two and more blocks."""
    n_post = 3

    def build(rng):
        is_there = rng.random((n_post, n_pre)) < 0.8
        weights = rng.integers(2, 90, (n_post, n_pre)) * rng.choice([-1, 1], (n_post, n_pre))
        weights = weights * is_there * (0.0123 if tag == "floating_pt" else 1)
        delays = rng.integers(0, 5, (n_post, n_pre)) * is_there
        arguments = {"num_message_bits": bits, "max_delay": 6}
        if tag == "fixed_pt":
            arguments["weight_exp"] = -2 if n_pre % 2 else 1
        if kind is DelaySparse:
            weights, delays = csr_matrix(weights), csr_matrix(delays)
        into = kind(weights=weights, delays=delays, **arguments)
        source, neurons = Source(data=numbers(rng, (n_pre, 11), bits, tag)), neurons_of((3,), tag)
        source.s_out.connect(into.s_in)
        into.a_out.connect(neurons.a_in)
        return [neurons, into]

    def update(step, neurons, into):
        if step == 1 and kind is DelayDense:  # a sparse matrix has another form in Lava's get
            into.delays.set(into.delays.init[::-1].copy())

    assert "run_spk" in assert_equal(build, tag, monkeypatch, [update])
    is_left = kind is DelaySparse and tag == "floating_pt" and bits > 0
    by_lava = N_STEPS if is_left else int(tag == "fixed_pt")  # where weights are cut off
    assert len(calls) == 2 * (N_STEPS - by_lava)


@pytest.mark.parametrize("kind", [DelayDense, DelaySparse])
def test_fast_models__delays_overflow_as_lavas(kind, calls, monkeypatch):
    def build(rng):
        weights, delays = rng.integers(100, 250, (3, 20)), rng.integers(0, 3, (3, 20))
        if kind is DelaySparse:
            weights, delays = csr_matrix(weights), csr_matrix(delays)
        into = kind(weights=weights, delays=delays, num_message_bits=24, weight_exp=-3)
        source = Source(data=rng.integers(2**21, 2**24, (20, 11)))
        neurons = neurons_of((3,), "fixed_pt")
        source.s_out.connect(into.s_in)
        into.a_out.connect(neurons.a_in)
        return [neurons, into]

    assert "run_spk" in assert_equal(build, "fixed_pt", monkeypatch)
    assert len(calls) == 2 * (N_STEPS - 1)
