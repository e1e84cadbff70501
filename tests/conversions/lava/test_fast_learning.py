"""Learning in floating point beside Processes of a user: Lava's own model, in every bit."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import (
    Loihi2FLearningRule,
    Loihi3FLearningRule,
    LoihiLearningRule,
)
from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.utils.weightutils import SignMode

from conversions import EngineCfg
from conversions.lava.runtime import fast_learning, model_building
from tests.conversions.lava.user_program.teller import Teller

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
N_STEPS = 120
SHAPE = (5, 7)  # targets, sources
VARS = (
    "weights", "tag_1", "tag_2", "x0", "tx", "x1", "x2", "y0", "ty", "y1", "y2", "y3", "a_buff",
)  # fmt: skip
TRACES = {
    "x1_impulse": 20.25, "x1_tau": 7, "x2_impulse": 90, "x2_tau": 20, "y1_impulse": 30.5,
    "y1_tau": 12, "y2_impulse": 60, "y2_tau": 5.5, "y3_impulse": 3, "y3_tau": 2,
}  # fmt: skip
RULES = {
    "pairs": Loihi2FLearningRule(dw="2^-2 * y0 * x1 - 2^-2 * x0 * y1", t_epoch=1, **TRACES),
    "epochs": Loihi2FLearningRule(
        dw="2^-2*y0*x1*y3 - 2^-3*x0*y2 - 2^-6*u1*w + 2^-3*t*u1*x2",
        dt="2^-1*y0*x2 - x0*2^-3*y1 - 2^-4*t*u1 + 2^-2*x0*sgn(w)*(x2 - 3)",
        dd="2^-3*x0*y1*y2 - 2^-2*y0*y1*x1",
        t_epoch=6,
        **TRACES,
    ),
    "sent": Loihi3FLearningRule(
        dw="2^-4 * u0 * t * y2", dt="2^-1 * y0 * x1 - 2^-3 * x0 * y1 - 2^-3 * u0 * t",
        x1_impulse=30, x1_tau=9, t_epoch=3,
    ),
    "timeless": Loihi2FLearningRule(
        dw="2^-2 * y0 * x1", x1_impulse=20, x1_tau=6, x2_impulse=4, x2_tau=0, y1_impulse=3,
        y1_tau=8, t_epoch=2,
    ),
    "graded": Loihi2FLearningRule(dw="2^-2 * y0 * x1 - 2^-2 * x0 * y1", t_epoch=2, **TRACES),
    "deaf": LoihiLearningRule(dw="2^-3 * x0 * x1 - u0", x1_impulse=30.25, x1_tau=9, t_epoch=2),
}  # fmt: skip


def program(name, rng):
    """As of the models in fixed point; spikes often follow each other within an epoch."""
    n_post, n_pre = SHAPE
    rule, fields = RULES[name], {}
    if name == "graded":
        fields = {"num_message_bits": 8, "graded_spike_cfg": GradedSpikeCfg.OVERWRITE}
    source = Source(data=(rng.random((n_pre, N_STEPS)) < 0.3) * (1.0 + (name == "graded")))
    teacher = Source(data=(rng.random((n_post, N_STEPS)) < 0.3) * 1.0)
    plastic = LearningDense(
        weights=rng.normal(0, 0.3, SHAPE), tag_1=rng.normal(0, 0.3, SHAPE),
        tag_2=rng.random(SHAPE), learning_rule=rule,
        sign_mode=SignMode.EXCITATORY if name == "pairs" else SignMode.MIXED, **fields,
    )  # fmt: skip
    taught, neurons = Dense(weights=2 * np.eye(n_post)), LIF(shape=(n_post,), du=1, dv=0.2, vth=1)
    teller = Teller(shape=(n_post,))
    source.s_out.connect(plastic.s_in)
    teacher.s_out.connect(taught.s_in)
    for each in (plastic, taught):
        each.a_out.connect(neurons.a_in)
    neurons.s_out.connect(teller.heard)
    if name != "deaf":
        teller.told.connect(plastic.s_in_bap)
    if name == "sent":
        for number in (1, 2, 3):
            getattr(teller, f"y{number}").connect(getattr(plastic, f"s_in_y{number}"))
    return plastic


def values(name, by_lava, monkeypatch):
    """All Vars in every third step; in between traces and impulses are set."""
    with monkeypatch.context() as patch:
        if by_lava:
            patch.setattr(model_building.FastLearning, "replace", lambda model: ())
        plastic = program(name, np.random.default_rng(3))
        seen = []
        for turn in range(N_STEPS // 3):
            plastic.run(condition=RunSteps(3), run_cfg=EngineCfg(select_tag="floating_pt"))
            seen.append({var: getattr(plastic, var).get() for var in VARS})
            if turn == 20:
                plastic.x1.set(np.linspace(0, 9, SHAPE[1]))
                plastic.weights.set(plastic.weights.get()[::-1])
        (actor,) = [each for each in plastic.runtime.actors if each.process is plastic]
        plastic.stop()
    return seen, actor.compiled


@pytest.mark.parametrize("name", RULES)
def test_fast_learning__holds_what_lavas_model_holds(name, monkeypatch):
    calls = []
    follow = fast_learning.follow_traces
    monkeypatch.setattr(fast_learning, "follow_traces", lambda *p: (calls.append(1), follow(*p)))
    expected, compiled = values(name, True, monkeypatch)
    assert (compiled, calls) == ((), [])
    found, compiled = values(name, False, monkeypatch)
    assert compiled == ("recv_traces", "run_lrn")
    assert len(calls) == 2 * (N_STEPS // RULES[name].t_epoch)
    for turn, (ours, lavas) in enumerate(zip(found, expected, strict=True)):
        for var in VARS:
            np.testing.assert_array_equal(ours[var], lavas[var], f"{var} in turn {turn}")
    assert (expected[0]["weights"] != expected[-1]["weights"]).any()
