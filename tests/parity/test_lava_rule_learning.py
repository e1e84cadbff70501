"""Learning from samples by rules in Lava and in the engine: every weight and tag."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import LavaExecution, learn_lava
from hw_models import (
    DenseProjection,
    InputError,
    LearningForm,
    PostTraces,
    RandomStream,
    RangeError,
    SparseProjection,
    TraceConfiguration,
    TypeMismatchError,
    same_record,
)
from ssdp_neuro import SampleStart, Teaching, learn
from tests.learning_rule_strategies import learning_rules
from tests.parity.test_to_lava_rules import RULE, network_of

pytestmark = [pytest.mark.lava, pytest.mark.kernel]
LAVA_RULES = learning_rules(random_stream=RandomStream.LAVA)


def assert_learns_as_the_engine(network, spikes, told, n_steps, **how):
    engine = learn(network, spikes, told, n_steps=n_steps)
    lava = learn_lava(network, spikes, told, n_steps=n_steps, **how)
    assert same_record(lava.network, engine.network)
    for ours, theirs in zip(engine.copies, lava.copies, strict=True):
        assert same_record(ours, theirs)
    assert lava.next_sample == engine.next_sample
    for name, counts in engine.spike_counts.items():
        np.testing.assert_array_equal(lava.spike_counts[name], counts)
        np.testing.assert_array_equal(lava.decisions[name], engine.decisions[name])
    for name, change in engine.changes.items():
        visited = lava.changes[name].rows_visited
        assert dataclasses.replace(change, rows_visited=visited) == lava.changes[name]
    return lava


@given(
    rules=st.tuples(LAVA_RULES, LAVA_RULES),
    seed=st.integers(0, 2**32 - 1),
    start=st.sampled_from(SampleStart),
    is_masked=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_learn_lava__learns_by_rules_as_the_engine(rules, seed, start, is_masked):
    """Two rules, one of a loop; samples not learned from, spikes and epochs under way."""
    rng = np.random.default_rng(seed)
    n_samples, n_steps = int(rng.integers(1, 5)), int(rng.integers(1, 20))
    network = network_of(rules[0], rng)
    late = dataclasses.replace(network.projection("drive"), delays=rng.integers(0, 5, (3, 4)))
    loop = DenseProjection(
        source="cell", target="cell", name="loop", plasticity=rules[1],
        weights=rng.integers(rules[1].weight_low, rules[1].weight_high + 1, (3, 3)),
    )  # fmt: skip
    network = dataclasses.replace(network.replace(late), projections=[*network.projections, loop])
    sent = {
        name: rng.integers(-140, 300, (n_samples, n_steps, 3, 3))
        for name, rule in zip(("plastic", "loop"), rules, strict=True)
        if rule.post_traces is PostTraces.SENT and rng.random() < 0.8
    }
    mask = {"plastic": rng.random(n_samples) < 0.6} if is_masked else None
    told = Teaching(sample_start=start, sent=sent, learning_mask=mask, epochs=2)
    spikes = rng.random((n_samples, n_steps, 4)) < 0.4
    assert_learns_as_the_engine(network, spikes, told, n_steps)


def test_learn_lava__learns_by_rules_in_the_runtime():
    rng = np.random.default_rng(2)
    rule = dataclasses.replace(
        RULE,
        dw="x0 * y1 - 2^-2 * u0 * y2",
        y1=TraceConfiguration(0, 0),
        post_traces=PostTraces.SENT,
    )
    network = network_of(rule, rng)
    sent = {"plastic": rng.integers(0, 128, (4, 9, 3, 3))}
    told = Teaching(sent=sent, learning_mask=[True, False, True, True])
    spikes = rng.random((4, 9, 4)) < 0.4
    lava = assert_learns_as_the_engine(network, spikes, told, 9, execution=LavaExecution.RUNTIME)
    assert lava.changes["plastic"].n_changed


def test_learn_lava__learns_images_of_real_size():
    rng = np.random.default_rng(3)
    small = network_of(RULE, rng)
    eye = dataclasses.replace(small.population("in"), shape=(196,))
    cell = dataclasses.replace(small.population("cell"), shape=(50,), threshold=900)
    drive, plastic = (
        dataclasses.replace(small.projection(name), weights=rng.integers(0, high, (50, 196)))
        for name, high in (("drive", 60), ("plastic", 200))
    )
    network = dataclasses.replace(small, populations=[eye, cell], projections=[drive, plastic])
    spikes = rng.random((10, 25, 196)) < rng.uniform(0.02, 0.1, (10, 1, 1))
    lava = assert_learns_as_the_engine(network, spikes, Teaching(), 25)
    assert lava.changes["plastic"].n_changed > 1000


NETWORK = network_of(RULE, np.random.default_rng(0))
ENDS = {"source": "in", "target": "cell", "name": "plastic", "plasticity": RULE}
ONES = np.ones((3, 4), int)


@pytest.mark.parametrize(
    ("plastic", "arguments", "error", "says"),
    [
        (
            SparseProjection(pre=[0], post=[1], weights=[3], **ENDS),
            {},
            RangeError,
            "plastic: SparseProjection cannot learn from samples in Lava",
        ),
        (
            DenseProjection(weights=ONES, delays=ONES, **ENDS),
            {},
            RangeError,
            "plastic: DenseProjection with delays cannot learn by a rule in Lava",
        ),
        (
            DenseProjection(
                weights=ONES,
                **{
                    **ENDS,
                    "plasticity": dataclasses.replace(RULE, random_stream=RandomStream.COUNTER),
                },
            ),
            {},
            RangeError,
            "plastic.plasticity.random_stream: .*LAVA is needed",
        ),
        (None, {"form": LearningForm.LOIHI}, InputError, "form: .*LearningForm.PROCESS is needed"),
        (None, {"teaching": Teaching(labels=[1])}, InputError, "labels: of DaSsdpParams"),
        (None, {"teaching": 3}, TypeMismatchError, "teaching: 3; a Teaching is needed"),
    ],
    ids=["listed", "delays", "stream", "form", "labels", "teaching"],
)
def test_learn_lava__refuses_rules_that_lava_cannot_run(plastic, arguments, error, says):
    network = NETWORK if plastic is None else NETWORK.replace(plastic)
    with pytest.raises(error, match=says):
        learn_lava(network, None, n_steps=5, **arguments)
