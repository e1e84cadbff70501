import numpy as np
import pytest

from hw_models import LearningRuleError, RangeError
from ssdp_neuro import PlasticSynapses
from ssdp_neuro.rules.ready_rules import (
    eprop_in_three_factors,
    homeostasis,
    pair_stdp,
    reward_modulated_stdp,
    synchrony_window,
    triplet_stdp,
)

pytestmark = pytest.mark.kernel
COPIES = 30  # of every source and of the target: rounding by chance is averaged over pairs


def weights_after(rule, pre_steps, post_steps, n_steps=60, sent=None):
    """Mean change of each source's weight; sources and targets spike at their listed steps."""
    pre = np.zeros((n_steps, len(pre_steps), COPIES), dtype=bool)
    for source, steps in enumerate(pre_steps):
        pre[steps, source] = True
    post = np.zeros((n_steps, COPIES), dtype=bool)
    post[post_steps] = True
    synapses = PlasticSynapses(rule, np.zeros((COPIES, len(pre_steps) * COPIES), dtype=int))
    synapses.run(pre.reshape(n_steps, -1), post, sent)
    return synapses.weights.reshape(COPIES, len(pre_steps), COPIES).mean(axis=(0, 2))


def test_pair_stdp__has_its_two_exponentials():
    rule = pair_stdp(potentiation=0.5, depression=0.25, tau_plus=10, tau_minus=20)
    distances = np.array([-20, -10, -3, -1, 1, 3, 10, 20])  # target after source
    changes = weights_after(rule, [[30 - int(d)] for d in distances], [30])
    expected = np.where(distances > 0, 32 * np.exp(-distances / 10), -16 * np.exp(distances / 20))
    np.testing.assert_allclose(changes, expected, atol=0.5)


def test_triplet_stdp__potentiates_more_after_an_earlier_spike_of_the_target():
    rule = triplet_stdp(0.25, 0.0625, 0, tau_plus=5, tau_minus=20, tau_slow=50)
    alone = weights_after(rule, [[38]], [40])[0]
    after = weights_after(rule, [[38]], [20, 40])[0]
    trace = 64 * np.exp(-2 / 5)
    assert abs(alone - 0.25 * trace) < 0.5
    gain = 0.0625 / 8 * trace * 32 * np.exp(-20 / 50)
    assert abs(after - alone - gain) < 0.6
    assert gain > 5


def test_reward_modulated_stdp__makes_weights_of_tags_when_a_reward_comes():
    rule = reward_modulated_stdp(0.5, 0.5, 0.125, 1, tau_plus=5)
    sent = np.zeros((60, 3, COPIES), dtype=int)
    assert weights_after(rule, [[10]], [12], sent=sent)[0] == 0
    for step in (16, 30):
        sent[:] = 0
        sent[step, 1] = 64
        tag = 0.5 * 64 * np.exp(-2 / 5) * 0.875 ** (step - 13)
        changed = weights_after(rule, [[10]], [12], sent=sent)[0]
        assert abs(changed - tag * 64 / 32) < 1, step


@pytest.mark.parametrize(("width", "error"), [(1, 0.03), (2, 0.05), (4, 0.06)])
def test_synchrony_window__is_nearly_a_gaussian(width, error):
    distances = np.arange(-3 * width, 3 * width + 1)
    changes = weights_after(synchrony_window(width, 1), [[30 + d] for d in distances], [30])
    gaussian = np.exp(-(distances**2) / (2 * width**2))
    height = changes @ gaussian / (gaussian @ gaussian)
    assert np.abs(changes - height * gaussian).max() < error * height
    assert height == pytest.approx(2 * (127 - {1: 110, 2: 112, 4: 110}[width]), rel=0.1)


@pytest.mark.parametrize("sign", [1, -1])
def test_eprop_in_three_factors__a_learning_signal_makes_weights_of_eligibility(sign):
    rule = eprop_in_three_factors(0.5, 0.125, 1, tau_membrane=8)
    sent = np.zeros((60, 3, COPIES), dtype=int)
    sent[14, 0] = 40  # the pseudo-derivative, after a spike of the source
    sent[20, 1 if sign > 0 else 2] = 60
    changed = weights_after(rule, [[10], [16]], [], sent=sent)
    tag = 0.5 / 8 * 64 * np.exp(-4 / 8) * 40 * 0.875**5
    assert abs(changed[0] - sign * min(tag, 255) * 60 / 32) < 0.1 * tag * 60 / 32
    assert changed[1] == 0  # no eligibility: the source fired later


@pytest.mark.parametrize(("rate", "change"), [(0.0, 125), (0.01, 0), (0.05, -250)])
def test_homeostasis__pulls_a_target_towards_its_rate(rate, change):
    rule = homeostasis(rise=1, fall=0.125, tau=50)
    post = np.random.default_rng(1).random((2000, COPIES)) < rate
    synapses = PlasticSynapses(rule, np.zeros((COPIES, 8), dtype=int))
    synapses.run(np.zeros((2000, 8), dtype=bool), post)
    assert synapses.weights.mean() == pytest.approx(change, abs=25)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: homeostasis(1, 1, 5, decimation=10), RangeError, "decimation: 10"),
        (lambda: homeostasis(-1, 1, 5), LearningRuleError, "rise: -1; a number 0"),
        (lambda: eprop_in_three_factors(1, 0, 1, 5), RangeError, "fading: 0; allowed above 0"),
        (lambda: pair_stdp(0.7, 0.5, 5, 5), LearningRuleError, "scale 0.7 .* nearest is 0.75"),
        (lambda: pair_stdp(1e-9, 0.5, 5, 5), LearningRuleError, "potentiation: 1e-09; the small"),
        (lambda: pair_stdp(1, -1, 5, 5), LearningRuleError, "depression: -1; a number 0"),
        (lambda: pair_stdp("1", 1, 5, 5), LearningRuleError, "potentiation: '1'"),
        (lambda: pair_stdp(1, 1, 5, 5, impulse=128), RangeError, "impulse: 128"),
        (lambda: triplet_stdp(1, 1, 1, 5, 5, 5, slow_impulse=128), RangeError, "slow_impulse"),
        (lambda: reward_modulated_stdp(1, 1, 0, 1, 5), RangeError, "tag_decay: 0; allowed above"),
        (lambda: reward_modulated_stdp(1, 1, 1, 1, 5, decimation=10), RangeError, "decimation: 10"),
        (lambda: synchrony_window(3), RangeError, "width: 3; allowed 1, 2 and 4"),
        (lambda: synchrony_window(2, 2), RangeError, "scale: 2; allowed above 0 up to 1"),
    ],
)
def test_ready_rules__refuse_what_they_cannot_say(call, error, message):
    with pytest.raises(error, match=message):
        call()
