import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    Rounding,
    same_record,
)
from ssdp_neuro import Teaching, learn, simulate
from ssdp_neuro.oracle import plain_da_ssdp
from ssdp_neuro.oracle.learn import learn as oracle
from tests.plasticity_strategies import da_ssdp_params
from tests.ssdp_neuro.engine.plastic_networks import (
    CONSTANT,
    DOPAMINE,
    N_CLASSES,
    N_STEPS,
    REWARD,
    TEACHER,
    batch_of,
    params_of,
    two_layers,
)


@pytest.mark.kernel
@given(
    seed=st.integers(0, 2**32 - 1),
    n_samples=st.integers(1, 5),
    hidden_rule=st.one_of(st.none(), da_ssdp_params(third_factor=REWARD, latency_bits=4)),
    output_rule=da_ssdp_params(third_factor=TEACHER, latency_bits=3, latency_shift=1),
    loop_rule=st.one_of(
        st.none(),
        da_ssdp_params(third_factor=CONSTANT, latency_bits=5),
        da_ssdp_params(third_factor=DOPAMINE, latency_bits=5),
    ),
)
@settings(deadline=None, max_examples=40)
def test_learn__equals_oracle(seed, n_samples, hidden_rule, output_rule, loop_rule):
    rng = np.random.default_rng(seed)
    network = two_layers(rng, hidden_rule, output_rule, loop_rule)
    batch, labels = batch_of(rng, n_samples), rng.integers(0, N_CLASSES, n_samples)
    rewards = rng.integers(-256, 256, n_samples) if hidden_rule else None
    has_gate = loop_rule is not None and loop_rule.third_factor is DOPAMINE
    losses = rng.integers(-(2**31), 2**31, n_samples) if has_gate else None
    common = {
        "labels": labels,
        "rewards": rewards,
        "losses": losses,
        "seed": seed,
        "first_sample": 3,
    }
    expected, winners = oracle(network, batch, n_steps=N_STEPS, **common)
    result = learn(network, batch, Teaching(**common), n_steps=N_STEPS)
    assert same_record(result.network, expected)
    assert [None if w < 0 else w for w in result.decisions["out"].tolist()] == winners


@pytest.mark.kernel
@given(data=st.data(), rounding=st.sampled_from([Rounding.NEAREST_AWAY, Rounding.STOCHASTIC]))
@settings(deadline=None, max_examples=10)
def test_learn__split_of_the_samples_does_not_matter(data, rounding):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    rule = params_of(TEACHER, rounding=rounding)
    network = two_layers(rng, output_rule=rule)
    batch, labels = batch_of(rng, 8), rng.integers(0, N_CLASSES, 8)
    whole = learn(network, batch, Teaching(labels=labels, seed=4), n_steps=N_STEPS)
    cut = data.draw(st.integers(1, 7))
    first = learn(network, batch[:cut], Teaching(labels=labels[:cut], seed=4), n_steps=N_STEPS)
    second = learn(
        first.network,
        batch[cut:],
        Teaching(labels=labels[cut:], seed=4, first_sample=first.next_sample),
        n_steps=N_STEPS,
    )
    assert same_record(second.network, whole.network)
    assert second.next_sample == whole.next_sample == 8


@pytest.mark.kernel
@pytest.mark.parametrize("cut", [1, 5, 6, 20])
def test_learn__dopamine_gate_opens_after_the_warm_up_however_the_run_is_split(cut):
    rng = np.random.default_rng(8)
    rule = params_of(DOPAMINE, warm_up=6, rounding=Rounding.STOCHASTIC)
    network = two_layers(rng, hidden_rule=rule)
    batch, losses = batch_of(rng, 24), rng.integers(0, 1000, 24)
    expected, _ = oracle(network, batch, n_steps=N_STEPS, losses=losses, seed=1)
    warm = learn(network, batch[:6], Teaching(losses=losses[:6], seed=1), n_steps=N_STEPS)
    assert same_record(warm.network, network)
    first = learn(network, batch[:cut], Teaching(losses=losses[:cut], seed=1), n_steps=N_STEPS)
    second = learn(
        first.network,
        batch[cut:],
        Teaching(
            losses=losses[cut:] if cut < 6 else None,
            dopamine=first.dopamine,
            first_sample=first.next_sample,
            seed=1,
        ),
        n_steps=N_STEPS,
    )
    assert same_record(second.network, expected)
    assert second.changes["in->hidden"].n_changed > 0
    assert second.dopamine == warm.dopamine
    assert second.dopamine["in->hidden"].fit().correlation != 0


def test_learn__samples_switched_off_are_not_in_the_warm_up():
    rng = np.random.default_rng(9)
    network = two_layers(rng, hidden_rule=params_of(DOPAMINE, warm_up=3))
    batch, losses, mask = batch_of(rng, 8), np.arange(8), np.arange(8) % 2 == 0
    result = learn(network, batch, Teaching(losses=losses, learning_mask=mask), n_steps=N_STEPS)
    only = learn(network, batch[mask], Teaching(losses=losses[mask]), n_steps=N_STEPS)
    assert result.dopamine == only.dopamine
    assert result.dopamine["in->hidden"].n_samples == 3


def test_learn__seeds_and_sample_numbers_count_modulo_2_to_the_32():
    rng = np.random.default_rng(11)
    network = two_layers(rng, hidden_rule=params_of(CONSTANT, rounding=Rounding.STOCHASTIC))
    batch = batch_of(rng, 3)
    plain = learn(network, batch, Teaching(seed=5, first_sample=1), n_steps=N_STEPS)
    far = learn(network, batch, Teaching(seed=2**32 + 5, first_sample=2**32 + 1), n_steps=N_STEPS)
    assert same_record(plain.network, far.network)
    over = learn(network, batch, Teaching(seed=5, first_sample=2**32 - 1), n_steps=N_STEPS)
    learn(over.network, batch, Teaching(first_sample=over.next_sample), n_steps=N_STEPS)
    assert not same_record(plain.network, over.network)


def test_learn__projections_do_not_share_random_bits():
    """Two equal projections between the same populations, changed by the same products."""
    rng = np.random.default_rng(10)
    rule = params_of(CONSTANT, rounding=Rounding.STOCHASTIC, shift=21)
    network = two_layers(rng, hidden_rule=rule)
    first = network.projection("in->hidden")
    twice = FixedPointNetwork(
        populations=network.populations,
        projections=[*network.projections, dataclasses.replace(first, name="again")],
    )
    result = learn(twice, batch_of(rng, 1), n_steps=N_STEPS)
    changes = [
        result.network.projection(name).weights.astype(int) - first.weights
        for name in ("in->hidden", "again")
    ]
    assert (changes[0] != changes[1]).any()
    assert np.count_nonzero(changes[0]) > 0 < np.count_nonzero(changes[1])


def test_learn__epochs_go_on_counting_samples():
    rng = np.random.default_rng(1)
    rule = params_of(CONSTANT, rounding=Rounding.STOCHASTIC, shift=21)
    network = two_layers(rng, hidden_rule=rule)
    batch = batch_of(rng, 3)
    twice = learn(network, batch, Teaching(epochs=2), n_steps=N_STEPS)
    joined = learn(network, np.concatenate([batch, batch]), n_steps=N_STEPS)
    assert same_record(twice.network, joined.network)
    assert not same_record(twice.network, network)
    assert twice.n_samples == twice.n_updates == 6
    assert twice.spike_counts["hidden"].shape == (6, 9)


def test_learn__leaves_the_given_network_alone():
    rng = np.random.default_rng(2)
    network = two_layers(rng, hidden_rule=params_of(CONSTANT))
    before = network.projection("in->hidden").weights.copy()
    results = [learn(network, batch_of(rng, 4), n_steps=N_STEPS) for _ in range(2)]
    assert network.projection("in->hidden").weights.tolist() == before.tolist()
    assert results[0].changes["in->hidden"].n_changed > 0


def test_learn__change_statistics_are_those_of_the_weights():
    rng = np.random.default_rng(3)
    rule = params_of(CONSTANT, weight_low=-20, weight_high=40)
    network = two_layers(rng, hidden_rule=rule)
    result = learn(network, batch_of(rng, 5), n_steps=N_STEPS)
    before = network.projection("in->hidden").weights.astype(int)
    after = result.network.projection("in->hidden").weights.astype(int)
    change = result.changes["in->hidden"]
    assert change.n_updates == 5
    assert change.n_changed == (before != after).sum() > 0
    assert change.mean_change == (after - before).mean()
    assert change.largest_change == abs(after - before).max()
    assert change.at_limit == ((after == -20) | (after == 40)).sum() > 0


def test_learn__mask_switches_samples_and_projections_off():
    rng = np.random.default_rng(4)
    network = two_layers(rng, hidden_rule=params_of(CONSTANT), loop_rule=params_of(CONSTANT))
    batch = batch_of(rng, 4)
    off = learn(network, batch, Teaching(learning_mask=np.zeros(4, dtype=bool)), n_steps=N_STEPS)
    assert same_record(off.network, network)
    assert off.n_updates == 0
    one = learn(network, batch, Teaching(learning_mask={"in->hidden": False}), n_steps=N_STEPS)
    assert one.changes["in->hidden"].n_changed == 0 < one.changes["hidden->hidden"].n_changed
    first = learn(network, batch, Teaching(learning_mask=np.arange(4) == 0), n_steps=N_STEPS)
    assert same_record(first.network, learn(network, batch[0], n_steps=N_STEPS).network)


def test_learn__teacher_gates_may_replace_labels():
    rng = np.random.default_rng(5)
    network = two_layers(rng, output_rule=params_of(TEACHER))
    sample = batch_of(rng, 1)
    none = learn(
        network, sample, Teaching(teacher=np.zeros((1, N_CLASSES), dtype=int)), n_steps=N_STEPS
    )
    assert same_record(none.network, network)
    trains = simulate(network, sample[0], n_steps=N_STEPS).raster("out").T.tolist()
    by_label = learn(network, sample, Teaching(labels=[1]), n_steps=N_STEPS)
    gates = {"out": [plain_da_ssdp.teacher_gates(trains, 1)]}
    by_gates = learn(network, sample, Teaching(teacher=gates), n_steps=N_STEPS)
    assert by_label.changes["hidden->out"].n_changed > 0
    assert same_record(by_gates.network, by_label.network)


def test_learn__teacher_makes_the_right_neuron_win():
    rng = np.random.default_rng(6)
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(40,)),
            LifPopulation(
                name="out",
                shape=(N_CLASSES,),
                current_decay=4095,
                voltage_decay=512,
                threshold=150,
            ),
        ],
        projections=[
            DenseProjection(
                source="in",
                target="out",
                weights=rng.integers(-10, 30, size=(N_CLASSES, 40)),
                plasticity=params_of(TEACHER, depression=20),
            )
        ],
    )
    prototypes = rng.random((N_CLASSES, 1, 40)) < 0.3
    labels = rng.integers(0, N_CLASSES, 150)
    batch = prototypes[labels] & (rng.random((150, N_STEPS, 40)) < 0.4)
    asleep = np.zeros(150, dtype=bool)
    without = learn(network, batch, Teaching(labels=labels, learning_mask=asleep), n_steps=N_STEPS)
    learned = learn(network, batch, Teaching(labels=labels), n_steps=N_STEPS)
    right = [(result.decisions["out"] == labels)[-100:].mean() for result in (without, learned)]
    assert right[0] < 0.6 < 0.95 < right[1]
