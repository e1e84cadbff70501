"""The oracle of a learning projection beside Lava's own model: every weight, tag and trace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    LearningRule,
    PostTraces,
    RandomStream,
    RangeError,
    ShapeError,
    SignMode,
    TraceConfiguration,
)
from hw_models.lava_processes.rule_process import lava_rule
from ssdp_neuro.oracle.learning_connection import LearningConnection
from tests.learning_rule_strategies import learning_rules
from tests.parity.lava_rules import graded_fields, lava_states, learning_dense, numbers_of

pytestmark = pytest.mark.lava


def run_both(rule, rng, n_steps, n_pre=4, n_post=3, rate=0.25, sent=None):
    """States after every step, after they were found equal; spikes and numbers are random."""
    shape = (n_post, n_pre)
    weights = rng.integers(rule.weight_low, rule.weight_high + 1, shape)
    tag_1, tag_2 = rng.integers(-256, 256, shape), rng.integers(0, 256, shape)
    pre, post = rng.random((n_steps, n_pre)) < rate, rng.random((n_steps, n_post)) < rate
    pre = numbers_of(rule, rng, pre)
    by_chance = rng.integers(-140, 140, (n_steps, 3, n_post)) * rng.integers(0, 2)
    given_by = by_chance if sent is None else np.full_like(by_chance, sent)
    connection = LearningConnection(rule, weights, tag_1, tag_2)
    found = []
    dense = learning_dense(
        lava_rule(rule), rule.sign_mode, weights, tag_1=tag_1, tag_2=tag_2, **graded_fields(rule)
    )
    states = lava_states(dense, pre, post, given_by)
    for step, lava in enumerate(states):
        connection.step(pre[step], post[step], given_by[step].tolist())
        ours = connection.state()
        for name, values in lava.items():
            np.testing.assert_array_equal(ours[name], values, f"{name} after step {step + 1}")
        found.append(ours)
    return found


LAVA = {"random_stream": RandomStream.LAVA}
RATES = st.sampled_from([0.05, 0.3, 0.8])


@given(rule=learning_rules(**LAVA), seed=st.integers(0, 2**32), rate=RATES)
@settings(deadline=None, max_examples=100)
def test_learning_connection__equals_lava_in_every_weight_tag_and_trace(rule, seed, rate):
    run_both(rule, np.random.default_rng(seed), n_steps=40, rate=rate)


@given(rule=learning_rules(highest_exponent=-3, **LAVA), seed=st.integers(0, 2**32), rate=RATES)
@settings(deadline=None, max_examples=10)
def test_learning_connection__stays_equal_in_long_runs(rule, seed, rate):
    run_both(rule, np.random.default_rng(seed), n_steps=400, rate=rate)


def rule_of(**fields):
    full = {name: TraceConfiguration(127, 50) for name in ("x1", "x2", "y1", "y2", "y3")}
    if fields.get("post_traces") is PostTraces.SENT:
        full = {name: full[name] for name in ("x1", "x2")}
    return LearningRule(**{**full, **LAVA, "seed": 7, **fields})


def test_learning_connection__lets_a_tag_sink_below_its_bits_as_lava_does():
    """Lava's accumulator ends one below -2**15, and its tags one below -256, but not for long."""
    lowest = []
    rule = rule_of(dt="-7 * 2^8 * x0", dw="x0 - 2^1 * y0")
    states = run_both(rule, np.random.default_rng(0), n_steps=500)
    for step in states:
        lowest.append(step["tag_1"].min())
    assert min(lowest) == -257
    assert max(lowest[100:]) == -256


def test_learning_connection__overflows_32_bits_as_lava_does():
    rule = rule_of(dw="2^2 * x0 * x1 * x2 * y1 * y2 * y3", dt="x0 * w * w * w * w")
    changes = np.array([s["weights"] for s in run_both(rule, np.random.default_rng(1), 60)])
    assert (np.diff(changes, axis=0) < 0).any(), "a product of positive numbers that turns negative"


def test_learning_connection__rounds_impulses_of_bursts_as_lava_does():
    """A source's always up, a target's by chance; both halves of a fraction count double."""
    trace = TraceConfiguration(1.25, 0)
    traces = {name: trace for name in ("x1", "x2", "y1", "y2", "y3")}
    rule = rule_of(dw="2^-7 * u0 * x1 - 2^-7 * u0 * y1", epoch=5, **traces)
    states = run_both(rule, np.random.default_rng(2), n_steps=300, rate=0.7)
    assert states[-1]["weights"].any()


def test_learning_connection__forgets_what_a_target_sends_as_slowly_as_lava_does():
    rule = rule_of(dw="u0 * (y1 - 100)", post_traces=PostTraces.SENT)
    rng = np.random.default_rng(3)
    states = run_both(rule, rng, n_steps=1500, rate=0, sent=100, n_pre=1, n_post=1)
    falls = np.diff([int(state["weights"][0, 0]) for state in states])
    assert set(falls.tolist()) == {0, -1}
    assert 0 < -falls.sum() < 10, "100 becomes 99 about once in 700 steps"


def test_learning_connection__clips_what_a_spiking_target_sends_as_lava_does():
    rule = rule_of(dt="2^-2 * u0 * y1", post_traces=PostTraces.SENT, dw="y0 * y2 - x0 * y3")
    run_both(rule, np.random.default_rng(4), n_steps=100, sent=-50)
    run_both(rule, np.random.default_rng(5), n_steps=100, sent=200)


@pytest.mark.parametrize("sign_mode", SignMode)
@pytest.mark.parametrize("decimation", [0, 1, 3])
def test_learning_connection__keeps_signs_and_counts_epochs_as_lava_does(sign_mode, decimation):
    text = f"-2^-1 * u{decimation} * sgn(w) + 3 * x0 * (y0 - 1) + 2 * y0"
    rule = rule_of(dw=text, dd=f"x0 * sgn(d - 9) - u{decimation}", sign_mode=sign_mode, epoch=3)
    states = run_both(rule, np.random.default_rng(6), n_steps=240)
    assert len({state["weights"].tobytes() for state in states}) > 10


def test_learning_connection__starts_with_what_its_variables_hold():
    rule = rule_of(dw="x0", sign_mode=SignMode.EXCITATORY)
    for weights, error, message in (
        ([[1, -2]], RangeError, r"weights: value -2 at index \(0, 1\); allowed 0\.\.255"),
        ([1, 2], ShapeError, r"weights: shape \(2,\); two non-empty axes"),
        ([[0.5]], RangeError, "weights: value 0.5"),
    ):
        with pytest.raises(error, match=message):
            LearningConnection(rule, weights)
    with pytest.raises(ShapeError, match=r"tag_1: shape \(1, 1\); weights have \(1, 2\)"):
        LearningConnection(rule, [[1, 2]], tag_1=[[0]])
    with pytest.raises(ShapeError, match="step: 1 and 1 spikes; 2 and 1 needed"):
        LearningConnection(rule, [[1, 2]]).step([1], [0])
