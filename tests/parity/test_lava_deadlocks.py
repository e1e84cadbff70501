"""Learning programs that hang in Lava: the engine runs them on, EngineCfg says where they hang."""

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this

# isort: split
import numpy as np
import pytest
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, LoihiLearningRule
from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LearningLIF

from conversions import EngineCfg, from_lava
from hw_models import ExecutorError
from ssdp_neuro.oracle.learning_connection import LearningConnection

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
N_STEPS = 150
SPIKES = np.random.default_rng(0).random((4, 50)) < 0.2


def program(kind):
    """A source, plastic synapses and neurons that nothing listens to yet."""
    rule = kind(
        dw="2^-3 * x0 * x1 - 2^-4 * y0 * x1 - u0", x1_impulse=30, x1_tau=5, rng_seed=1, t_epoch=2
    )
    neurons = LearningLIF(shape=(3,), du=4095, dv=4095, vth=60, learning_rule=rule, name="cell")
    plastic = LearningDense(
        weights=np.random.default_rng(1).integers(10, 60, (3, 4)) * 2,
        learning_rule=rule,
        name="plastic",
    )
    RingBuffer(data=SPIKES.astype(int)).s_out.connect(plastic.s_in)
    plastic.a_out.connect(neurons.a_in)
    return plastic, neurons


def unheard(plastic, neurons):
    neurons.s_out.connect(plastic.s_in_bap)


def never_sent(plastic, neurons):
    neurons.s_out_bap.connect(plastic.s_in_bap)


def numbers_for_two_factors(plastic, neurons):
    neurons.s_out.connect(plastic.s_in_bap)
    neurons.s_out.connect(plastic.s_in_y1)


def third_factor(plastic, neurons):
    neurons.s_out.connect(plastic.s_in_bap)
    reward, dense = RingBuffer(data=np.ones((3, 9), dtype=int)), Dense(weights=np.eye(3))
    reward.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_third_factor_in)


@pytest.mark.parametrize(
    ("kind", "wire", "where"),
    [
        (LoihiLearningRule, unheard, "step 65, .*'cell'.s_out -> LearningDense 'plastic'.s_in_bap"),
        (Loihi2FLearningRule, never_sent, "step 1, .* 'plastic'.s_in_bap from .*'cell'.s_out_bap"),
        (
            Loihi2FLearningRule,
            numbers_for_two_factors,
            "step 65, .*'cell'.s_out -> LearningDense 'plastic'.s_in_y1",
        ),
        (Loihi2FLearningRule, third_factor, "step 65, .* LearningLIF 'cell'.a_third_factor_in"),
    ],
)
def test_from_lava__runs_on_where_lava_hangs(kind, wire, where):
    plastic, neurons = program(kind)
    wire(plastic, neurons)
    run = from_lava(plastic).run(N_STEPS)
    learned = run.program.network.projection("plastic")
    oracle = LearningConnection(learned.plasticity, learned.weights)
    heard = np.tile(SPIKES.T, (3, 1)), run.raster(neurons)
    for pre, post in zip(*heard, strict=True):
        oracle.step(pre, post)
    for name, values in oracle.state().items():
        np.testing.assert_array_equal(run.value(getattr(plastic, name)), values, name)
    assert heard[1].sum() > 64
    assert any("hang" in note for note in run.program.notes)
    plastic, neurons = program(kind)
    wire(plastic, neurons)
    with pytest.raises(ExecutorError, match=f"nothing can go on in {where}"):
        neurons.run(condition=RunSteps(N_STEPS), run_cfg=EngineCfg(select_tag="fixed_pt"))
