import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    RangeError,
    ShapeError,
    SsdpError,
    TypeMismatchError,
)
from ssdp_neuro.engine.spike_input import SpikeInput, spike_input

OUT = LifPopulation(name="out", shape=1, current_decay=0, voltage_decay=0, threshold=1)
SENSOR = np.dtype([("x", np.int16), ("y", np.int16), ("p", bool), ("t", np.int64)])


def network(*shapes):
    names = ("in", "more")
    inputs = [InputPopulation(name=n, shape=s) for n, s in zip(names, shapes, strict=False)]
    return FixedPointNetwork(populations=[*inputs, OUT], projections=[])


def raster_of(shape, spikes, n_steps):
    """What the executors get, bool (B, T, N)."""
    net = network(shape)
    return spike_input(net, spikes, n_steps).rasters(net, n_steps)["in"]


@st.composite
def rasters(draw):
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 5)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.random(shape) < draw(st.sampled_from((0.0, 0.3, 1.0)))


@pytest.mark.kernel
@settings(max_examples=60, deadline=None)
@given(raster=rasters(), dtype=st.sampled_from(("?", "i1", "u1", "i8", ">i4", "f4", ">f8")))
def test_spike_input__takes_rasters_pairs_and_batches_alike(raster, dtype):
    _, n_steps, size = raster.shape
    given_raster = raster.astype(dtype)
    assert np.array_equal(raster_of(size, given_raster, n_steps), raster)
    pairs = [np.argwhere(sample) for sample in raster]
    assert np.array_equal(raster_of(size, pairs, n_steps), raster)
    listed = [[tuple(pair) for pair in sample.tolist()] for sample in pairs]
    assert np.array_equal(raster_of(size, listed, n_steps), raster)
    single = spike_input(network(size), listed[0], n_steps)
    assert single.n_samples is None
    assert np.array_equal(raster_of(size, listed[0], n_steps), raster[:1])
    if size != 2 or dtype in ("?", "f4", ">f8"):
        assert np.array_equal(raster_of(size, given_raster[0], n_steps), raster[:1])


@settings(max_examples=40, deadline=None)
@given(raster=rasters())
def test_spike_input__events_are_sorted_within_their_steps(raster):
    given_input = spike_input(network(raster.shape[2]), raster, raster.shape[1])
    starts, indices = given_input.starts["in"], given_input.indices["in"]
    assert starts.dtype == np.int64
    assert indices.dtype == np.int32
    rows = raster.reshape(-1, raster.shape[2])
    for row, active in enumerate(rows):
        assert indices[starts[row] : starts[row + 1]].tolist() == np.flatnonzero(active).tolist()
    for number, sample in enumerate(raster):
        part = given_input.sample(number, raster.shape[1])
        assert part.n_samples is None
        net = network(raster.shape[2])
        assert np.array_equal(part.rasters(net, raster.shape[1])["in"][0], sample)
        assert spike_input(net, part, raster.shape[1]) is part


def test_spike_input__takes_the_shape_of_the_population():
    image = np.zeros((3, 1, 2, 2), dtype=bool)
    image[1, 0, 1, 0] = True
    assert np.argwhere(raster_of((1, 2, 2), image, 3)).tolist() == [[0, 1, 2]]
    batch = np.stack([image, np.ones_like(image)])
    assert raster_of((1, 2, 2), batch, 3).shape == (2, 3, 4)
    assert raster_of((1, 2, 2), batch, 3)[1].all()


def test_spike_input__takes_arrays_in_any_memory_order():
    raster = np.random.default_rng(0).random((3, 4, 5)) < 0.5
    assert np.array_equal(raster_of(5, np.asfortranarray(raster), 4), raster)
    assert np.array_equal(raster_of(5, raster[:, ::-1], 4), raster[:, ::-1])
    frozen = raster.copy()
    frozen.flags.writeable = False
    assert np.array_equal(raster_of(5, frozen, 4), raster)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((2, 3, 4), [[0, 1, 11], [0, 2, 23]]),
        ((3, 4), [[0, 1, 11], [0, 2, 11]]),
        (4, [[0, 1, 3], [0, 2, 3]]),
    ],
)
def test_spike_input__places_sensor_events_by_their_fields(shape, expected):
    events = np.array([(3, 2, False, 1), (3, 2, True, 2)], dtype=SENSOR)
    assert np.argwhere(raster_of(shape, events, 3)).tolist() == expected
    assert raster_of(shape, [events, events[:0]], 3)[1].sum() == 0


def test_spike_input__merges_sensor_events_and_counts_them():
    events = np.array(
        [(3, 2, False, 1), (0, 0, False, 1), (3, 2, False, 1), (3, 2, True, 1), (3, 2, True, 2)],
        dtype=SENSOR,
    )
    assert spike_input(network((2, 3, 4)), events, 3).merged == 1
    assert spike_input(network((3, 4)), events, 3).merged == 2
    assert raster_of((3, 4), events, 3).sum() == 3
    assert spike_input(network((3, 4)), [events, events[:1], events], 3).merged == 4
    two = {"in": events, "more": events}
    assert spike_input(network((3, 4), (3, 4)), two, 3).merged == 4
    assert spike_input(network((3, 4)), np.zeros((3, 12), bool), 3).merged == 0


def test_spike_input__leaves_inputs_silent_that_are_not_named():
    net = network(2, 3)
    for spikes in (None, {}):
        silent = spike_input(net, spikes, 4)
        assert silent.n_samples is None
        assert {name: r.shape for name, r in silent.rasters(net, 4).items()} == {
            "in": (1, 4, 2),
            "more": (1, 4, 3),
        }
        assert not any(r.any() for r in silent.rasters(net, 4).values())
    batch = spike_input(net, {"more": np.ones((2, 4, 3), bool)}, 4)
    assert batch.n_samples == 2
    assert batch.rasters(net, 4)["in"].shape == (2, 4, 2)
    assert spike_input(network(), None, 4).starts == {}


@pytest.mark.parametrize("empty", [[], np.zeros((0, 2), int), [[]], np.zeros(0), ((),)])
def test_spike_input__takes_no_events(empty):
    assert not raster_of(3, empty, 2).any()


class TestTwoNeurons:
    """An integer array (T, 2) can be a raster of two neurons or pairs."""

    def test_spike_input__reads_a_bool_array_as_a_raster(self):
        assert raster_of(2, np.array([[False, False], [True, True]]), 2).tolist() == [
            [[False, False], [True, True]]
        ]

    def test_spike_input__reads_a_list_as_pairs(self):
        assert raster_of(2, [[0, 0], [1, 1]], 2).tolist() == [[[True, False], [False, True]]]

    def test_spike_input__refuses_what_can_be_both(self):
        with pytest.raises(InputError, match=r"in: an integer array of shape \(2, 2\) can be a"):
            spike_input(network(2), np.array([[0, 0], [1, 1]]), 2)

    def test_spike_input__reads_what_can_only_be_a_raster(self):
        for raster in ([[1, 1], [0, 0]], [[1, 0], [1, 0]], [[1, 1], [0, 1], [1, 0]]):
            array = np.array(raster)
            assert raster_of(2, array, len(raster)).tolist() == [(array == 1).tolist()]

    def test_spike_input__reads_what_can_only_be_pairs(self):
        pairs = np.array([[0, 1], [2, 0], [2, 1]])
        assert np.argwhere(raster_of(2, pairs, 3)[0]).tolist() == pairs.tolist()
        assert np.argwhere(raster_of(2, pairs, 7)[0]).tolist() == pairs.tolist()


SENSOR_FLOAT = np.dtype([("x", np.int16), ("t", np.float64)])
GOOD = np.zeros((4, 3), dtype=bool)


@pytest.mark.parametrize(
    ("shape", "spikes", "error", "message"),
    [
        (3, np.zeros((5, 3), bool), ShapeError, r"in: spikes of shape \(5, 3\); allowed \(4, 3\)"),
        (3, np.zeros((4, 4), bool), ShapeError, r"shape \(4, 4\); allowed \(4, 3\) or \(B, 4, 3\)"),
        (3, np.zeros((2, 5, 3), bool), ShapeError, r"shape \(2, 5, 3\)"),
        (3, np.zeros((0, 4, 3), bool), InputError, "no samples; a batch of at least one"),
        (3, np.array(1), ShapeError, r"shape \(\)"),
        (3, np.array([1, 2, 3]), ShapeError, r"shape \(3,\)"),
        (3, GOOD + 0.5, InputError, r"value 0.5 at index \(0, 0\); allowed 0 and 1"),
        (3, np.full((4, 3), np.nan), InputError, r"value nan at index \(0, 0\)"),
        (3, GOOD * 1j, InputError, "dtype complex128; bool or 0 and 1 are needed"),
        (3, GOOD.astype("m8[s]"), InputError, "dtype timedelta64"),
        (3, np.ma.masked_array(GOOD, GOOD == 0), TypeMismatchError, "masked values"),
        (3, np.zeros((4, 2, 3), bool), ShapeError, r"before the steps: give them swapaxes\(0, 1\)"),
        (3, GOOD.astype(object), InputError, "dtype object"),
        (3, GOOD + 2, InputError, r"value 2 at index \(0, 0\); allowed 0 and 1"),
        (3, -GOOD.astype(int) - 1, InputError, "value -1 at index"),
        (3, [[0, 3]], InputError, r"in: event 0 has index 3; allowed 0..2"),
        (3, [[0, 0], [0, -1]], InputError, "event 1 has index -1"),
        (3, [[4, 0]], InputError, "event 0 has step 4; allowed 0..3"),
        (3, [[-1, 0]], InputError, "event 0 has step -1"),
        (3, np.array([[2**63, 0]], dtype=np.uint64), InputError, "event 0 has step"),
        (3, [[0, 0], [2, 0], [1, 0]], InputError, "event 2 at step 1 follows one at step 2;"),
        (3, [[1, 2], [1, 0], [1, 2]], InputError, "neuron 2 has two events in step 1; one"),
        (3, [[0.0, 1.0]], InputError, "events of dtype float64; integers"),
        (3, np.array([[0.0, 1.0]]), InputError, "events of dtype float64; integers"),
        (3, [[0, float("nan")]], InputError, "events of dtype float64"),
        (3, [[0, 1], [2]], InputError, "neither an array nor"),
        (3, "spikes", ShapeError, r"shape \(\)"),
        (3, [[(0, 1)], [(9, 0)]], InputError, "in: sample 1: event 0 has step 9"),
        (3, [[(0, 1)], [(0, 1, 2)]], ShapeError, r"sample 1: events of shape \(1, 3\)"),
        (3, [GOOD, GOOD], InputError, "sample 0: events of dtype bool; integers"),
        (3, np.zeros(2, SENSOR_FLOAT), InputError, "event field 't' is float64; integers"),
        (3, np.zeros(2, [("t", int)]), InputError, r"fields \('t',\) do not fit shape \(3,\)"),
        (3, np.zeros((2, 2), SENSOR), InputError, r"events of shape \(2, 2\) with fields"),
        ((1, 1, 1, 3), np.zeros(2, SENSOR), InputError, "a shape of at most three axes"),
        ((2, 3, 4), np.array([(4, 0, 0, 0)], SENSOR), InputError, "x 4; allowed 0..3"),
        ((2, 3, 4), np.array([(0, -1, 0, 0)], SENSOR), InputError, "event 0 has y -1"),
        ((1, 3, 4), np.array([(0, 0, 1, 0)], SENSOR), InputError, "p 1; allowed 0..0"),
        ((3, 4), np.array([(0, 0, 0, 7)], SENSOR), InputError, "event 0 has step 7"),
        ((3, 4), np.array([(0, 0, 0, 2), (0, 0, 0, 1)], SENSOR), InputError, "must be sorted"),
        (3, {"in": GOOD, "out": GOOD}, InputError, r"for 'out'; input populations are \['in'"),
        (3, {"on": GOOD}, InputError, "spikes for 'on'"),
        (3, {3: GOOD}, InputError, "spikes for 3"),
    ],
)
def test_spike_input__refuses_what_it_cannot_place(shape, spikes, error, message):
    with pytest.raises(error, match=message):
        spike_input(network(shape), spikes, 4)


@pytest.mark.parametrize(
    ("shapes", "spikes", "message"),
    [
        ((3, 3), GOOD, r"2 input populations \(in, more\); give spikes as a mapping"),
        ((), GOOD, r"0 input populations \(none\)"),
        ((3, 3), {"in": GOOD, "more": GOOD[None]}, "different numbers of samples: {'in': None"),
        ((3, 3), {"in": np.stack([GOOD] * 2), "more": GOOD[None]}, "different numbers of samples"),
    ],
)
def test_spike_input__refuses_spikes_that_do_not_go_together(shapes, spikes, message):
    with pytest.raises(InputError, match=message):
        spike_input(network(*shapes), spikes, 4)


@pytest.mark.parametrize(
    ("n_steps", "error"), [(0, RangeError), (-1, RangeError), (2.0, TypeMismatchError)]
)
def test_spike_input__needs_a_number_of_steps(n_steps, error):
    with pytest.raises(error, match="n_steps"):
        spike_input(network(3), None, n_steps)


def test_spike_input__refuses_an_input_made_for_another_network_or_duration():
    made = spike_input(network(3), np.ones((4, 3), bool), 4)
    assert spike_input(network(5), made, 4) is made
    with pytest.raises(InputError, match=r"in: SpikeInput has index 2; allowed 0..1"):
        spike_input(network(2), made, 4)
    with pytest.raises(InputError, match=r"SpikeInput of {'in': 5}; \['in'\] with 6 are needed"):
        spike_input(network(3), made, 5)
    with pytest.raises(InputError, match=r"\['in', 'more'\] with 5"):
        spike_input(network(3, 1), made, 4)


@pytest.mark.parametrize(
    ("starts", "indices", "n_samples", "message"),
    [
        ([0, 2, 2, 3], [1, 1, 0], None, "event 1 has index 1 after 1; those of a step must rise"),
        ([0, 2, 2, 3], [1, 0, 0], None, "event 1 has index 0 after 1"),
        ([0, 1, 2, 3], [-1, 1, 0], None, r"indices: value -1 at index \(0,\); allowed 0\.\."),
        ([0, 1, 2, 3], [0, 1, 3], None, r"in: SpikeInput has index 3; allowed 0\.\.2"),
        ([0, 2, 1, 3], [0, 1, 2], None, "starts do not rise from 0 to 3, the events"),
        ([1, 2, 3, 3], [0, 1, 2], None, "starts do not rise from 0 to 3"),
        ([0, 1, 2, 2], [0, 1, 2], None, "starts do not rise from 0 to 3"),
        ([0, 1, 2, 9], [0, 1, 2], None, r"starts: value 9 at index \(3,\); allowed 0\.\.3"),
        ([0, 1, 2, 3], [0.0, 1.0, 2.0], None, "indices: dtype float64; integers are needed"),
        ([0, 1, 2, 3], [[0, 1, 2]], None, r"indices of shape \(1, 3\)"),
        ([0], [], None, r"starts of shape \(1,\)"),
        ([0, 1, 2, 3], [0, 1, 2], 2, "3 rows are not the steps of 2 samples"),
        ([0, 1, 2, 3], [0, 1, 2], 0, r"SpikeInput\.n_samples: 0; allowed 1"),
        ([0, 1, 3], [0, 1, 2], None, r"SpikeInput of \{'in': 3\}; \['in'\] with 4 are needed"),
    ],
)
def test_spike_input__made_by_hand_cannot_lead_a_kernel_astray(starts, indices, n_samples, message):
    def give():
        made = SpikeInput(n_samples=n_samples, starts={"in": starts}, indices={"in": indices})
        return spike_input(network(3), made, 3)

    with pytest.raises(SsdpError, match=message):
        give()


def test_spike_input__made_by_hand_is_a_copy():
    indices = np.array([0, 2, 1])
    made = SpikeInput(n_samples=None, starts={"in": [0, 2, 2, 3]}, indices={"in": indices})
    indices[:] = -7
    assert made.indices["in"].tolist() == [0, 2, 1]
    assert made.indices["in"].dtype == np.int32
    assert not made.starts["in"].flags.writeable


def test_spike_input__takes_a_tensor_as_the_array_it_is():
    torch = pytest.importorskip("torch")
    raster = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])  # not (step, index) pairs
    assert spike_input(network(2), raster, 3).indices["in"].tolist() == [1, 0]
