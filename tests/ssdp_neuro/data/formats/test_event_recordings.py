import io

import numpy as np
import pytest
from tonic.datasets import NMNIST
from tonic.io import read_mnist_file

from hw_models import FixedPointNetwork, InputError, InputPopulation, ShapeError
from ssdp_neuro import Session
from ssdp_neuro.data import event_packets
from ssdp_neuro.data.formats.event_recordings import binned_events, decode_events, read_recordings
from tests.ssdp_neuro.data.made_files import event_bytes, random_events, recordings_file


def columns(events):
    return {name: events[name].tolist() for name in "xytp"}


def test_decode_events__gives_what_tonic_gives():
    rng = np.random.default_rng(0)
    data = event_bytes(*random_events(rng, 500))
    ours = columns(decode_events(data, "a.bin"))
    tonics = columns(read_mnist_file(io.BytesIO(data), dtype=NMNIST.dtype, is_stream=True))
    assert ours == tonics


def test_decode_events__wrapped_clocks_as_tonic_has_them():
    x, y, p, t = random_events(np.random.default_rng(1), 40)
    y[[10, 11, 30]] = 240  # no event: 2**13 microseconds more from here on
    data = event_bytes(x, y, p, t)
    ours = decode_events(data, "a.bin")
    tonics = read_mnist_file(io.BytesIO(data), dtype=NMNIST.dtype, is_stream=True)
    assert len(ours) == 37
    assert columns(ours) == columns(tonics)


@pytest.mark.parametrize("n_events", [1, 3, 40, 4096])
def test_event_packets__are_the_whole_file_however_it_is_cut(tmp_path, n_events):
    x, y, p, t = random_events(np.random.default_rng(1), 40)
    y[[0, 10, 11, 30]] = 240
    data = event_bytes(x, y, p, t)
    (tmp_path / "a.bin").write_bytes(data)
    packets = list(event_packets(tmp_path / "a.bin", n_events=n_events))
    assert max(len(packet) for packet in packets) <= n_events
    whole = decode_events(data, "a.bin")
    assert columns(np.concatenate(packets)) == columns(whole)
    eye = FixedPointNetwork(
        populations=[InputPopulation(name="eye", shape=(2, 34, 34))], projections=[]
    )
    parts = list(Session(eye).stream(iter(packets), time_per_step=1000))
    assert sum(part.counts.spikes["eye"] for part in parts) == len(
        np.unique(np.stack([whole["t"] // 1000, whole["p"], whole["y"], whole["x"]]), axis=1).T
    )


def test_event_packets__say_which_event_of_the_file_is_wrong(tmp_path):
    x, y, p, t = random_events(np.random.default_rng(1), 40)
    t[25:] = 0
    (tmp_path / "a.bin").write_bytes(event_bytes(x, y, p, t))
    with pytest.raises(InputError, match=r"a\.bin: event 25 at"):
        list(event_packets(tmp_path / "a.bin", n_events=5))
    (tmp_path / "a.bin").write_bytes(b"123456")
    with pytest.raises(InputError, match="multiple of 5"):
        list(event_packets(tmp_path / "a.bin"))
    with pytest.raises(InputError, match=r"none\.bin: "):
        list(event_packets(tmp_path / "none.bin"))


def one(**fields):
    event = {"x": 1, "y": 1, "p": 0, "t": 5, **fields}
    return event_bytes(*(np.array([value]) for value in event.values()))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (one() + b"\0\0", "7 bytes"),
        (one() + one(x=34), "event 1 at x 34, y 1"),
        (one(y=34), "event 0 at x 1, y 34"),
        (one(t=9) + one(t=8), "event 1 at x 1, y 1, t 8"),
    ],
)
def test_decode_events__refuses_what_is_no_recording(data, words):
    with pytest.raises(InputError, match=r"folder/a\.bin: ") as refused:
        decode_events(data, "folder/a.bin")
    assert words in str(refused.value)


def test_read_recordings__are_in_the_order_of_their_numbers(tmp_path):
    recordings_file(tmp_path / "few.zip", np.random.default_rng(0))
    found = list(read_recordings(tmp_path / "few.zip", "test"))
    assert [label for _, label in found] == [0, 1, 0, 1, 0, 1]
    assert all(len(events) == 50 for events, _ in found)


def test_read_recordings__names_a_damaged_file(tmp_path):
    path = tmp_path / "few.zip"
    recordings_file(path, np.random.default_rng(0))
    whole = path.read_bytes()
    inside = bytearray(whole)
    inside[60] ^= 255
    for data in (b"", b"hello", whole[:300], bytes(inside)):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"few.zip: .*not a readable zip file"):
            list(read_recordings(path, "train"))
    with pytest.raises(InputError, match="part: 'all'"):
        list(read_recordings(path, "all"))


def test_binned_events__one_spike_per_step_and_pixel():
    x, y, p, t = random_events(np.random.default_rng(3), 400)
    events = decode_events(event_bytes(x, y, p, t), "a.bin")
    expected = np.zeros((20, 2, 17, 17), dtype=bool)
    for event in zip(t // 12_000, p, y // 2, x // 2, strict=True):
        if event[0] < 20:
            expected[event] = True
    assert (t >= 240_000).any()
    assert (binned_events(events, 20, step_us=12_000, pool=2) == expected).all()
    with pytest.raises(ShapeError, match="3 does not divide 34"):
        binned_events(events, 20, step_us=12_000, pool=3)
