"""What order of two spikes does to a weight under integer e-prop: the windows, to the bit."""

import numpy as np
import pytest

from conversions import learn_lava
from hw_models import (
    DenseProjection,
    EpropParams,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    ResetEligibility,
)
from ssdp_neuro import Teaching, learn
from ssdp_neuro.rules.eprop import StdpLif, eligibility, run_neurons

pytestmark = pytest.mark.kernel

STAMP, NONE = ResetEligibility.TIME_STAMP, ResetEligibility.NONE
LIF = {"current_decay": 4095, "voltage_decay": 512, "threshold": 64}
IMPULSE, N_STEPS, POST = 16, 40, 19


def taught_constantly(hidden, projections, n_in):
    """Hidden neurons that are always told "more", L = -1, by a silent taught neuron."""
    silent = EpropParams(shift=0, weight_low=0, weight_high=0, wanted=128)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(n_in,)),
            hidden,
            LifPopulation(name="out", shape=(1,), **LIF),
        ],
        projections=[
            *projections,
            DenseProjection(
                source=hidden.name,
                target="out",
                weights=np.zeros((1, hidden.n_neurons), int),
                plasticity=silent,
            ),
        ],
    )


def rule(kind, n_post, psi_refractory):
    return EpropParams(
        shift=0,
        psi_levels=2,
        psi_shift=0,  # so narrow that psi is 0 but where the neuron fires
        psi_refractory=psi_refractory,
        reset_eligibility=kind,
        decay_shift=2,
        impulse=IMPULSE,
        feedback=np.ones((n_post, 1), int),
        feedback_shift=7,
    )


def window(kind, refractory, distances, run=learn, psi_refractory=-1, again=None, delays=None):
    """Change of a weight of 0 by one spike of its source and one of its target, by distance.

    ``again``: steps after which the target fires once more.
    """
    hidden = LifPopulation(name="hidden", shape=(1,), refractory=refractory, **LIF)
    network = taught_constantly(
        hidden,
        [
            DenseProjection(
                source="in",
                target="hidden",
                weights=[[0, 100]],
                delays=delays,
                plasticity=rule(kind, 1, psi_refractory),
            )
        ],
        2,
    )
    changes = []
    for d in distances:
        spikes = np.zeros((1, N_STEPS, 2), bool)
        spikes[0, POST, 1] = spikes[0, POST - d, 0] = True
        if again is not None:
            spikes[0, POST + again, 1] = True
        result = run(network, spikes, Teaching(labels=[0]), n_steps=N_STEPS)
        assert result.spike_counts["out"].sum() == 0
        changes.append(int(result.network.projection("in->hidden").weights[0, 0]))
    return changes


def fading(steps):
    value = IMPULSE
    for _ in range(steps):
        value -= -(-value // 4)
    return value


@pytest.mark.parametrize("refractory", [1, 3, 7])
def test_window__has_a_negative_lobe_as_wide_as_the_refractory_period(refractory):
    distances = range(-refractory - 4, 12)
    changes = window(STAMP, refractory, distances)
    closed = [
        2 * fading(d) if d >= 0 else -sum(fading(n) for n in range(refractory + d + 1))
        for d in distances
    ]
    assert changes == closed
    assert [d for d, c in zip(distances, changes, strict=True) if c < 0] == list(
        range(-refractory, 0)
    )


def test_window__forgets_at_the_end_of_the_refractory_period_what_came_in_it():
    refractory, distances = 4, range(-6, 0)
    again = window(STAMP, refractory, distances, again=7)
    once = window(STAMP, refractory, distances)
    # what came later than the period is credited by the second spike alone
    assert again == [2 * fading(7 + d) if d < -refractory else once[d + 6] for d in distances]


def test_window__is_that_of_real_numbers():
    refractory, distances = 5, list(range(-9, 8))
    neuron = StdpLif(
        alpha=0.75, refractory=refractory, psi_refractory=-0.15, reset_eligibility=STAMP
    )
    real = []
    for d in distances:
        inputs = np.zeros((N_STEPS, 2))
        inputs[[POST - d, POST], [0, 1]] = 1
        run = run_neurons(neuron, [[0.0, 1.0]], inputs)
        real.append(eligibility(neuron, run)[:, 0, 0].sum() / 0.15 * IMPULSE)
    changes = window(STAMP, refractory, distances)
    assert np.sign(changes).tolist() == np.sign(real).tolist()
    # traces lose their part rounded up, so they are shorter
    assert np.abs(np.subtract(changes, real)).max() < 0.4 * IMPULSE
    assert np.corrcoef(changes, real)[0, 1] > 0.99


def test_window__without_stamps_or_constant_has_no_such_lobe():
    distances = range(-6, 6)
    assert min(window(STAMP, 4, distances, psi_refractory=0)) == 0
    plain = window(NONE, 4, distances)
    assert plain[6:] != window(STAMP, 4, distances)[6:], "before the spike counts against, too"


@pytest.mark.lava
def test_window__is_the_same_in_lava():
    distances = range(-6, 3)
    assert window(STAMP, 4, distances, learn_lava) == window(STAMP, 4, distances)


def order_reversal(kind, psi_refractory):
    """Changes of both weights between two neurons: one leads by 5 steps, then the other."""
    hidden = LifPopulation(name="hidden", shape=(2,), refractory=10, **LIF)
    network = taught_constantly(
        hidden,
        [
            DenseProjection(source="in", target="hidden", weights=200 * np.eye(2, dtype=int)),
            DenseProjection(
                source="hidden",
                target="hidden",
                weights=np.zeros((2, 2), int),
                plasticity=rule(kind, 2, psi_refractory),
            ),
        ],
        2,
    )
    spikes = np.zeros((2, 40, 2), bool)
    spikes[0, [10, 15], [0, 1]] = spikes[1, [10, 15], [1, 0]] = True
    halves = []
    for sample in spikes:
        result = learn(network, sample[None], Teaching(labels=[0]), n_steps=40)
        weights = result.network.projection("hidden->hidden").weights
        halves.append((int(weights[1, 0]), int(weights[0, 1])))
    return halves


def test_order__of_two_neurons_is_in_the_sign_with_time_stamps():
    (there, back), (there_now, back_now) = order_reversal(STAMP, -1)
    assert there > 0 > back
    assert (there_now, back_now) == (back, there)
    assert order_reversal(STAMP, 0) == [(there, 0), (0, there)]
    causal, _ = order_reversal(NONE, -1)[0]
    assert causal < there / 2, "a plain trace goes on after its target fired"


@pytest.mark.parametrize("delay", [1, 5])
def test_window__moves_by_the_delay_of_a_synapse(delay):
    distances = range(-9, 8)
    at_once = window(STAMP, 4, range(-9 - delay, 8 - delay))
    assert window(STAMP, 4, distances, delays=[[delay, 0]]) == at_once
    assert min(at_once) < 0 < max(at_once)
