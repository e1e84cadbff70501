import dataclasses

import h5py
import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LearningRule,
    LifPopulation,
    NetworkFileError,
    PostTraces,
    RangeError,
    ShapeError,
    SsdpError,
    TraceConfiguration,
    TypeMismatchError,
    same_record,
)
from ssdp_neuro import SampleStart, Session, SessionState, Teaching, learn, simulate
from ssdp_neuro.engine import rule_lessons
from ssdp_neuro.oracle.rule_network import RuleNetwork
from tests.ssdp_neuro.engine.plastic_networks import CONSTANT, params_of

TRACE = TraceConfiguration(impulse=20, tau=8)
STDP = LearningRule(dw="2^-1 * y0 * x1 - 2^-2 * x0 * y1", x1=TRACE, y1=TRACE, epoch=2)
REWARDED = LearningRule(dw="u0 * t * y2", dt="x0 * (y1 + 9)", post_traces=PostTraces.SENT, epoch=3)


def network_of(**rules):
    """Six inputs and three neurons, which also reach each other; rules by projection."""
    rng = np.random.default_rng(4)
    fields = {
        "in->out": {"source": "in", "target": "out", "weights": rng.integers(20, 90, (3, 6))},
        "loop": {"source": "out", "target": "out", "weights": rng.integers(-60, 0, (3, 3))},
    }
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(6,)),
            LifPopulation(
                name="out", shape=(3,), current_decay=1024, voltage_decay=128, threshold=150
            ),
        ],
        projections=[
            DenseProjection(name=name, plasticity=rules.get(name), **one)
            for name, one in fields.items()
        ],
    )


SPIKES = np.random.default_rng(5).random((60, 6)) < 0.3
BOTH = {"in->out": STDP, "loop": REWARDED}
SENT = {"loop": np.random.default_rng(6).integers(-50, 50, (60, 3, 3))}


def with_rule(state, name, **change):
    rule = dataclasses.replace(state.rules[name], **change)
    return dataclasses.replace(state, rules={**state.rules, name: rule})


def test_session__learns_only_what_is_switched_on():
    network = network_of(**BOTH)
    fixed = Session(network)
    raster = fixed.run(SPIKES, 60).raster("out")
    assert np.array_equal(raster, simulate(network, SPIKES, n_steps=60).raster("out"))
    assert fixed.learning == ()
    one = Session(network, learning=["in->out"])
    result = one.run(SPIKES, 60)
    assert (result.raster("out") != raster).any(), "the rule changes who fires"
    assert (one.variables("in->out")["weights"] != network.projections[0].weights).any()
    assert not one.variables("loop")["tag_1"].any()
    one.learning = False
    weights = one.variables("in->out")
    one.run(SPIKES, 60)
    assert all(np.array_equal(weights[name], one.variables("in->out")[name]) for name in weights)
    one.learning = True
    assert one.learning == ("in->out", "loop")
    one.run(SPIKES, 60, sent=SENT)
    assert one.variables("loop")["tag_1"].any()
    assert np.array_equal(one.network.projection("loop").tag_1, one.variables("loop")["tag_1"])


def test_session__step_by_step_is_one_run():
    network = network_of(**BOTH)
    whole, steps = Session(network, learning=True), Session(network, learning=True)
    whole.run(SPIKES, 60, sent=SENT)
    for step in range(60):
        steps.step(SPIKES[step], sent={"loop": SENT["loop"][step]})
    for name in BOTH:
        for variable, values in whole.variables(name).items():
            assert np.array_equal(steps.variables(name)[variable], values), (name, variable)


def test_session__state_goes_through_a_file(tmp_path):
    network = network_of(**BOTH)
    session = Session(network, learning=True)
    session.run(SPIKES[:31], 31, sent={"loop": SENT["loop"][:31]})
    path = tmp_path / "state.h5"
    session.state().save(path)
    other = Session(network, learning=True)
    other.restore(SessionState.load(path))
    for each in (session, other):
        each.run(SPIKES[31:], 29, sent={"loop": SENT["loop"][31:]})
    for name in BOTH:
        for variable, values in session.variables(name).items():
            assert np.array_equal(other.variables(name)[variable], values), (name, variable)
    with h5py.File(path, "a") as file:
        del file["rules/loop/x"]
    with pytest.raises(NetworkFileError, match="/rules/loop: 'clock' and"):
        SessionState.load(path)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"last_pre": np.full(6, 2)},
            RangeError,
            r"last_pre: value 2 at index \(0,\); allowed 0..1",
        ),
        ({"y": np.full((3, 3), -1)}, RangeError, r"rules\['in->out'\].y: value -1"),
        ({"x": np.zeros((2, 7), int)}, ShapeError, r"x: shape \(2, 7\); \(2, 6\)"),
        ({"x": np.full((2, 6), 128)}, RangeError, "RuleState.x: value 128"),
        ({"clock": 2**40}, RangeError, "clock: 1099511627776; allowed 4294967295"),
    ],
)
def test_restore__refuses_what_a_rule_cannot_have_come_to(change, error, message):
    session = Session(network_of(**BOTH), learning=True)
    session.run(SPIKES[:31], 31)
    state = session.state()
    with pytest.raises(error, match=message):
        session.restore(with_rule(state, "in->out", **change))
    session.restore(state)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Session(network_of(), learning=True), InputError, "no projection of the network"),
        (lambda: Session(network_of(**BOTH), learning="loop"), InputError, "True, False or names"),
        (lambda: Session(network_of(**BOTH), learning=["x"]), InputError, "'x'; projections with"),
        (lambda: Session(network_of(**BOTH)).variables("loop"), InputError, "variables of 'loop'"),
        (lambda: Session(network_of(**BOTH)).start_over("kept"), TypeMismatchError, "SampleStart"),
        (lambda: run(sent=SENT, learning=False), InputError, "sent: no LearningRule is at work"),
        (
            lambda: run(sent={"in->out": SENT["loop"]}),
            InputError,
            r"PostTraces.SENT are \['loop'\]",
        ),
        (lambda: run(sent=3), InputError, "sent: 3; a mapping"),
        (
            lambda: run(sent={"loop": SENT["loop"][:, :2]}),
            ShapeError,
            r"sent\['loop'\]: shape \(60, 2, 3\); \(60, 3, 3\) is needed",
        ),
        (lambda: run(sent={"loop": SENT["loop"] * 2**40}), RangeError, r"sent\['loop'\]: value"),
    ],
)
def test_session__refuses_what_does_not_fit_its_rules(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, SsdpError)


def run(learning=True, **arguments):
    session = Session(network_of(**BOTH), learning=learning)
    try:
        return session.run(SPIKES, 60, **arguments)
    finally:
        assert session.n_steps == 0
        assert session.state().n_steps == 0, "the session is where it was"


def test_start_over__is_the_first_sample_again():
    session = Session(network_of(**BOTH), learning=True)
    first = session.run(SPIKES, 60).raster("out")
    weights = session.variables("in->out")["weights"]
    session.start_over(SampleStart.ALL_AS_GIVEN)
    assert np.array_equal(session.run(SPIKES, 60).raster("out"), first)
    assert np.array_equal(session.variables("in->out")["weights"], weights)
    session.start_over(SampleStart.TRACES_CLEARED)
    assert not session.variables("in->out")["x1"].any()
    assert np.array_equal(session.variables("in->out")["weights"], weights)


BATCH = np.random.default_rng(8).random((4, 30, 6)) < 0.3
SENT_BATCH = {"loop": np.random.default_rng(9).integers(-50, 50, (4, 30, 3, 3))}


@pytest.mark.parametrize("start", SampleStart)
def test_learn__shows_samples_as_a_session_or_the_oracle_would(start):
    network = network_of(**BOTH)
    mask = np.array([True, False, True, True])
    told = Teaching(sample_start=start, sent=SENT_BATCH, learning_mask={"in->out": mask}, epochs=2)
    result = learn(network, BATCH, told, n_steps=30)
    oracle, n_learned = RuleNetwork(network), 0
    for seen in range(8):
        sample = seen % 4
        if start is SampleStart.ALL_AS_GIVEN:
            oracle = RuleNetwork(network)
        elif start is SampleStart.TRACES_CLEARED:
            oracle.clear_traces()
        learns = {"in->out": mask[sample], "loop": True}
        sent = {"loop": SENT_BATCH["loop"][sample]}
        rasters, _ = oracle.run({"in": BATCH[sample]}, 30, sent=sent, learns=learns)
        counts = rasters["out"].sum(axis=0)
        assert np.array_equal(result.spike_counts["out"][seen], counts)
        if start is SampleStart.ALL_AS_GIVEN:
            made = result.copies[seen]
            for name, arrival in oracle.learned.items():
                assert np.array_equal(made.projection(name).weights, arrival.variables()["weights"])
        n_learned += bool(mask[sample])
    for name, arrival in oracle.learned.items():
        values = arrival.variables()
        learned = result.network.projection(name)
        assert np.array_equal(learned.weights, values["weights"])
        if name == "loop":
            assert np.array_equal(learned.tag_1, values["tag_1"])
    assert result.changes["in->out"].n_updates == n_learned == 6
    assert result.changes["in->out"].n_changed > 0
    assert result.changes["in->out"].rows_visited > 0
    assert len(result.copies) == (8 if start is SampleStart.ALL_AS_GIVEN else 0)


def test_learn__gives_copies_the_same_bits_on_any_number_of_threads(monkeypatch):
    rng = np.random.default_rng(10)
    batch = rng.random((24, 2000, 6)) < 0.3  # long enough for threads to run at once
    sent = {"loop": rng.integers(-50, 50, (24, 2000, 3, 3))}
    network, results = network_of(**BOTH), []
    for n_threads in (1, 3):
        monkeypatch.setattr(rule_lessons, "available_cores", lambda n=n_threads: n)
        told = Teaching(sample_start=SampleStart.ALL_AS_GIVEN, sent=sent)
        results.append(learn(network, batch, told, n_steps=2000))
    alone, together = results
    assert all(map(same_record, alone.copies, together.copies))
    assert same_record(alone.network, together.network)
    assert alone.changes["in->out"].rows_visited == together.changes["in->out"].rows_visited
    assert np.array_equal(alone.spike_counts["out"], together.spike_counts["out"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [0, 1, 2, 0]}, "labels: of DaSsdpParams"),
        ({"seed": 3}, "seed: of DaSsdpParams"),
        ({"sent": {"in->out": SENT_BATCH["loop"]}}, r"sent: 'in->out'; .* are \['loop'\]"),
        ({"sent": {"loop": SENT["loop"]}}, r"\(60, 3, 3\); \(4, 30, 3, 3\) is needed"),
        ({"learning_mask": {"x": True}}, "'x'; such plastic"),
        ({"sample_start": "kept"}, "sample_start: 'kept'; a SampleStart is needed"),
    ],
)
def test_learn__refuses_what_does_not_fit_rules(arguments, message):
    with pytest.raises(SsdpError, match=message):
        learn(network_of(**BOTH), BATCH, Teaching(**arguments), n_steps=30)


def test_learn__teaches_one_kind_of_rule():
    mixed = network_of(**{"in->out": STDP, "loop": params_of(CONSTANT)})
    with pytest.raises(InputError, match=r"loop\.plasticity: DaSsdpParams beside a LearningRule"):
        learn(mixed, BATCH, n_steps=30)
    other = network_of(loop=params_of(CONSTANT))
    with pytest.raises(InputError, match="sent, sample_start: of a LearningRule"):
        learn(other, BATCH[:, :15], Teaching(sent=SENT_BATCH), n_steps=15)
