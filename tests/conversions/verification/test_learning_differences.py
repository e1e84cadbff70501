"""Verification of networks that learn: all executors, every weight, tag and trace."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import Executor, verify
from conversions.verification.learning_differences import LearningComparison
from hw_models import (
    DenseProjection,
    InputError,
    LearningRule,
    PostTraces,
    RandomStream,
    RangeError,
    ShapeError,
    SparseProjection,
    TraceConfiguration,
)
from ssdp_neuro import Session
from tests.learning_rule_strategies import learning_rules, rule_networks
from tests.parity.test_to_lava_rules import RULE, network_of

pytestmark = [pytest.mark.lava, pytest.mark.kernel]


def of_targets(network, rng, shape):
    """Numbers for all rules that want them."""
    return {
        p.name: rng.integers(-140, 300, (*shape, 3, network.population(p.target).n_neurons))
        for p in network.projections
        if isinstance(getattr(p, "plasticity", None), LearningRule)
        and p.plasticity.post_traces is PostTraces.SENT
    }


@given(rule=learning_rules(random_stream=RandomStream.LAVA), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=15)
def test_verify__finds_learning_networks_equal_in_lava_too(rule, seed):
    rng = np.random.default_rng(seed)
    tags = {"tag_1": rng.integers(-256, 256, (3, 4)), "tag_2": rng.integers(0, 256, (3, 4))}
    network = network_of(rule, rng, **tags)
    spikes = rng.random((2, 30, 4)) < 0.3
    sent = of_targets(network, rng, (2, 30))
    outcome = verify(network, spikes, 30, rules=True, sent=sent)
    assert outcome.equal, outcome
    assert outcome.n_values == 2 * 30 * (4 + 3 * 3 + 3 * 12 + 2 * 4 + 3 * 3)


@given(network=rule_networks(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=15)
def test_verify__finds_engine_and_oracle_equal_where_lava_cannot_learn(network, seed):
    rng = np.random.default_rng(seed)
    spikes = {p.name: rng.random((20, p.n_neurons)) < 0.3 for p in network.inputs}
    sent = {name: values[None] for name, values in of_targets(network, rng, (20,)).items()}
    outcome = verify(
        network, spikes, 20, executors=(Executor.ORACLE, Executor.ENGINE), rules=True, sent=sent
    )
    assert outcome.equal, outcome


def test_verify__asks_lavas_runtime_for_what_was_learned():
    network = network_of(RULE, np.random.default_rng(3))
    spikes = np.random.default_rng(4).random((60, 4)) < 0.3
    executors = (Executor.LAVA_RUNTIME, Executor.LAVA, Executor.ENGINE)
    outcome = verify(network, spikes, 60, executors=executors, rules=True)
    assert outcome.equal, outcome


def test_verify__compares_a_network_of_real_size():
    rng = np.random.default_rng(5)
    trace = TraceConfiguration(impulse=32, tau=8)
    rule = dataclasses.replace(RULE, dw="2^-3 * y0 * x1 - 2^-3 * x0 * y1", x1=trace, y1=trace)
    small = network_of(rule, rng)
    eye = dataclasses.replace(small.population("in"), shape=(784,))
    cell = dataclasses.replace(small.population("cell"), shape=(100,), threshold=3000)
    drive, plastic = (
        dataclasses.replace(small.projection(name), weights=rng.integers(0, high, (100, 784)))
        for name, high in (("drive", 60), ("plastic", 200))
    )
    network = dataclasses.replace(small, populations=[eye, cell], projections=[drive, plastic])
    spikes = rng.random((100, 784)) < 0.05
    outcome = verify(network, spikes, 100, executors=(Executor.ENGINE, Executor.LAVA), rules=True)
    assert outcome.equal, outcome
    assert outcome.n_values > 100 * 3 * 78400
    assert outcome.spikes[Executor.LAVA] > 100


def test_learning_comparison__names_the_first_synapse_that_differs():
    """One executor with another rule: the first difference is a weight of a pair that fired."""
    rng = np.random.default_rng(6)
    network = network_of(RULE, rng)
    plastic = network.projection("plastic")
    other = dataclasses.replace(RULE, dw="2^-2 * y0 * x1 - 2^-1 * x0 * y1")
    changed = network.replace(dataclasses.replace(plastic, plasticity=other))
    runs = {
        who: who.prepare_learning(of)
        for who, of in (
            (Executor.ORACLE, network),
            (Executor.ENGINE, network),
            (Executor.LAVA, changed),
        )
    }
    spikes = rng.random((1, 40, 4)) < 0.3
    comparison = LearningComparison(network)
    comparison.run(runs, {"in": spikes}, {}, 1, 40, [("cell", "v")])
    assert comparison.unequal == {Executor.LAVA}
    place = comparison.first_difference
    assert (place.population, place.variable) == ("plastic", "weights")
    assert place.step % 2 == 1, "weights change at the end of an epoch of two steps"
    assert spikes[0, place.step - 1 : place.step + 1, place.source].any()
    assert place.values[Executor.ORACLE] == place.values[Executor.ENGINE]
    where = f"step {place.step}, synapse from neuron {place.source} to {place.neuron}: oracle "
    assert f"weights of 'plastic', sample 0, {where}" in str(place)


def test_verify__listed_synapses_learn_in_every_executor_alike():
    network = network_of(RULE, np.random.default_rng(0))
    ends = {"source": "in", "target": "cell", "name": "plastic", "plasticity": RULE}
    listed = SparseProjection(pre=[0, 1, 3, 3], post=[1, 0, 1, 2], weights=[3, 90, -4, 60], **ends)
    network = network.replace(listed)
    spikes = np.random.default_rng(1).random((2, 40, 4)) < 0.3
    outcome = verify(network, spikes, 40, rules=True)
    assert outcome.equal, outcome
    session = Session(network, learning=True)
    session.run({"in": spikes[0]}, 40)
    assert session.network.projection("plastic").weights.tolist() != listed.weights.tolist()


def test_learning_comparison__names_ends_of_listed_synapses():
    network = network_of(RULE, np.random.default_rng(0))
    ends = {"source": "in", "target": "cell", "name": "plastic", "plasticity": RULE}
    network = network.replace(SparseProjection(pre=[0, 3], post=[1, 2], weights=[3, 4], **ends))
    arrays = {Executor.ORACLE: np.array([3, 4]), Executor.ENGINE: np.array([3, 5])}
    place = LearningComparison(network)._place(("plastic", "tag_1"), arrays, 0, 7)
    assert str(place) == (
        "tag_1 of 'plastic', sample 0, step 7, synapse from neuron 3 to 2: oracle 4, engine 5"
    )


LATE = DenseProjection(
    source="in", target="cell", name="plastic", plasticity=RULE,
    weights=np.ones((3, 4), int), delays=np.ones((3, 4), int),
)  # fmt: skip


@pytest.mark.parametrize(
    ("plastic", "arguments", "error", "says"),
    [
        (LATE, {}, RangeError, "plastic: DenseProjection with delays cannot learn by a rule"),
        (None, {}, InputError, "rules: no projection of the network has a LearningRule"),
        (RULE, {"rules": False, "sent": {}}, InputError, "sent: only with rules=True"),
        (RULE, {"sent": {"plastic": 0}}, InputError, r"PostTraces.SENT are \[\]"),
        (
            dataclasses.replace(RULE, y1=TraceConfiguration(0, 0), post_traces=PostTraces.SENT),
            {"sent": {"plastic": np.zeros((5, 3, 3), int)}},
            ShapeError,
            r"sent\['plastic'\]: shape \(5, 3, 3\); \(1, 5, 3, 3\) is needed",
        ),
        (
            RULE,
            {"executors": [Executor.ENGINE, Executor.PYTORCH]},
            InputError,
            "PyTorch, real numbers does not learn by rules",
        ),
    ],
    ids=["delays", "no rule", "no rules", "not sent", "shape", "PyTorch"],
)
def test_verify__refuses_learning_that_does_not_fit(plastic, arguments, error, says):
    network = network_of(RULE, np.random.default_rng(0))
    if plastic is None or isinstance(plastic, LearningRule):
        plastic = dataclasses.replace(network.projection("plastic"), plasticity=plastic)
    with pytest.raises(error, match=says):
        verify(network.replace(plastic), None, 5, **{"rules": True, **arguments})
