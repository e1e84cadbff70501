"""Graded spikes of ring buffers: what neurons get of them, and what rules do with their numbers."""

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this

# isort: split
import numpy as np
import pytest
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import csr_matrix

from conversions import from_lava
from hw_models import ConversionError, GradedSpikes, SignMode
from hw_models.lava_processes.direct_run import DirectRun
from tests.parity.lava_rules import learning_dense
from tests.parity.test_from_lava_learning import assert_same_as_lava

pytestmark = [pytest.mark.lava, pytest.mark.kernel]

N_PRE, N_POST, N_STEPS = 4, 3, 90


def numbers(rng, high, n=N_PRE, rate=0.3):
    return RingBuffer(data=(rng.random((n, 37)) < rate) * rng.integers(1, high + 1, (n, 37)))


def connections(rng):
    weights = rng.integers(-50, 90, (N_POST, N_PRE)) * (rng.random((N_POST, N_PRE)) < 0.7)
    delays = rng.integers(0, 4, weights.shape)
    graded = {"num_message_bits": 24}
    yield Dense(weights=weights, weight_exp=1, **graded)
    yield Sparse(weights=csr_matrix(weights), **graded)
    yield DelayDense(weights=weights, delays=delays, **graded)
    yield DelaySparse(weights=csr_matrix(weights), delays=csr_matrix(delays), **graded)


@pytest.mark.filterwarnings("ignore:Changing the sparsity structure")
def test_from_lava__delivers_graded_spikes_as_lava_does():
    rng = np.random.default_rng(1)
    cell = LIF(shape=(N_POST,), du=900, dv=700, vth=3000)
    processes = []
    for synapses in connections(rng):
        source = numbers(rng, 60)
        source.s_out.connect(synapses.s_in)
        synapses.a_out.connect(cell.a_in)
        processes += [source, synapses]
    monitor = Monitor()
    monitor.probe(cell.v, N_STEPS)
    run = from_lava(cell).run(N_STEPS)
    direct = DirectRun([*processes, cell])
    recorded = run.data(monitor)[cell.name]["v"]
    for step in range(N_STEPS):
        direct.step()
        np.testing.assert_array_equal(recorded[step], direct.model(cell).v, f"step {step + 1}")
    assert run.raster(cell).any()
    assert any("graded spikes of" in note and "as 6 inputs" in note for note in run.notes)


@pytest.mark.parametrize("graded", GradedSpikes)
@pytest.mark.parametrize("high", [1, 40, 510])
def test_from_lava__learns_from_graded_spikes_as_lava_does(graded, high):
    rng = np.random.default_rng(high)
    rule = Loihi2FLearningRule(
        dw="2^-2 * y0 * x1 + 2^-1 * x0 * x2 - 2^-2 * x0 * y1", dt="u1 * x1 - x0 * y1",
        x1_impulse=30, x1_tau=9, x2_impulse=21.5, x2_tau=4, y1_impulse=70, y1_tau=8,
        t_epoch=int(rng.choice([1, 3])), rng_seed=5,
    )  # fmt: skip
    weights = rng.integers(-30, 60, (N_POST, N_PRE))
    synapses = learning_dense(
        rule, SignMode.MIXED, weights, graded_spike_cfg=GradedSpikeCfg[graded.name],
        num_message_bits=9 * (high > 40 or rng.random() < 0.5),
    )  # fmt: skip
    source, cell = numbers(rng, high), LIF(shape=(N_POST,), du=4095, dv=500, vth=300 * high)
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(cell.a_in)
    cell.s_out.connect(synapses.s_in_bap)
    other, fixed = numbers(rng, 1, N_POST), Dense(weights=np.eye(N_POST) * 250, weight_exp=7)
    other.s_out.connect(fixed.s_in)
    fixed.a_out.connect(cell.a_in)
    run = assert_same_as_lava(synapses, [source, synapses, other, fixed, cell], N_STEPS, cell)
    hears_nothing = high == 1 and graded is GradedSpikes.ADD_WITHOUT_SATURATION
    assert (run.value(synapses.weights) != weights).any() != hears_nothing
    assert run.program.learning[0].rule.graded_spikes is graded


REFUSED = {
    "negative": (
        lambda rng: (RingBuffer(data=-np.ones((N_PRE, 3))), {}),
        r"graded spikes of -1\.\.-1; allowed 0\.\.",
    ),
    "too large a half": (
        lambda rng: (numbers(rng, 600), {"graded_spike_cfg": GradedSpikeCfg.OVERWRITE}),
        r"s_in: graded spikes of 0\.\.\d+; allowed 0\.\.510, Lava keeps half of them in 8 bits",
    ),
    "floors": (lambda rng: (numbers(rng, 9), {"weight_exp": -2}), "weight_exp -2 with graded"),
    "shift": (
        lambda rng: (numbers(rng, 2000), {"weight_exp": 5}),
        "weight_exp 5 with graded spikes up to .*; both together may shift by 11",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_from_lava__refuses_graded_spikes_by_name(case):
    rng = np.random.default_rng(0)
    source, fields = REFUSED[case][0](rng)
    rule = Loihi2FLearningRule(dw="x0", rng_seed=1)
    weights = np.ones((N_POST, N_PRE))
    synapses = learning_dense(rule, SignMode.MIXED, weights, num_message_bits=10, **fields)
    cell = LIF(shape=(N_POST,))
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(cell.a_in)
    with pytest.raises(ConversionError, match=REFUSED[case][1]):
        from_lava(cell)


def test_from_lava__refuses_graded_spikes_into_a_convolution():
    source = RingBuffer(data=np.full((4, 4, 1, 3), 5))
    conv = Conv(weight=np.ones((1, 3, 3, 1)), input_shape=(4, 4, 1), num_message_bits=8)
    cell = LIF(shape=conv.a_out.shape)
    source.s_out.connect(conv.s_in)
    conv.a_out.connect(cell.a_in)
    with pytest.raises(ConversionError, match="graded spikes; a network's spikes are 0 or 1"):
        from_lava(cell)
