"""A session cut anywhere is one whole run, and one whole run is what the oracle says."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import same_record
from ssdp_neuro import Session, SessionState, Teaching, learn
from ssdp_neuro.engine import population_table
from ssdp_neuro.oracle.learn import learn as learn_in_oracle
from ssdp_neuro.oracle.simulate import simulate as oracle
from tests.plasticity_strategies import da_ssdp_params
from tests.ssdp_neuro.engine.plastic_networks import (
    DOPAMINE,
    N_CLASSES,
    N_STEPS,
    REWARD,
    TEACHER,
    batch_of,
)
from tests.ssdp_neuro.engine.test_listed_plasticity import FORMS, network_of
from tests.strategies import cases

pytestmark = pytest.mark.kernel


def same_state(one, other):
    return all(
        np.array_equal(getattr(one, field)[name], getattr(other, field)[name])
        for field in ("u", "v", "waiting", "arriving", "adapted", "weights")
        for name in getattr(one, field)
    )


def taken_elsewhere(session, path):
    """Another session that goes on from a file of this one's state."""
    session.state().save(path)
    other = Session(session.network)
    other.run(None, 3)
    other.restore(SessionState.load(path))
    return other


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("session") / "state.h5"


@settings(max_examples=60, deadline=None)
@given(case=cases(max_steps=40, max_samples=1, crowd=False), data=st.data())
@pytest.mark.parametrize("always_swept", [0, population_table.ALWAYS_SWEPT])
def test_session__cut_anywhere_is_one_whole_run(path, always_swept, case, data):
    network, spikes, n_steps = case
    spikes = {name: raster[0] for name, raster in spikes.items()}
    probes = [(p.name, variable) for p in network.neurons for variable in ("u", "v")]
    whole = oracle(network, spikes, n_steps, probes=probes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(population_table, "ALWAYS_SWEPT", always_swept)
        session, start = Session(network), 0
        while start < n_steps:
            size = data.draw(st.integers(1, n_steps - start), label="steps")
            part = {name: raster[start : start + size] for name, raster in spikes.items()}
            how = data.draw(st.sampled_from(("step", "run", "probed", "moved")), label="how")
            if how == "moved":
                session = taken_elsewhere(session, path)
            if how == "step":
                for k in range(size):
                    fired = session.step({name: raster[k] for name, raster in part.items()})
                    for name, neurons in fired.items():
                        expected = np.flatnonzero(whole.raster(name)[start + k])
                        assert neurons.tolist() == expected.tolist()
            else:
                run = session.run(part, size, probes=probes if how == "probed" else ())
                for name in run.populations:
                    expected = whole.raster(name)[start : start + size]
                    np.testing.assert_array_equal(run.raster(name), expected)
                for probe in run.probes:
                    expected = whole.probe(*probe)[start : start + size]
                    np.testing.assert_array_equal(run.probe(*probe), expected)
            start += size
            state = session.state()
            for p in network.neurons:
                for variable in ("u", "v"):
                    now = whole.probe(p.name, variable)[start - 1]
                    np.testing.assert_array_equal(getattr(state, variable)[p.name], now)
        at_once = Session(network)
        at_once.run(spikes, n_steps)
        assert same_state(session.state(), at_once.state())


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    hidden_rule=da_ssdp_params(third_factor=REWARD, latency_bits=4),
    output_rule=da_ssdp_params(third_factor=TEACHER, latency_bits=3, latency_shift=1),
    loop_rule=da_ssdp_params(third_factor=DOPAMINE, latency_bits=5),
    forms=st.tuples(FORMS, FORMS, FORMS),
    data=st.data(),
)
def test_session__learns_at_the_end_of_samples_as_learn_does(
    path, seed, hidden_rule, output_rule, loop_rule, forms, data
):
    rng = np.random.default_rng(seed)
    network = network_of(rng, (hidden_rule, output_rule, loop_rule), forms)
    spikes = batch_of(rng, 7)
    told = {
        "labels": rng.integers(0, N_CLASSES, 7),
        "rewards": rng.integers(-256, 256, 7),
        "losses": rng.integers(-500, 500, 7),
    }
    begun = {"u": rng.integers(-9999, 9999, 9), "v": 64 * rng.integers(-90, 120, 9)}
    network = network.replace(dataclasses.replace(network.population("hidden"), **begun))
    key = {"seed": seed}
    whole = learn(network, spikes, Teaching(**told, **key), n_steps=N_STEPS)
    slow, _ = learn_in_oracle(network, spikes, n_steps=N_STEPS, **told, **key)
    decisions = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(population_table, "ALWAYS_SWEPT", data.draw(st.sampled_from((0, 1024))))
        session = Session(network)
        for sample, raster in enumerate(spikes):
            session.begin_sample()
            start = 0
            while start < N_STEPS:
                size = data.draw(st.integers(1, N_STEPS - start), label="steps")
                session.run(raster[start : start + size], size)
                start += size
                if data.draw(st.integers(0, 3), label="moved") == 0:
                    session = taken_elsewhere(session, path)
            one = {name: values[[sample]] for name, values in told.items()}
            decisions.append(session.end_sample(Teaching(**one, **key)))
            session.run(None, 1 + sample)  # what goes on between samples is nothing to learn from
    assert same_record(session.network, whole.network)
    assert same_record(session.network, slow)
    assert session.state().dopamine == whole.dopamine
    for name, winners in whole.decisions.items():
        assert [each[name] for each in decisions] == winners.tolist()
