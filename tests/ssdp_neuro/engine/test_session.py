"""What a session takes, refuses and keeps, and streams of events; its bits are in tests/parity."""

import dataclasses
import tracemalloc

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    NetworkFileError,
    RangeError,
    ShapeError,
    SsdpError,
    TypeMismatchError,
    UnknownNameError,
)
from ssdp_neuro import Session, SessionState, Teaching, simulate
from ssdp_neuro.engine import event_stream, population_table
from tests.ssdp_neuro.engine.plastic_networks import CONSTANT, params_of, two_layers

pytestmark = pytest.mark.kernel

EVENT = np.dtype([("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", bool)])


def eye_network():
    rng = np.random.default_rng(3)
    eye = InputPopulation(name="eye", shape=(2, 3, 4))
    cell = LifPopulation(
        name="cell", shape=(5,), current_decay=900, voltage_decay=90, threshold=60, refractory=1
    )
    weights, delays = rng.integers(-20, 60, (5, 24)), rng.integers(0, 4, (5, 24))
    synapses = DenseProjection(source="eye", target="cell", weights=weights, delays=delays)
    return FixedPointNetwork(populations=[eye, cell], projections=[synapses])


NETWORK = eye_network()
PLASTIC = two_layers(np.random.default_rng(4), hidden_rule=params_of(CONSTANT))


def recording(n_events=300, n_times=4000, seed=0):
    rng = np.random.default_rng(seed)
    events = np.zeros(n_events, dtype=EVENT)
    events["t"] = 5000 + np.sort(rng.integers(0, n_times, n_events))
    events["p"], events["y"], events["x"] = (rng.integers(0, n, n_events) for n in (2, 3, 4))
    return events


def binned(events, n_steps, time_per_step):
    raster = np.zeros((n_steps, 2, 3, 4), dtype=bool)
    steps = (events["t"] - 5000) // time_per_step
    raster[steps, events["p"].astype(int), events["y"], events["x"]] = True
    return raster


@settings(max_examples=40, deadline=None)
@given(data=st.data(), time_per_step=st.sampled_from([1, 7, 100, 9000]))
def test_stream__in_any_packets_is_the_recording_binned(data, time_per_step):
    events = recording()
    n_steps = int(events["t"][-1] - 5000) // time_per_step + 1
    whole = simulate(NETWORK, binned(events, n_steps, time_per_step), n_steps)
    cuts = sorted(data.draw(st.lists(st.integers(0, events.size), max_size=9)))
    packets = []
    for packet in np.split(events, cuts):
        form = data.draw(st.sampled_from(["sensor", "address", "with a time"]))
        if form == "address":
            flat = (packet["p"].astype(int) * 3 + packet["y"]) * 4 + packet["x"]
            packet = np.stack([packet["t"], flat], axis=1)
        packets.append(packet)
        if form == "with a time" and packet.size:
            packets.append(int(packet["t"][-1]))
    session = Session(NETWORK)
    parts = list(session.stream(iter(packets), time_per_step=time_per_step, start=5000))
    raster = np.concatenate([part.raster("cell") for part in parts])
    assert session.n_steps == n_steps
    np.testing.assert_array_equal(raster, whole.raster("cell"))
    seen = np.concatenate([part.raster("eye") for part in parts])
    np.testing.assert_array_equal(seen, whole.raster("eye"))
    assert max(part.n_steps for part in parts) <= event_stream.MOST_AT_ONCE


def test_stream__runs_a_step_as_soon_as_nothing_more_can_come_into_it():
    session, done = Session(NETWORK), []

    def packets():
        for packet in ([(0, 1), (9, 2)], [(10, 3)], [], 35, [(35, 4)]):
            done.append(session.n_steps)
            yield packet

    parts = list(session.stream(packets(), time_per_step=10))
    assert done == [0, 0, 1, 1, 3]
    assert [part.n_steps for part in parts] == [1, 2, 1]
    assert [part.events("eye").tolist() for part in parts] == [[(0, 1), (0, 2)], [(0, 3)], [(0, 4)]]


def test_stream__needs_no_more_memory_however_long_it_is():
    def packets(n_packets):
        for k in range(n_packets):
            yield [(100 * k + 10 * (j // 4), (j * 7 + k) % 24) for j in range(40)]

    session, highest = Session(NETWORK), []
    for _ in session.stream(packets(400), time_per_step=10):  # Python keeps freed tuples for later
        pass
    for n_packets in (50, 1050):
        tracemalloc.start()
        for _ in session.stream(packets(n_packets), time_per_step=10):
            pass
        highest.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert highest[1] - highest[0] < 1000 * 40 * 4  # 32 bits for each event of the longer one


@pytest.mark.parametrize(
    ("packets", "message"),
    [
        ([[(5, 1)], [(4, 2)]], "eye: packet 1: event 0 at time 4 comes after time 5"),
        ([[(5, 1), (7, 1), (6, 1)]], "packet 0: event 2 at time 6 comes after time 7"),
        ([9, [(8, 0)]], "packet 1: event 0 at time 8 comes after time 9"),
        ([9, 8], "packet 1: time: 8; allowed 9"),
        ([[(5, 24)]], "packet 0: event 0 has index 24; allowed 0..23"),
        ([[(-1, 2)]], "packet 0: event 0 has time -1; allowed"),
        ([[(0.5, 2)]], "dtype float64; integers are needed"),
        ([[1, 2, 3]], r"shape \(3,\)"),
        ([recording()[["t", "x"]]], "do not fit"),
        (["text"], "packet 0: "),
    ],
)
def test_stream__refuses_what_is_late_or_no_event(packets, message):
    with pytest.raises(SsdpError, match=message):
        list(Session(NETWORK).stream(packets))
    with pytest.raises(InputError, match="population 'ear'; the input populations are"):
        Session(NETWORK).stream([], population="ear")
    with pytest.raises(RangeError, match="time_per_step: 0"):
        Session(NETWORK).stream([], time_per_step=0)


def test_step__takes_flags_and_indices_alike():
    flags = np.random.default_rng(0).random((30, 24)) < 0.2
    by_flags, by_index, by_shape = Session(NETWORK), Session(NETWORK), Session(NETWORK)
    n_fired = 0
    for row in flags:
        fired = by_flags.step(row)
        assert fired["cell"].dtype == np.int32
        backwards = np.flatnonzero(row)[::-1]
        assert by_index.step({"eye": backwards})["cell"].tolist() == fired["cell"].tolist()
        assert by_shape.step(row.reshape(2, 3, 4))["cell"].tolist() == fired["cell"].tolist()
        n_fired += fired["cell"].size
    assert n_fired > 5
    assert by_flags.n_steps == 30


@pytest.mark.parametrize(
    ("spikes", "error", "message"),
    [
        ([24], RangeError, "eye: value 24 at index .0,.; allowed 0..23"),
        ([1, 1], InputError, "two events"),
        (np.zeros(23, bool), ShapeError, "spikes of shape"),
        (np.zeros(24), TypeMismatchError, "float64"),
        ([[1]], ShapeError, r"indices of shape \(1, 1\)"),
        ({"ear": [1]}, UnknownNameError, "ear"),
    ],
)
def test_step__refuses_what_does_not_fit_and_stays_where_it_was(spikes, error, message):
    session = Session(NETWORK)
    session.run(None, 3)
    with pytest.raises(error, match=message):
        session.step(spikes)
    assert session.n_steps == 3
    with pytest.raises(InputError, match="spikes of 2 samples; a session is one"):
        session.run(np.zeros((2, 5, 24), dtype=bool), 5)


def test_learning__has_samples_with_a_beginning_and_an_end():
    session = Session(PLASTIC)
    with pytest.raises(InputError, match="no steps of a sample"):
        session.end_sample()
    session.begin_sample()
    for attempt in (session.end_sample, session.begin_sample):
        with pytest.raises(InputError, match="sample"):
            attempt()
    with pytest.raises(InputError, match=r"a sample of 16 steps; .* tell 1\.\.15 apart"):
        session.run(None, 16)
    session.run(None, 15)
    for told in ({"epochs": 2}, {"first_sample": 1}, {"dopamine": {}}):
        with pytest.raises(InputError, match="are kept by the session"):
            session.end_sample(Teaching(**told))
    assert session.end_sample() == {"hidden": -1}
    assert (session.n_samples, session.is_in_sample) == (1, False)
    session.run(None, 100)
    with pytest.raises(InputError, match="no projection of the network has plasticity"):
        Session(NETWORK).begin_sample()


def lived(network=NETWORK):
    session = Session(network)
    if network is not NETWORK:
        session.begin_sample()
    n_inputs = network.inputs[0].n_neurons
    session.run(np.random.default_rng(1).random((12, n_inputs)) < 0.4, 12)
    return session


def test_state__is_a_copy():
    session = lived()
    before = session.state()
    kept = {name: np.array(rows) for name, rows in before.arriving.items()}
    session.run(np.ones((20, 24), dtype=bool), 20)
    assert before.n_steps == 12
    assert kept["cell"].any()
    assert before.arriving["cell"].tolist() == kept["cell"].tolist()
    with pytest.raises(ValueError, match="read-only"):
        before.u["cell"][0] = 1


@pytest.mark.parametrize(
    ("network", "change", "message"),
    [
        (NETWORK, {"u": {}}, "SessionState.u of .*LIF populations are"),
        (NETWORK, {"u": {"cell": np.zeros(4, int)}}, r"u\['cell'\]: shape \(4,\); \(5,\)"),
        (NETWORK, {"u": {"cell": np.full(5, 2**23 + 1)}}, "u.*8388609; allowed"),
        (NETWORK, {"v": {"cell": np.full(5, -(2**31))}}, "v.*-2147483648.*allowed"),
        (NETWORK, {"waiting": {"cell": np.full(5, 2)}}, "waiting.*allowed 0..1"),
        (NETWORK, {"arriving": {"cell": np.zeros((3, 5), int)}}, r"\(4, 5\) is needed"),
        (NETWORK, {"arriving": {"cell": np.full((4, 5), 2**20)}}, "arriving.*allowed"),
        (NETWORK, {"n_steps": 0}, "not where the network begins, and n_steps is 0"),
        (NETWORK, {"n_samples": 1}, "it learns, and no projection is plastic"),
        (PLASTIC, {"weights": {}}, "SessionState.weights of"),
        (PLASTIC, {"weights": {"in->hidden": np.full((9, 6), 200)}}, "200"),
        (PLASTIC, {"n_steps": 16}, "a sample of 16 steps"),
        (PLASTIC, {"heard": {"codes": np.full(15, 16)}}, "codes: 16; more than a neuron can have"),
        (PLASTIC, {"heard": {"counts": np.zeros(3, int)}}, r"counts: shape \(3,\)"),
    ],
)
def test_restore__refuses_what_the_network_cannot_have_come_to(network, change, message):
    session = lived(network)
    before = session.state()
    if "heard" in change:
        change = {"heard": dataclasses.replace(before.heard, **change["heard"])}
    with pytest.raises(SsdpError, match=message):
        session.restore(dataclasses.replace(before, **change))
    after = session.state()
    assert (
        after.u["cell" if network is NETWORK else "hidden"].tolist()
        == next(iter(before.u.values())).tolist()
    )
    assert after.n_steps == before.n_steps


def test_restore__leaves_nothing_behind_for_a_sample_that_begins_afresh(monkeypatch):
    """Blocks that were live are in no list after it, and are cleared all the same."""
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", 0)
    network = two_layers(np.random.default_rng(4), hidden_rule=params_of(CONSTANT))
    state = lived(network).state()
    assert state.u["hidden"].any()
    session, fresh = Session(network), Session(network)
    session.restore(dataclasses.replace(state, heard=None))
    for each in (session, fresh):
        each.begin_sample()
        each.run(None, 3)
    after = session.state()
    for name in ("hidden", "out"):
        assert after.u[name].tolist() == fresh.state().u[name].tolist()
        assert after.arriving[name].tolist() == fresh.state().arriving[name].tolist()


def test_session__interrupted_within_a_run_goes_on_from_a_state_only(monkeypatch):
    session = lived()
    state = session.state()

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ssdp_neuro.engine.job.Job.run_window", interrupt)
        with pytest.raises(KeyboardInterrupt):
            session.run(None, 5)
    for attempt in (session.step, session.state, session.begin_sample):
        with pytest.raises(InputError, match="interrupted within a run"):
            attempt()
    session.restore(state)
    assert session.run(None, 5).n_steps == 5


@pytest.mark.parametrize("network", [NETWORK, PLASTIC])
def test_state_file__gives_back_the_state_and_refuses_another(tmp_path, network):
    state = lived(network).state()
    state.save(tmp_path / "s.h5")
    loaded = SessionState.load(tmp_path / "s.h5")
    assert repr(loaded) == repr(state)
    for name in ("u", "v", "waiting", "arriving", "weights"):
        for key, array in getattr(state, name).items():
            assert getattr(loaded, name)[key].tolist() == array.tolist()
    assert (loaded.heard is None) == (network is NETWORK)
    for damage, message in (
        (lambda file: file.attrs.__setitem__("version", 99), "version 99; this release reads"),
        (lambda file: file.attrs.__setitem__("format", "x"), "'format' is 'x'"),
        (lambda file: file.__delitem__("u"), "'u' is missing"),
        (lambda file: file.attrs.__setitem__("dopamine", "{"), "'dopamine': damaged"),
        (lambda file: file.attrs.__setitem__("n_steps", -1), "n_steps: -1"),
        (lambda file: file["u"].create_dataset("x", data=[0.5]), "float64; integers"),
        (lambda file: file["u"].create_group("x"), "arrays of integers are needed"),
    ):
        state.save(tmp_path / "bad.h5")
        with h5py.File(tmp_path / "bad.h5", "a") as file:
            damage(file)
        with pytest.raises(NetworkFileError, match=message):
            SessionState.load(tmp_path / "bad.h5")
    with pytest.raises(NetworkFileError, match="cannot be written"):
        state.save(tmp_path / "none" / "s.h5")
