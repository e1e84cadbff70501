"""The edges of a neuron's datapath, by hand: oracle, engine and Lava all have them."""

import numpy as np
import pytest

from hw_models import ResetMode
from tests.parity.by_hand import EVERYWHERE, NEVER, dense, one_neuron, pulse

pytestmark = [pytest.mark.lava, pytest.mark.kernel]


@EVERYWHERE
@pytest.mark.parametrize(
    ("weight", "extra", "expected"),
    [
        (128, 0, 2**23),  # the upper edge stays
        (128, 1, -(2**23) + 64),
        (-128, 0, 2**23),  # the lower edge goes to the upper one
        (-128, 1, -(2**23) + 64),
        (-128, -1, 2**23 - 64),
    ],
)
def test_current__wraps_at_24_bits(run, weight, extra, expected):
    network = one_neuron(
        dense(np.full((1, 8), weight), weight_exponent=7, name="edge"),
        dense([[extra] + [0] * 7], name="beyond"),
        size=8,
    )
    result = run(network, pulse(2, 8), n_steps=2, probes=[("out", "u")])
    assert result.probe("out", "u").ravel().tolist() == [0, expected]


@EVERYWHERE
@pytest.mark.parametrize(
    ("weight", "inputs", "expected"),
    [
        (255, 1028, 2147450880 - 2**24),  # inside 32 bits; one correction follows
        (255, 1029, 2149539840 - 2**32 + 2**24),  # outside
        (128, 2048, -(2**31) + 2**24),  # exactly 2**31
        (-256, 1025, -2149580800 + 2**32 - 2**24),
    ],
)
def test_current__wraps_at_32_bits_first(run, weight, inputs, expected):
    network = one_neuron(dense(np.full((1, inputs), weight), weight_exponent=7), size=inputs)
    result = run(network, pulse(2, inputs), n_steps=2, probes=[("out", "u")])
    assert result.probe("out", "u").ravel().tolist() == [0, expected]


@EVERYWHERE
@pytest.mark.parametrize(("weight", "edge"), [(127, 2**23 - 1), (-127, 1 - 2**23)])
def test_voltage__clips(run, weight, edge):
    network = one_neuron(dense(np.full((1, 8), weight), weight_exponent=7), size=8, voltage_decay=0)
    spikes = np.ones((4, 8), dtype=bool)
    result = run(network, spikes, n_steps=4, probes=[("out", "v")])
    first = weight * 8 * 128 * 64
    assert result.probe("out", "v").ravel().tolist() == [0, first, edge, edge]


@EVERYWHERE
@pytest.mark.parametrize(
    ("mantissa", "exponent", "bias"),
    [(-5, -1, -3), (5, -1, 2), (-1, -15, -1), (1, -15, 0), (-7, 15, -7 << 15), (3, 2, 12)],
)
def test_bias__floors_and_shifts(run, mantissa, exponent, bias):
    network = one_neuron(bias_mantissa=mantissa, bias_exponent=exponent)
    result = run(network, None, n_steps=2, probes=[("out", "v")])
    assert result.probe("out", "v").ravel().tolist() == [bias, bias]


@EVERYWHERE
def test_threshold__equality_is_no_spike(run):
    network = one_neuron(dense([[1]]), threshold=1, voltage_decay=0)
    result = run(network, np.ones((4, 1), dtype=bool), n_steps=4, probes=[("out", "v")])
    assert result.raster("out").ravel().tolist() == [False, False, True, False]
    assert result.probe("out", "v").ravel().tolist() == [0, 64, 0, 64]


@EVERYWHERE
@pytest.mark.parametrize(
    ("reset", "expected"), [(ResetMode.ZERO, [0, 0, 0]), (ResetMode.SUBTRACT, [64, 128, 192])]
)
def test_threshold__may_be_negative(run, reset, expected):
    network = one_neuron(threshold=-1, voltage_decay=0, reset=reset)
    result = run(network, None, n_steps=3, probes=[("out", "v")])
    assert result.raster("out").ravel().tolist() == [True, True, True]
    assert result.probe("out", "v").ravel().tolist() == expected


@EVERYWHERE
def test_neurons__have_their_own_parameters(run):
    network = one_neuron(
        dense([[100], [100], [100]]),
        shape=(3,),
        current_decay=[4095, 0, 2047],
        voltage_decay=[0, 4096, 1024],
        threshold=[NEVER, 99, NEVER],
    )
    result = run(network, pulse(3), n_steps=3, probes=[("out", "u"), ("out", "v")])
    assert result.probe("out", "u").tolist() == [[0, 0, 0], [6400, 6400, 6400], [0, 6398, 3200]]
    assert result.probe("out", "v").tolist() == [[0, 0, 0], [6400, 0, 6400], [6400, 0, 8000]]
    assert result.raster("out").tolist() == [
        [False] * 3,
        [False, True, False],
        [False, True, False],
    ]


@EVERYWHERE
def test_refractory__holds_the_potential_while_the_current_goes_on(run):
    network = one_neuron(
        dense([[2]]), threshold=1, refractory=2, reset=ResetMode.SUBTRACT, voltage_decay=0
    )
    spikes = np.ones((6, 1), dtype=bool)
    result = run(network, spikes, n_steps=6, probes=[("out", "u"), ("out", "v")])
    assert result.raster("out").ravel().tolist() == [False, True, False, False, True, False]
    assert result.probe("out", "u").ravel().tolist() == [0, 128, 128, 128, 128, 128]
    assert result.probe("out", "v").ravel().tolist() == [0, 64, 64, 64, 128, 128]


@EVERYWHERE
@pytest.mark.parametrize("refractory", [0, 1])
def test_periodic_reset__lets_what_is_under_way_in(run, refractory):
    network = one_neuron(
        dense([[5]]),
        current_decay=0,
        voltage_decay=0,
        reset_interval=3,
        reset_offset=7,  # the steps 0, 3, ... of the run, Lava's 1, 4, ...
        refractory=refractory,
    )
    spikes = np.array([1, 0, 1, 0], dtype=bool)[:, None]
    result = run(network, spikes, n_steps=4, probes=[("out", "u"), ("out", "v")])
    assert result.probe("out", "u").ravel().tolist() == [0, 320, 319, 320]
    assert result.probe("out", "v").ravel().tolist() == [0, 320, 639, 320]


@EVERYWHERE
@pytest.mark.parametrize("fields", [{}, {"reset": ResetMode.SUBTRACT}, {"reset_interval": 3}])
def test_state__begins_as_given_in_every_sample(run, fields):
    begin = {"u": -4096, "v": 1000 * 64 + 4096, "threshold": 900, "voltage_decay": 0}
    network = one_neuron(dense([[1]]), **{**begin, "current_decay": 2047, **fields})
    result = run(network, np.zeros((2, 4, 1), dtype=bool), n_steps=4, probes=[("out", "v")])
    first = 1000 * 64 + 2048
    left = first - 900 * 64 if fields.get("reset") is ResetMode.SUBTRACT else 0
    later = [left - 1024, left - 1536, left - 1792]
    if "reset_interval" in fields:
        later[1:] = [0, 0]
    assert result.probe("out", "v").tolist() == [[[left], *([v] for v in later)]] * 2
    assert result.raster("out").tolist() == [[[True], [False], [False], [False]]] * 2
