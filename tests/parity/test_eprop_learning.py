"""Integer e-prop in the engine, the twin and Lava: every weight and spike, after every sample."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import LavaExecution, learn_lava
from hw_models import (
    DenseProjection,
    EpropParams,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    RangeError,
    ResetEligibility,
    ResetMode,
    SparseProjection,
    same_record,
)
from ssdp_neuro import Session, SessionState, Teaching, learn
from ssdp_neuro.oracle import eprop_learn as oracle

pytestmark = pytest.mark.kernel

N_STEPS, N_IN, N_HIDDEN, N_OUT = 9, 6, 5, 3


@st.composite
def rules(draw, **fixed):
    """Parameters over all fields, with changes that are seldom all zero."""
    levels, bits = draw(st.integers(1, 15)), draw(st.integers(4, 8))
    feedback = fixed.pop("n_post", None)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    fields = {
        "shift": draw(st.integers(0, 14)),
        "psi_levels": levels,
        "psi_shift": draw(st.integers(8, 14)),
        "psi_refractory": -draw(st.integers(0, levels)),
        "decay_shift": draw(st.integers(1, 7)),
        "trace_bits": bits,
        "impulse": draw(st.integers(1, 2**bits - 1)),
        "weight_low": -draw(st.integers(20, 128)),
        "weight_high": draw(st.integers(90, 127)),
    }
    if feedback is not None:
        fields["feedback"] = rng.integers(-128, 128, (feedback, N_OUT))
        fields["feedback_shift"] = draw(st.integers(0, 10))
    else:
        fields["wanted"] = draw(st.integers(0, 2**bits - 1))
    return EpropParams(**{**fields, **fixed})


@st.composite
def networks(draw):
    """Inputs, recurrent hidden neurons, outputs: all learn, but for one fixed projection."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    stamped = draw(st.booleans())
    kind = {"reset_eligibility": ResetEligibility.TIME_STAMP} if stamped else {}
    lif = {
        "current_decay": draw(st.sampled_from((4095, 2047))),
        "voltage_decay": draw(st.sampled_from((0, 400, 4096))),
        "threshold": 90,
        "reset": ResetMode.ZERO if stamped else draw(st.sampled_from(ResetMode)),
        "refractory": draw(st.sampled_from((0, 1, 3) if stamped else (0, 0, 2))),
        "bias_mantissa": rng.integers(0, 2000, N_HIDDEN),
    }
    if draw(st.booleans()):
        lif |= {"threshold_rise": rng.integers(0, 60), "threshold_decay": 300}
    out = {**lif, "bias_mantissa": 0, "threshold": rng.integers(40, 120, N_OUT)}

    def dense(source, target, shape, rule):
        late = rng.integers(0, 4, shape)  # Lava waits between samples
        exists = np.argwhere(rng.random(shape) < 0.7)
        ends = {"source": source, "target": target}
        synapses = {
            "weights": rng.integers(-20, 90, shape),
            "delays": draw(st.sampled_from((None, late))),
        }
        if draw(st.integers(0, 2)) == 0 and len(exists):
            listed = {k: v if v is None else v[tuple(exists.T)] for k, v in synapses.items()}
            ends |= {"pre": exists[:, 1], "post": exists[:, 0]}
            kind, synapses = SparseProjection, listed
        else:
            kind = DenseProjection
        exponent = draw(st.sampled_from((-1, 0, 1)))
        return kind(**ends, **synapses, weight_exponent=exponent, plasticity=rule)

    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(N_IN,)),
            LifPopulation(name="hidden", shape=(N_HIDDEN,), **lif),
            LifPopulation(name="out", shape=(N_OUT,), **out),
        ],
        projections=[
            dense(
                "in",
                "hidden",
                (N_HIDDEN, N_IN),
                draw(rules(n_post=N_HIDDEN, **kind)),
            ),
            dense(
                "hidden",
                "hidden",
                (N_HIDDEN, N_HIDDEN),
                draw(rules(n_post=N_HIDDEN, **kind)),
            ),
            dense("hidden", "out", (N_OUT, N_HIDDEN), draw(rules(**kind))),
            dense("in", "out", (N_OUT, N_IN), None),
        ],
    )


def lessons(seed, n=3):
    rng = np.random.default_rng(seed)
    return rng.random((n, N_STEPS, N_IN)) < 0.4, rng.integers(0, N_OUT, n)


def same_weights(one, other):
    return all(
        np.array_equal(a.weights, b.weights)
        for a, b in zip(one.projections, other.projections, strict=True)
    )


@settings(deadline=None, max_examples=15)
@given(network=networks(), seed=st.integers(0, 2**40))
def test_learn__equals_the_twin(network, seed):
    spikes, labels = lessons(seed)
    made, fired = oracle.learn(network, spikes, labels, n_steps=N_STEPS, seed=seed, first_sample=7)
    told = Teaching(labels=labels, seed=seed, first_sample=7)
    result = learn(network, spikes, told, n_steps=N_STEPS)
    assert same_record(result.network, made[-1])
    assert (result.spike_counts["out"] == [one["out"].sum(0) for one in fired]).all()
    assert (result.spike_counts["hidden"] == [one["hidden"].sum(0) for one in fired]).all()
    first = learn(
        network, spikes[:1], Teaching(labels=labels[:1], seed=seed, first_sample=7), n_steps=N_STEPS
    )
    assert same_record(first.network, made[0])
    rest = dataclasses.replace(told, labels=labels[1:], first_sample=first.next_sample)
    again = learn(first.network, spikes[1:], rest, n_steps=N_STEPS)
    assert same_record(again.network, made[-1])


@settings(deadline=None, max_examples=8)
@given(network=networks(), seed=st.integers(0, 2**40))
def test_session__samples_cut_anyhow_give_the_weights_of_learn(network, seed):
    spikes, labels = lessons(seed)
    mask = [True, False, True]
    told = Teaching(labels=labels, seed=seed, learning_mask=mask)
    result = learn(network, spikes, told, n_steps=N_STEPS)
    session, won = Session(network), []
    for sample, label, learns in zip(spikes, labels, mask, strict=True):
        session.run(sample[:4], 4)  # outside of samples nothing is learned
        session.begin_sample(Teaching(labels=[label], seed=seed, learning_mask=learns))
        session.step(sample[0])
        session.run(sample[1:4], 3)
        for step in range(4, N_STEPS):
            session.step(sample[step])
        won.append(session.end_sample()["out"])
        other = Session(network)
        other.restore(session.state())
        session = other
    assert same_record(session.network, result.network)
    assert won == result.decisions["out"].tolist()
    assert (session.n_samples, session.state().steps_learned) == (3, 3 * N_STEPS)


def test_session__says_when_e_prop_is_taught(tmp_path):
    network, spikes, labels = digits_network(n=2)
    session = Session(network)
    with pytest.raises(InputError, match="labels: needed"):
        session.begin_sample()
    with pytest.raises(RangeError, match="labels"):
        session.begin_sample(Teaching(labels=[10]))
    with pytest.raises(InputError, match="kept by the session"):
        session.begin_sample(Teaching(labels=[1], first_sample=3))
    session.begin_sample(Teaching(labels=labels[:1]))
    session.run(spikes[0], 12)
    for attempt in (session.state, session.begin_sample, session.start_over):
        with pytest.raises(InputError, match=r"a sample .*is under way"):
            attempt()
    with pytest.raises(InputError, match=r"begin_sample\(teaching\)"):
        session.end_sample(Teaching(labels=labels[:1]))
    session.end_sample()
    state = session.state()
    state.save(tmp_path / "state.h5")
    other = Session(network)
    other.restore(SessionState.load(tmp_path / "state.h5"))
    for one in (session, other):
        one.begin_sample(Teaching(labels=labels[1:]))
        one.run(spikes[1], 12)
        one.end_sample()
    assert same_record(session.network, other.network)
    told = learn(network, spikes, Teaching(labels=labels), n_steps=12)
    assert same_record(session.network, told.network)


@pytest.mark.lava
@settings(deadline=None, max_examples=8)
@given(network=networks(), seed=st.integers(0, 2**40))
def test_learn_lava__equals_the_engine(network, seed):
    spikes, labels = lessons(seed)
    told = Teaching(labels=labels, seed=seed, epochs=2, learning_mask=[True, False, True])
    engine, lava = (run(network, spikes, told, n_steps=N_STEPS) for run in (learn, learn_lava))
    assert same_record(engine.network, lava.network)
    for name in ("hidden", "out"):
        assert (engine.spike_counts[name] == lava.spike_counts[name]).all()
    assert (engine.decisions["out"] == lava.decisions["out"]).all()


@pytest.mark.lava
def test_learn_lava__equals_the_engine_in_the_runtime():
    network, spikes, labels = digits_network()
    told = Teaching(labels=labels[:3], seed=5)
    engine = learn(network, spikes[:3], told, n_steps=12)
    lava = learn_lava(network, spikes[:3], told, n_steps=12, execution=LavaExecution.RUNTIME)
    assert same_record(engine.network, lava.network)
    assert all(one.n_changed > 20 for one in engine.changes.values())


def digits_network(n_hidden=24, n=60, refractory=0, **of_rule):
    """A hidden layer and a readout that learn from digits in latency code."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(0)
    images, labels = load_digits(return_X_y=True)
    steps = np.where(images > 4, (16 - images) * 0.5, 99).astype(int)
    spikes = steps[:n, None, :] == np.arange(12)[:, None]
    rule = {"shift": 12, "psi_shift": 12, "impulse": 48, **of_rule}
    lif = {"current_decay": 4095, "voltage_decay": 512, "threshold": 150, "refractory": refractory}
    feedback = rng.integers(-60, 61, (n_hidden, 10))
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(64,)),
            LifPopulation(name="hidden", shape=(n_hidden,), **lif),
            LifPopulation(name="out", shape=(10,), **lif),
        ],
        projections=[
            DenseProjection(
                source="in",
                target="hidden",
                weights=rng.integers(-20, 41, (n_hidden, 64)),
                plasticity=EpropParams(**rule, feedback=feedback, feedback_shift=6),
            ),
            DenseProjection(
                source="hidden",
                target="out",
                weights=rng.integers(-20, 41, (10, n_hidden)),
                plasticity=EpropParams(**rule, wanted=100),
            ),
        ],
    )
    return network, spikes, labels[:n]
