"""Rule objects of Lava as records: the same rule, and the same numbers in every step."""

import re

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this

# isort: split
import numpy as np
import pytest
from hypothesis import given, settings
from lava.magma.core.learning.learning_rule import (
    Loihi2FLearningRule,
    Loihi3FLearningRule,
    LoihiLearningRule,
)
from lava.proc.learning_rules.r_stdp_learning_rule import RewardModulatedSTDP
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi

from conversions import from_lava_rule
from hw_models import ConversionError, RandomStream, SignMode, TypeMismatchError
from hw_models.lava_processes.rule_process import lava_rule
from ssdp_neuro.oracle.learning_connection import LearningConnection
from tests.learning_rule_strategies import learning_rules
from tests.parity.lava_rules import lava_states, learning_dense

pytestmark = pytest.mark.lava


@given(rule=learning_rules(random_stream=RandomStream.LAVA))
@settings(deadline=None, max_examples=60)
def test_from_lava_rule__reads_back_what_a_rule_is_in_lava(rule):
    found = from_lava_rule(
        lava_rule(rule), sign_mode=rule.sign_mode, graded_spikes=rule.graded_spikes
    )
    assert found.rule == rule
    assert found.notes == ()


def two_factors(**fields):
    return Loihi2FLearningRule(
        **{"dw": "x0 * y1 - y0 * x1", "x1_tau": 9, "y1_tau": 9, "rng_seed": 5, **fields}
    )


ODD = {
    "sign lost": (lambda: two_factors(dw="x0 * (-y1) + y0 * (x1 * 2)", y1_impulse=40), "-y1"),
    "u10": (lambda: two_factors(dw="u10 * w + x0 * y1", y1_impulse=40), "computes dw = 0 .* u1 "),
    "fine impulse": (lambda: two_factors(x1_impulse=20.249), "x1_impulse: 20.249 is 20.25; a tr"),
    "rounded up": (lambda: two_factors(y1_impulse=20.9999), "y1_impulse: 20.9999 is 21"),
    "large impulse": (lambda: two_factors(y1_impulse=300.5), "y1_impulse: 300.5 is 127"),
    "no trace": (lambda: two_factors(dw="x0 * (y1 + 3)", y1_impulse=9, y1_tau=0), None),
    "STDP": (
        lambda: STDPLoihi(0.25, 3.7, -0.7, 8, 9, x1_impulse=99, t_epoch=4, rng_seed=3),
        "A_plus 3, A_minus -0.5; Lava keeps a whole number",
    ),
    "reward": (
        lambda: RewardModulatedSTDP(1, 2, -2, 9, 9, 99, 99, 0.5, t_epoch=2, rng_seed=3),
        "eligibility_trace_decay_tau 0.5",
    ),
    "base": (
        lambda: LoihiLearningRule(
            dw="2 * x0 * (y1 + 9) - y0 * x1 + 2 * u0",
            x1_impulse=90, x1_tau=9, y1_impulse=90, y1_tau=9, t_epoch=3, rng_seed=5,
        ),
        "LoihiLearningRule: terms of y0 never happen",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_from_lava_rule__computes_what_lava_computes_and_says_what_it_changes(case):
    build, message = ODD[case]
    found = from_lava_rule(build(), sign_mode=SignMode.EXCITATORY)
    assert message is None or re.search(message, " ".join(found.notes))
    rng = np.random.default_rng(8)
    pre, post = rng.random((150, 4)) < 0.2, rng.random((150, 3)) < 0.2
    sent = rng.integers(0, 127, (150, 3, 3))
    weights = rng.integers(0, 256, (3, 4))
    ours = LearningConnection(found.rule, weights)
    dense = learning_dense(build(), SignMode.EXCITATORY, weights)
    changed = False
    for step, lava in enumerate(lava_states(dense, pre, post, sent)):
        ours.step(pre[step], post[step], sent[step].tolist())
        for name, values in ours.state().items():
            np.testing.assert_array_equal(values, lava[name], f"{name} after step {step + 1}")
        changed |= (lava["weights"] != weights).any() or lava["tag_1"].any()
    assert changed


def test_from_lava_rule__keeps_weights_where_no_spikes_come_back():
    found = from_lava_rule(two_factors(y1_impulse=9), hears_target=False)
    assert "nothing is connected to s_in_bap" in found.notes[0]
    assert found.rule.equation("dw") == "x0 * y1 + 0 * y0 * x1"
    assert found.rule.y1.impulse == 0


def changed(**fields):
    rule = Loihi3FLearningRule(dw="x0 * y1", rng_seed=1)
    for name, value in fields.items():
        setattr(rule, name, value)
    return rule


REFUSED = {
    "fraction": (lambda: two_factors(dw="x0 * (x1 + 2^-1)"), "dw, term 1 .* constant 0.5"),
    "constant": (lambda: two_factors(dw="w * x0 + x0 * (x1 + 300)"), "dw, term 2 .* 300"),
    "terms": (lambda: two_factors(dw="+".join(["x0"] * 17)), "17 terms"),
    "epoch": (lambda: two_factors(t_epoch=2000), "Loihi2FLearningRule: .*epoch: 2000"),
    "seed": (lambda: two_factors(rng_seed=2**31), "seed: 2147483648"),
    "impulse": (lambda: two_factors(x1_impulse=np.inf), "x1_impulse: inf; a number 0 or"),
    "tau": (
        lambda: two_factors(y2_tau=np.nan),
        "Loihi2FLearningRule.y2_tau: nan; a number 0 or more",
    ),
    "sent impulse": (lambda: changed(y1_impulse=3), "Loihi3FLearningRule.y1: impulse 3 and tau"),
    "sent tau": (lambda: changed(y3_tau=10), "y3: impulse 0 and tau 10; the target sends y3"),
    "y0 of the base": (
        lambda: LoihiLearningRule(dw="x0 * y0 * (y0 + 1)"),
        "LoihiLearningRule: dw, term 1 .* no spikes of the target are heard",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_from_lava_rule__refuses_by_name(case):
    build, message = REFUSED[case]
    with pytest.raises(ConversionError, match=message):
        from_lava_rule(build())


def test_from_lava_rule__wants_a_rule():
    with pytest.raises(TypeMismatchError, match="rule: 'x0'; a learning rule of Lava is needed"):
        from_lava_rule("x0")
