"""The oracle's own random stream, in distribution; with Lava's it is compared in tests/parity."""

import numpy as np
import pytest

from hw_models import LearningRule, TraceConfiguration
from ssdp_neuro.oracle.learning_connection import LearningConnection

N_PRE, N_POST = 40, 25


def run(rule, pre, post, weights=0):
    connection = LearningConnection(rule, np.full((N_POST, N_PRE), weights))
    for pre_now, post_now in zip(pre, post, strict=True):
        connection.step(pre_now, post_now)
    return connection.state()


def all_fire(n_steps, n_neurons):
    return np.ones((n_steps, n_neurons), dtype=bool)


def mean_and_error(values):
    return np.mean(values), np.std(values) / np.sqrt(np.size(values))


def test_counter_stream__rounds_weights_without_bias_and_each_by_itself():
    rule = LearningRule(dw="3 * 2^-4 * x0", seed=3)
    weights = run(rule, all_fire(8, N_PRE), all_fire(8, N_POST))["weights"]
    mean, error = mean_and_error(weights)
    assert abs(mean - 8 * 3 / 16) < 4 * error
    for axis in (0, 1):  # neither rows nor columns share their numbers
        spread = weights.mean(axis=axis).var() * weights.shape[axis]
        assert 0.5 < spread / weights.var() < 2


@pytest.mark.parametrize("epoch", [1, 2])
def test_counter_stream__adds_fractions_of_impulses_as_often_as_they_say(epoch):
    """Lava's stream adds a half always, and those of bursts too; a chip's trace should not."""
    trace = TraceConfiguration(impulse=0.5, tau=1e12)
    states = [
        run(
            LearningRule(dw="2^-7 * x0 * x1", x1=trace, y1=trace, epoch=epoch, seed=seed),
            all_fire(epoch, N_PRE),
            all_fire(epoch, N_POST),
        )
        for seed in range(40)
    ]
    for name in ("x1", "y1"):
        mean, error = mean_and_error([state[name] for state in states])
        assert abs(mean - 0.5 * epoch) < 4 * error


@pytest.mark.parametrize("epoch", [1, 10])
def test_counter_stream__lets_traces_decay_as_an_exponential(epoch):
    trace = TraceConfiguration(impulse=100, tau=5)
    pre = np.zeros((10, N_PRE), dtype=bool)
    pre[0] = True
    post = np.zeros((10, N_POST), dtype=bool)
    states = [
        run(LearningRule(dw="x0 * x1", x1=trace, x2=trace, epoch=epoch, seed=s), pre, post)
        for s in range(20)
    ]
    for name in ("x1", "x2"):
        mean, error = mean_and_error([state[name] for state in states])
        assert abs(mean - 100 * np.exp(-9 / 5)) < 4 * error
    together = np.corrcoef(
        np.concatenate([state["x1"] for state in states]),
        np.concatenate([state["x2"] for state in states]),
    )
    assert abs(together[0, 1]) < 0.15, "two traces of a neuron round by numbers of their own"


def test_counter_stream__depends_on_the_seed_and_nothing_else():
    rng = np.random.default_rng(0)
    pre, post = rng.random((30, N_PRE)) < 0.2, rng.random((30, N_POST)) < 0.2
    trace = TraceConfiguration(impulse=20.5, tau=8)

    def weights(seed):
        rule = LearningRule(dw="2^-2 * y0 * x1 - 2^-3 * x0 * y1", x1=trace, y1=trace, seed=seed)
        return run(rule, pre, post)["weights"]

    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).any()


def test_learning_connection__computes_what_a_hand_does():
    """Pair STDP without chance: impulses and scales that need no rounding, no decay to round."""
    trace = TraceConfiguration(impulse=64, tau=0)
    rule = LearningRule(dw="2^-4 * y0 * x1 - 2^-5 * x0 * y1", x1=trace, y1=trace)
    connection = LearningConnection(rule, [[10, 10], [10, 10]])
    connection.step([1, 0], [1, 0])
    # both: 64/16 - 64/32; pre only: x0 with y1 = 0; post only: y0 with x1 = 0
    np.testing.assert_array_equal(connection.state()["weights"], [[12, 10], [10, 10]])
    held = LearningRule(dw="2^-4 * y0 * x1", x1=TraceConfiguration(impulse=64, tau=1e12))
    connection = LearningConnection(held, [[10, 10], [10, 10]])
    connection.step([1, 0], [0, 0])
    connection.step([0, 0], [0, 1])
    np.testing.assert_array_equal(connection.state()["weights"], [[10, 10], [14, 10]])
