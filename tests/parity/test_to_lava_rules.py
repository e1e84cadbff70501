"""Networks with learning rules as programs of Lava: what is learned, and read back."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import LavaExecution, from_lava, run_lava, to_lava
from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LearningRule,
    LifPopulation,
    RandomStream,
    RangeError,
    SignMode,
    SparseProjection,
    TraceConfiguration,
)
from hw_models.learning_engine import RULE_STATE
from ssdp_neuro import Session
from ssdp_neuro.oracle.learning_connection import LearningConnection
from tests.learning_rule_strategies import learning_rules

pytestmark = [pytest.mark.lava, pytest.mark.kernel]

N_STEPS = 40
RULE = LearningRule(
    dw="2^-2 * y0 * x1 - 2^-2 * x0 * y1", dt="x0",
    x1=TraceConfiguration(60.5, 8), y1=TraceConfiguration(50, 8),
    epoch=2, random_stream=RandomStream.LAVA, seed=3,
)  # fmt: skip


def network_of(rule, rng, **fields):
    """Inputs that drive neurons by synapses with a rule, and neurons that excite themselves."""
    weights = rng.integers(rule.weight_low, rule.weight_high + 1, (3, 4))
    plastic = DenseProjection(
        source="in", target="cell", weights=weights, plasticity=rule, name="plastic", **fields
    )
    drive = DenseProjection(source="in", target="cell", weights=np.full((3, 4), 40), name="drive")
    cell = LifPopulation(
        name="cell", shape=(3,), current_decay=4095, voltage_decay=500, threshold=70
    )
    return FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(4,)), cell], projections=[plastic, drive]
    )


def test_run_lava__learns_by_rules_in_lavas_runtime():
    rng = np.random.default_rng(1)
    network = network_of(RULE, rng)
    spikes = rng.random((2, 100, 4)) < 0.3
    direct, runtime = (
        run_lava(network, spikes, 100, execution=execution, rules=True)
        for execution in LavaExecution
    )
    np.testing.assert_array_equal(direct.raster("cell"), runtime.raster("cell"))
    for name in RULE_STATE:
        learned = runtime.probe("plastic", name)
        assert learned.shape[0] == 2
        np.testing.assert_array_equal(direct.probe("plastic", name), learned, name)
    assert (runtime.probe("plastic", "weights") != network.projection("plastic").weights).any()
    model = to_lava(network, spikes[0], 100, rules=True)
    run = from_lava(model.populations["cell"]).run(100)
    learned = run.value(model.projections["plastic"].weights)
    np.testing.assert_array_equal(learned, runtime.probe("plastic", "weights")[0])


def test_run_lava__learns_on_listed_synapses_in_lavas_runtime():
    rng = np.random.default_rng(4)
    network = network_of(RULE, rng)
    ends = {"source": "in", "target": "cell", "name": "plastic", "plasticity": RULE}
    listed = SparseProjection(
        pre=[0, 0, 1, 3, 2], post=[2, 0, 1, 1, 0], weights=[3, 80, 41, -60, 255],
        tag_1=[5, 0, -9, 0, 200], tag_2=[0, 1, 2, 3, 4], **ends,
    )  # fmt: skip
    network = network.replace(listed)
    spikes = rng.random((60, 4)) < 0.3
    runs = [
        run_lava(network, spikes, 60, execution=execution, rules=True)
        for execution in LavaExecution
    ]
    session = Session(network, learning=True)
    session.run(spikes, 60)
    learned = session.variables("plastic")
    assert (learned["weights"] != listed.weights).all()
    for run in runs:
        for name in RULE_STATE:
            np.testing.assert_array_equal(run.probe("plastic", name), learned[name], name)
    model = to_lava(network, spikes, 60, rules=True)
    program = from_lava(model.populations["cell"])
    read = program.network.projection("plastic")
    order, order_read = (np.lexsort((p.pre, p.post)) for p in (listed, read))
    for name in ("pre", "post", "weights", "tag_1", "tag_2"):
        given, found = getattr(listed, name)[order], getattr(read, name)[order_read]
        np.testing.assert_array_equal(found, given, name)
    assert read.plasticity == RULE
    found = program.run(60).value(model.projections["plastic"].tag_1)
    np.testing.assert_array_equal(found[listed.post, listed.pre], learned["tag_1"])


def test_run_lava__keeps_weights_unless_rules_are_asked_for():
    network = network_of(RULE, np.random.default_rng(2))
    result = run_lava(network, np.ones((9, 4), bool), 9, execution=LavaExecution.DIRECT)
    assert dict(result.probes) == {}


def test_to_lava__refuses_rules_that_lava_cannot_run():
    rng = np.random.default_rng(0)
    counter = LearningRule(dw="x0", seed=1)
    ends = {"source": "in", "target": "cell", "name": "plastic", "plasticity": RULE}
    network = network_of(RULE, rng)
    listed = SparseProjection(pre=[0, 1], post=[1, 2], weights=[3, 4], **ends)
    late = DenseProjection(weights=np.ones((3, 4), int), delays=np.ones((3, 4), int), **ends)
    for wrong, message in (
        (network_of(counter, rng), "plastic.plasticity.random_stream: .*LAVA is needed"),
        (
            network.replace(dataclasses.replace(listed, weights=[3, 0])),
            "plastic.weights: 0 at synapse 1; Lava's LearningSparse drops it",
        ),
        (
            network.replace(
                dataclasses.replace(listed, plasticity=dataclasses.replace(RULE, dt="x0 + x0 * w"))
            ),
            r"plastic: dt, term 2 \('x0 \* w'\): Lava's LearningSparse fails on factors",
        ),
        (
            network.replace(
                dataclasses.replace(
                    listed, plasticity=dataclasses.replace(RULE, sign_mode=SignMode.EXCITATORY)
                )
            ),
            "plastic.plasticity.sign_mode: .*fails on all but MIXED",
        ),
        (network.replace(late), "plastic: DenseProjection with delays cannot learn"),
    ):
        with pytest.raises(RangeError, match=message):
            to_lava(wrong, rules=True)
    with pytest.raises(InputError, match="learning or rules"):
        to_lava(network, learning="process", rules=True)


@given(rule=learning_rules(random_stream=RandomStream.LAVA), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_run_lava__learns_by_rules_as_the_oracle_and_the_program_do(rule, seed):
    rng = np.random.default_rng(seed)
    tags = {"tag_1": rng.integers(-256, 256, (3, 4)), "tag_2": rng.integers(0, 256, (3, 4))}
    network = network_of(rule, rng, weight_exponent=int(rng.integers(-2, 3)), **tags)
    spikes = rng.random((N_STEPS, 4)) < 0.3
    result = run_lava(network, spikes, N_STEPS, execution=LavaExecution.DIRECT, rules=True)
    plastic = network.projection("plastic")
    oracle = LearningConnection(rule, plastic.weights, plastic.tag_1, plastic.tag_2)
    for before, after in zip(spikes, result.raster("cell"), strict=True):
        oracle.step(before, after)
    for name, value in oracle.state().items():
        np.testing.assert_array_equal(result.probe("plastic", name), value, name)
    model = to_lava(network, spikes, N_STEPS, rules=True)
    program = from_lava(model.populations["cell"])
    assert program.notes == ()
    assert program.network.projection("plastic").plasticity == rule
    run = program.run(N_STEPS)
    np.testing.assert_array_equal(run.raster(model.populations["cell"]), result.raster("cell"))
    for name in RULE_STATE:
        value = run.value(getattr(model.projections["plastic"], name))
        np.testing.assert_array_equal(value, result.probe("plastic", name))
