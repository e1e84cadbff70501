import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    NameClashError,
    RangeError,
    Rounding,
    ShapeError,
    SynchronyStatistics,
    ThirdFactor,
    TypeMismatchError,
    same_record,
)
from ssdp_neuro import learn, simulate
from tests.oracle import da_ssdp
from tests.oracle.learn import learn as oracle
from tests.plasticity_strategies import da_ssdp_params

N_STEPS = 7
N_CLASSES = 3
CONSTANT, DOPAMINE, REWARD, TEACHER = ThirdFactor


def two_layers(rng, hidden_rule=None, output_rule=None, loop_rule=None, n_hidden=9):
    """Six inputs, hidden neurons with a loop, three outputs; any of them plastic."""

    def dense(source, target, sizes, rule):
        low, high = (-40, 90) if rule is None else (rule.weight_low, rule.weight_high)
        weights = rng.integers(low, high + 1, size=sizes)
        return DenseProjection(source=source, target=target, weights=weights, plasticity=rule)

    lif = {"current_decay": 2047, "voltage_decay": 300, "threshold": 90}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(6,)),
            LifPopulation(name="hidden", shape=(n_hidden,), **lif),
            LifPopulation(name="out", shape=(N_CLASSES,), **lif),
        ],
        projections=[
            dense("in", "hidden", (n_hidden, 6), hidden_rule),
            dense("hidden", "out", (N_CLASSES, n_hidden), output_rule),
            dense("hidden", "hidden", (n_hidden, n_hidden), loop_rule),
        ],
    )


def batch_of(rng, n_samples):
    return rng.random((n_samples, N_STEPS, 6)) < rng.uniform(0.1, 0.7, size=(n_samples, 1, 1))


def params_of(third_factor, **fields):
    defaults = {
        "latency_bits": 4,
        "silent_latency": N_STEPS,
        "kernel": np.rint(255 * np.exp(-(np.arange(16) ** 2) / 8)).astype(int),
        "potentiation": 200,
        "depression": 120,
        "shift": 19,
        "third_factor": third_factor,
        "warm_up": 2 if third_factor is DOPAMINE else 0,
    }
    return DaSsdpParams(**{**defaults, **fields})


RULES = st.one_of(st.none(), da_ssdp_params(third_factor=CONSTANT, latency_shift=1))


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
        "n_steps": N_STEPS,
        "labels": labels,
        "rewards": rewards,
        "losses": losses,
        "seed": seed,
        "first_sample": 3,
    }
    expected, winners = oracle(network, batch, **common)
    result = learn(network, batch, **common)
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
    whole = learn(network, batch, labels, n_steps=N_STEPS, seed=4)
    cut = data.draw(st.integers(1, 7))
    first = learn(network, batch[:cut], labels[:cut], n_steps=N_STEPS, seed=4)
    second = learn(
        first.network,
        batch[cut:],
        labels[cut:],
        n_steps=N_STEPS,
        seed=4,
        first_sample=first.next_sample,
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
    warm = learn(network, batch[:6], n_steps=N_STEPS, losses=losses[:6], seed=1)
    assert same_record(warm.network, network)
    first = learn(network, batch[:cut], n_steps=N_STEPS, losses=losses[:cut], seed=1)
    second = learn(
        first.network,
        batch[cut:],
        n_steps=N_STEPS,
        losses=losses[cut:] if cut < 6 else None,
        dopamine=first.dopamine,
        first_sample=first.next_sample,
        seed=1,
    )
    assert same_record(second.network, expected)
    assert second.changes["in->hidden"].n_changed > 0
    assert second.dopamine == warm.dopamine
    assert second.dopamine["in->hidden"].fit().correlation != 0


def test_learn__samples_switched_off_are_not_in_the_warm_up():
    rng = np.random.default_rng(9)
    network = two_layers(rng, hidden_rule=params_of(DOPAMINE, warm_up=3))
    batch, losses, mask = batch_of(rng, 8), np.arange(8), np.arange(8) % 2 == 0
    result = learn(network, batch, n_steps=N_STEPS, losses=losses, learning_mask=mask)
    only = learn(network, batch[mask], n_steps=N_STEPS, losses=losses[mask])
    assert result.dopamine == only.dopamine
    assert result.dopamine["in->hidden"].n_samples == 3


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
    twice = learn(network, batch, n_steps=N_STEPS, epochs=2)
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
    off = learn(network, batch, n_steps=N_STEPS, learning_mask=np.zeros(4, dtype=bool))
    assert same_record(off.network, network)
    assert off.n_updates == 0
    one = learn(network, batch, n_steps=N_STEPS, learning_mask={"in->hidden": False})
    assert one.changes["in->hidden"].n_changed == 0 < one.changes["hidden->hidden"].n_changed
    first = learn(network, batch, n_steps=N_STEPS, learning_mask=np.arange(4) == 0)
    assert same_record(first.network, learn(network, batch[0], n_steps=N_STEPS).network)


def test_learn__teacher_gates_may_replace_labels():
    rng = np.random.default_rng(5)
    network = two_layers(rng, output_rule=params_of(TEACHER))
    sample = batch_of(rng, 1)
    none = learn(network, sample, n_steps=N_STEPS, teacher=np.zeros((1, N_CLASSES), dtype=int))
    assert same_record(none.network, network)
    trains = simulate(network, sample[0], n_steps=N_STEPS).raster("out").T.tolist()
    by_label = learn(network, sample, [1], n_steps=N_STEPS)
    gates = {"out": [da_ssdp.teacher_gates(trains, 1)]}
    by_gates = learn(network, sample, n_steps=N_STEPS, teacher=gates)
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
    without = learn(network, batch, labels, n_steps=N_STEPS, learning_mask=asleep)
    learned = learn(network, batch, labels, n_steps=N_STEPS)
    right = [(result.decisions["out"] == labels)[-100:].mean() for result in (without, learned)]
    assert right[0] < 0.6 < 0.95 < right[1]


def test_learn__refuses_a_sample_that_reaches_the_silent_code():
    network = two_layers(np.random.default_rng(0), hidden_rule=params_of(CONSTANT))
    learn(network, np.zeros((15, 6), dtype=bool), n_steps=15)
    with pytest.raises(RangeError, match=r"in->hidden: n_steps 16; .* allow 1\.\.15"):
        learn(network, np.zeros((16, 6), dtype=bool), n_steps=16)


BATCH = np.zeros((2, N_STEPS, 6), dtype=bool)


@pytest.mark.parametrize(
    ("rules", "arguments", "error", "message"),
    [
        ({}, {}, InputError, "nothing can learn"),
        ({"hidden_rule": CONSTANT}, {"labels": [0, 1]}, InputError, "third factor TEACHER"),
        ({"hidden_rule": CONSTANT}, {"rewards": [0, 1]}, InputError, "third factor REWARD"),
        ({"hidden_rule": REWARD}, {}, InputError, "rewards: needed"),
        ({"hidden_rule": REWARD}, {"rewards": [0, 256]}, RangeError, "256 at index"),
        ({"hidden_rule": REWARD}, {"rewards": [0.5, 1]}, TypeMismatchError, "integers"),
        ({"hidden_rule": REWARD}, {"rewards": [0]}, ShapeError, r"\(2,\) is needed"),
        ({"hidden_rule": CONSTANT}, {"losses": [0, 1]}, InputError, "third factor DOPAMINE"),
        ({"hidden_rule": DOPAMINE}, {}, InputError, "losses: needed"),
        ({"hidden_rule": DOPAMINE}, {"losses": [0, 2**31]}, RangeError, "2147483648 at index"),
        ({"hidden_rule": DOPAMINE}, {"losses": [0.5, 1]}, TypeMismatchError, "integers"),
        ({"hidden_rule": DOPAMINE}, {"dopamine": 3}, TypeMismatchError, "a mapping"),
        ({"hidden_rule": DOPAMINE}, {"dopamine": {"x": 3}}, NameClashError, "'x'"),
        (
            {"hidden_rule": DOPAMINE},
            {"dopamine": {"in->hidden": 3}},
            TypeMismatchError,
            "SynchronyStatistics",
        ),
        (
            {"hidden_rule": DOPAMINE},
            {"dopamine": {"in->hidden": SynchronyStatistics(n_samples=3)}},
            RangeError,
            "3 samples; its warm_up is 2",
        ),
        ({"output_rule": TEACHER}, {}, InputError, "either labels or teacher"),
        ({"output_rule": TEACHER}, {"labels": [0, 3]}, RangeError, r"allowed 0\.\.2"),
        ({"output_rule": TEACHER}, {"labels": [[0, 1]]}, ShapeError, r"\(2,\) is needed"),
        (
            {"output_rule": TEACHER},
            {"labels": [0, 1], "teacher": np.zeros((2, 3), dtype=int)},
            InputError,
            "either labels or teacher",
        ),
        ({"output_rule": TEACHER}, {"teacher": np.zeros((2, 2), int)}, ShapeError, r"\(2, 3\)"),
        ({"output_rule": TEACHER}, {"teacher": {"in": [[0]]}}, NameClashError, "'out'"),
        (
            {"output_rule": TEACHER, "hidden_rule": TEACHER},
            {"labels": [0, 1]},
            InputError,
            "one target population",
        ),
        ({"hidden_rule": CONSTANT}, {"epochs": 0}, RangeError, "epochs"),
        ({"hidden_rule": CONSTANT}, {"first_sample": -1}, RangeError, "first_sample"),
        ({"hidden_rule": CONSTANT}, {"learning_mask": [1, 0]}, TypeMismatchError, "booleans"),
        ({"hidden_rule": CONSTANT}, {"learning_mask": [True]}, ShapeError, r"\(2,\)"),
        ({"hidden_rule": CONSTANT}, {"learning_mask": {"x": True}}, NameClashError, "'x'"),
    ],
)
def test_learn__refuses_what_does_not_fit(rules, arguments, error, message):
    network = two_layers(
        np.random.default_rng(0), **{name: params_of(kind) for name, kind in rules.items()}
    )
    with pytest.raises(error, match=message):
        learn(network, BATCH, n_steps=N_STEPS, **arguments)


def test_dense_projection__plastic_weights_must_lie_in_the_range_of_the_rule():
    network = two_layers(np.random.default_rng(0))
    rule = params_of(CONSTANT, weight_low=-40, weight_high=50)
    with pytest.raises(RangeError, match=r"in->hidden.weights: value .* allowed -40\.\.50"):
        dataclasses.replace(network.projection("in->hidden"), plasticity=rule)
