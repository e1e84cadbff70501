import dataclasses

import numpy as np
import pytest

from hw_models import (
    InputError,
    LearningRule,
    RangeError,
    ShapeError,
    SynchronyStatistics,
    TraceConfiguration,
    TypeMismatchError,
    UnknownNameError,
    same_record,
)
from ssdp_neuro import Session, Teaching, learn, simulate
from tests.ssdp_neuro.engine.plastic_networks import (
    CONSTANT,
    DOPAMINE,
    N_STEPS,
    REWARD,
    TEACHER,
    params_of,
    two_layers,
)


def test_learn__refuses_a_sample_that_reaches_the_silent_code():
    network = two_layers(np.random.default_rng(0), hidden_rule=params_of(CONSTANT))
    learn(network, np.zeros((15, 6), dtype=bool), n_steps=15)
    with pytest.raises(RangeError, match=r"in->hidden: n_steps 16; .* allow 1\.\.15"):
        learn(network, np.zeros((16, 6), dtype=bool), n_steps=16)


def test_begin_sample__refuses_a_rule_that_learns_in_epochs_by_name():
    network = two_layers(np.random.default_rng(0), hidden_rule=params_of(CONSTANT))
    hebb = LearningRule(dw="x0 * y0")
    mixed = network.replace(dataclasses.replace(network.projections[1], plasticity=hebb))
    name = mixed.projections[1].name
    with pytest.raises(InputError, match=f"{name}.plasticity: a LearningRule; learning from"):
        Session(mixed).begin_sample()


def test_simulate__and_sessions_keep_the_weights_of_a_learning_rule():
    network = two_layers(np.random.default_rng(0))
    hebb = LearningRule(dw="2^4 * x0 + 2^4 * y0 * x1", x1=TraceConfiguration(impulse=9, tau=3))
    ruled = network.replace(*(dataclasses.replace(p, plasticity=hebb) for p in network.projections))
    spikes = np.random.default_rng(1).random((30, 6)) < 0.3
    plain, with_rules = (simulate(each, spikes, n_steps=30) for each in (network, ruled))
    session = Session(ruled)
    begin = session.state()
    first = session.run(spikes, 30)
    session.restore(begin)
    for population in network.neurons:
        raster = plain.raster(population.name)
        assert np.array_equal(with_rules.raster(population.name), raster)
        assert np.array_equal(first.raster(population.name), raster)
    assert plain.spike_counts("out").any()
    assert np.array_equal(session.run(spikes, 30).raster("out"), first.raster("out"))
    assert same_record(session.network, ruled)


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
        ({"hidden_rule": DOPAMINE}, {"dopamine": {"x": 3}}, UnknownNameError, "'x'"),
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
        (
            {"hidden_rule": DOPAMINE},
            {
                "dopamine": {
                    "in->hidden": SynchronyStatistics(
                        n_samples=1, synchrony=2**37, synchrony_squared=2**74
                    )
                }
            },
            RangeError,
            f"a sample has at most {2**36} pairs",
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
        ({"output_rule": TEACHER}, {"teacher": {"in": [[0]]}}, UnknownNameError, "'out'"),
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
        ({"hidden_rule": CONSTANT}, {"learning_mask": {"x": True}}, UnknownNameError, "'x'"),
    ],
)
def test_learn__refuses_what_does_not_fit(rules, arguments, error, message):
    network = two_layers(
        np.random.default_rng(0), **{name: params_of(kind) for name, kind in rules.items()}
    )
    with pytest.raises(error, match=message):
        learn(network, BATCH, Teaching(**arguments), n_steps=N_STEPS)


def test_dense_projection__plastic_weights_must_lie_in_the_range_of_the_rule():
    network = two_layers(np.random.default_rng(0))
    rule = params_of(CONSTANT, weight_low=-40, weight_high=50)
    with pytest.raises(RangeError, match=r"in->hidden.weights: value .* allowed -40\.\.50"):
        dataclasses.replace(network.projection("in->hidden"), plasticity=rule)


def test_learn__a_misspelt_or_bare_teaching_is_found_at_the_call():
    network = two_layers(np.random.default_rng(0), output_rule=params_of(TEACHER))
    with pytest.raises(TypeError, match="lables"):
        Teaching(lables=[0, 1])
    with pytest.raises(
        TypeMismatchError, match=r"list; a Teaching is needed, as Teaching\(labels="
    ):
        learn(network, BATCH, [0, 1], n_steps=N_STEPS)
