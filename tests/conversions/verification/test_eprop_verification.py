"""Verification of networks that learn by integer e-prop: every weight and trace, every step."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import Executor, verify
from conversions.execution import engine
from hw_models import InputError, LearningRule, ResetEligibility, SparseProjection
from ssdp_neuro import Teaching, learn
from tests.parity.test_eprop_learning import (
    N_HIDDEN,
    N_IN,
    N_OUT,
    N_STEPS,
    digits_network,
    lessons,
    networks,
)

pytestmark = [pytest.mark.lava, pytest.mark.kernel]

STAMPED = {
    "reset_eligibility": ResetEligibility.TIME_STAMP,
    "refractory": 2,
    "psi_refractory": -1,
}


@settings(deadline=None, max_examples=8)
@given(network=networks(), seed=st.integers(0, 2**40))
def test_verify__finds_e_prop_equal_over_masks_epochs_and_late_synapses(network, seed):
    spikes, labels = lessons(seed)
    mask = {"in->hidden": [True, False, True], "hidden->hidden": False}
    told = Teaching(labels=labels, seed=seed, epochs=2, first_sample=3, learning_mask=mask)
    outcome = verify(network, spikes, N_STEPS, rules=True, teaching=told)
    assert outcome.equal, outcome
    assert outcome.n_samples == 6
    n_synapses = sum(p.weights.size for p in network.projections if p.plasticity is not None)
    n_traces = N_IN + N_HIDDEN + N_HIDDEN
    n_values = N_IN + 3 * (N_HIDDEN + N_OUT) + n_synapses + n_traces
    assert outcome.n_values == 6 * N_STEPS * n_values


def test_verify__compares_e_prop_of_listed_synapses_with_delays_of_real_size():
    network, spikes, labels = digits_network(n_hidden=100, **STAMPED)
    rng = np.random.default_rng(0)
    dense = network.projection("in->hidden")
    post, pre = np.nonzero(rng.random(dense.weights.shape) < 0.5)
    listed = SparseProjection(
        source="in",
        target="hidden",
        pre=pre,
        post=post,
        weights=2 * dense.weights[post, pre],
        delays=rng.integers(0, 3, pre.size),
        plasticity=dense.plasticity,
    )
    readout = network.projection("hidden->out")
    late = dataclasses.replace(readout, delays=rng.integers(0, 2, readout.weights.shape))
    changed = network.replace(listed, late)
    told = Teaching(labels=labels[:10], seed=5)
    both = (Executor.ENGINE, Executor.LAVA)
    outcome = verify(changed, spikes[:10], 12, rules=True, teaching=told, executors=both)
    assert outcome.equal, outcome
    assert outcome.n_values > 10 * 12 * (pre.size + late.weights.size)
    learned = learn(changed, spikes[:10], told, n_steps=12)
    assert all(one.n_changed > 100 for one in learned.changes.values())


@pytest.mark.parametrize("of_rule", [{}, STAMPED], ids=["trace", "time stamps"])
def test_verify__compares_e_prop_of_real_digits_and_of_real_size(of_rule):
    network, spikes, labels = digits_network(n_hidden=100, **of_rule)
    both = (Executor.ENGINE, Executor.LAVA)
    told = Teaching(labels=labels[:20], seed=5)
    outcome = verify(network, spikes[:20], 12, rules=True, teaching=told, executors=both)
    assert outcome.equal, outcome
    assert outcome.n_values > 20 * 12 * 7400
    assert outcome.spikes[Executor.LAVA] > 800


def test_verify__asks_lavas_runtime_for_the_weights_of_e_prop():
    network, spikes, labels = digits_network(n_hidden=6)
    told = Teaching(labels=labels[:2], seed=5)
    both = (Executor.LAVA_RUNTIME, Executor.ENGINE)
    outcome = verify(network, spikes[:2], 12, rules=True, teaching=told, executors=both)
    assert outcome.equal, outcome
    assert outcome.n_values == 2 * 12 * (64 + 3 * 16) + 6 * 64 + 10 * 6, "weights once"


@pytest.mark.parametrize("executor", ["oracle", "engine", "lava"])
def test_verify__names_the_synapse_whose_weight_was_altered(executor, monkeypatch):
    """A weight of one executor is one more, from the middle of the second sample on."""
    network, spikes, labels = digits_network()
    told = Teaching(labels=labels[:3], seed=5)
    module = __import__(f"conversions.execution.{executor}", fromlist=["prepare_eprop"])
    prepare = module.prepare_eprop

    def altered(network):
        def run(task, probes):
            for step, values in enumerate(prepare(network)(task, probes)):
                weights = np.array(values["in->hidden", "weights"])
                weights[7, 33] += step >= 12 + 4
                yield values | {("in->hidden", "weights"): weights}

        return run

    monkeypatch.setattr(module, "prepare_eprop", altered)
    outcome = verify(network, spikes[:3], 12, rules=True, teaching=told)
    place = outcome.first_difference
    assert "weights of 'in->hidden', sample 1, step 4, synapse from neuron 33 to 7" in str(place)
    high = max(place.values, key=place.values.get)
    assert high.name.lower() == executor
    assert Executor.LAVA in outcome.unequal or executor != "lava"


def test_verify__finds_an_executor_that_rounds_by_another_rule(monkeypatch):
    """What learns otherwise shows in the first weight that changed, of a source with a trace."""
    network, spikes, labels = digits_network()
    prepare = engine.prepare_eprop

    def other(network):
        readout = network.projection("hidden->out")
        rule = dataclasses.replace(readout.plasticity, decay_shift=2)
        changed = network.replace(dataclasses.replace(readout, plasticity=rule))
        learn = prepare(changed)
        return lambda task, probes: learn(dataclasses.replace(task, network=changed), probes)

    monkeypatch.setattr(engine, "prepare_eprop", other)
    outcome = verify(network, spikes[:3], 12, rules=True, teaching=Teaching(labels=labels[:3]))
    assert outcome.unequal == (Executor.ENGINE,)
    place = outcome.first_difference
    assert (place.population, place.variable, place.sample) == ("hidden->out", "trace", 0)


def test_verify__refuses_teaching_that_does_not_fit():
    network, spikes, labels = digits_network(n=2)
    told = Teaching(labels=labels)
    fixed = network.replace(*(dataclasses.replace(p, plasticity=None) for p in network.projections))
    by_rule = fixed.replace(
        dataclasses.replace(fixed.projection("in->hidden"), plasticity=LearningRule(dw="x0"))
    )
    mixed = network.replace(by_rule.projection("in->hidden"))
    for changed, arguments, says in (
        (network, {"rules": False}, "teaching: only with rules=True"),
        (network, {"teaching": None}, "labels: needed"),
        (network, {"sent": {}}, "sent: EpropParams have no use"),
        (fixed, {"teaching": None}, "no projection of the network has a LearningRule or Eprop"),
        (by_rule, {}, "teaching: of EpropParams, and no projection has them"),
        (mixed, {}, "LearningRule beside EpropParams"),
        (
            network,
            {"executors": [Executor.ENGINE, Executor.PYTORCH]},
            "PyTorch, real numbers does not learn by rules",
        ),
    ):
        given = {"rules": True, "teaching": told, **arguments}
        with pytest.raises(InputError, match=says):
            verify(changed, spikes, 12, **given)
