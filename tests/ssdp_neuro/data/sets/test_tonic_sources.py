from pathlib import Path

import h5py
import numpy as np
import pytest

from hw_models import InputError, MissingExtraError, ShapeError
from ssdp_neuro.data import DataSettings, SpikeDataset, load
from ssdp_neuro.data.sets.tonic_recordings import EventFrames

EVENTS = np.dtype([("x", "<i2"), ("y", "<i2"), ("p", "?"), ("t", "<i8")])


def gesture_folder(folder, per_part=100):
    """As tonic keeps it: a folder per person and light, a file per class, times in ms."""
    rng = np.random.default_rng(0)
    for part, first in (("Train", 1), ("Test", 24)):
        inner = folder / "DVSGesture" / f"ibmGesture{part}"
        inner.mkdir(parents=True)
        (inner.parent / f"ibmGesture{part}.tar.gz").write_bytes(b"unpacked")
        for place in range(per_part):
            user = inner / f"user{first + place // 11 % 5:02d}_{'led' if place < 55 else 'lab'}"
            user.mkdir(exist_ok=True)
            n = int(rng.integers(20, 60))
            time = np.sort(rng.integers(100, 3000, size=n))
            events = np.stack([*rng.integers(0, 128, (2, n)), rng.integers(0, 2, n), time], axis=1)
            np.save(user / f"{place % 11}.npy", events.astype(np.float64))


def shd_folder(folder, n=30):
    rng = np.random.default_rng(0)
    (folder / "SHD").mkdir()
    for part in ("train", "test"):
        (folder / "SHD" / f"shd_{part}.h5.zip").write_bytes(b"unpacked")
        with h5py.File(folder / "SHD" / f"shd_{part}.h5", "w") as file:
            times = [np.sort(rng.random(12)).astype(np.float16) for _ in range(n)]
            units = [rng.integers(0, 700, 12).astype(np.uint16) for _ in range(n)]
            for name, rows, dtype in (("times", times, "f2"), ("units", units, "u2")):
                column = file.create_dataset(f"spikes/{name}", (n,), h5py.vlen_dtype(dtype))
                for row, values in enumerate(rows):
                    column[row] = values
            file["labels"] = np.arange(n) % 5
            file["extra/keys"] = np.array([f"word{i}".encode() for i in range(5)])
            file["extra/speaker"] = np.arange(n) // 6


def by_hand(events, n_steps, step_us, pool, shape):
    spikes = np.zeros((n_steps, *shape), dtype=bool)
    for event in events:
        step = int(event["t"] - events["t"][0]) // step_us
        if step < n_steps:
            cell = (event["x"] // pool,)
            if len(shape) == 3:
                cell = (int(event["p"]), event["y"] // pool, event["x"] // pool)
            spikes[(step, *cell)] = True
    return spikes


@pytest.mark.parametrize("pool", [1, 4, 32])
def test_event_frames__as_by_hand(pool):
    rng = np.random.default_rng(pool)
    events = np.zeros(500, dtype=EVENTS)
    events["x"], events["y"] = rng.integers(0, 128, (2, 500))
    events["p"], events["t"] = rng.integers(0, 2, 500), np.sort(rng.integers(77, 9000, 500))
    events["t"][250:260] = 77 + 4 * 1000  # on the border of two steps
    events["t"].sort()
    frames = EventFrames(sensor=(128, 128, 2), n_steps=8, step_us=1000, pool=pool)
    before = events.copy()
    spikes = frames(events)
    assert (spikes == by_hand(events, 8, 1000, pool, frames.input_shape)).all()
    assert spikes.dtype == bool
    assert (events == before).all()
    assert not frames(events[:0]).any()


def test_event_frames__refuse_what_no_sensor_gives():
    frames = EventFrames(sensor=(128, 128, 2), n_steps=8, step_us=1000, pool=1)
    for field, value, words in (("x", 128, "x of 0..128"), ("y", -1, "y of -1..0")):
        events = np.zeros(2, dtype=EVENTS)
        events[field][1] = value
        with pytest.raises(InputError, match=words):
            frames(events)
    events = np.zeros(2, dtype=EVENTS)
    events["t"] = 5, 4
    with pytest.raises(InputError, match="before the one before"):
        frames(events)
    with pytest.raises(ShapeError, match="3 does not divide 128 x 128"):
        EventFrames(sensor=(128, 128, 2), n_steps=8, step_us=1000, pool=3)


def test_dvs_gesture__people_of_the_test_are_in_no_other_part(tmp_path):
    gesture_folder(tmp_path)
    wish = {"name": "dvs-gesture", "folder": str(tmp_path), "n_steps": 15, "pool": 8}
    split = load(DataSettings(**wish))
    assert isinstance(split.train, SpikeDataset)
    assert split.input_shape == (2, 16, 16)
    assert split.class_names[1] == "right hand wave"
    assert not set(split.groups[0]) & set(split.groups[1] + split.groups[2])
    assert split.groups[2] == ("user24", "user25", "user26", "user27", "user28")
    assert [len(part) for part in split.parts][2] == 100
    spikes = split.test.spikes(range(12))
    for name, row, label in zip(split.test.names[100:], spikes, split.test.labels, strict=False):
        raw = np.load(name)
        events = np.zeros(len(raw), dtype=EVENTS)
        events["x"], events["y"], events["p"], events["t"] = (*raw.T[:3], 1000 * raw.T[3])
        assert (row == by_hand(events, 15, 100_000, 8, (2, 16, 16))).all()
        assert name.endswith(f"{label}.npy")


def test_dvs_gesture__the_cache_gives_the_same_and_survives_damage(tmp_path):
    gesture_folder(tmp_path)
    wish = {"name": "dvs-gesture", "folder": str(tmp_path), "n_steps": 6, "pool": 16}
    plain = load(DataSettings(**wish)).train.spikes(range(9))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    cached = load(DataSettings(**wish, cache=str(tmp_path / "cache"))).train
    assert (cached.spikes(range(9)) == plain).all()
    files = sorted((tmp_path / "cache").iterdir())
    assert len(files) == 9
    files[0].write_bytes(files[0].read_bytes()[:100])
    files[1].write_bytes(b"")
    assert (cached.spikes(range(9)) == plain).all()
    other = load(DataSettings(**{**wish, "n_steps": 7}, cache=str(tmp_path / "cache"))).train
    assert other.spikes([0]).shape[1] == 7
    folder = tmp_path / "DVSGesture"
    folder.rename(tmp_path / "gone")
    assert (cached.spikes(range(9)) == plain).all()
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_dvs_gesture__names_the_recording_that_is_cut_off(tmp_path):
    gesture_folder(tmp_path)
    split = load(DataSettings(name="dvs-gesture", folder=str(tmp_path), pool=8))
    path = Path(split.test.names[103])
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"\.npy: cannot be read: "):
        split.test.spikes(range(len(split.test)))


def test_shd__channels_and_speakers(tmp_path):
    shd_folder(tmp_path)
    wish = {"name": "shd", "folder": str(tmp_path), "n_steps": 10, "pool": 7}
    split = load(DataSettings(**wish))
    assert [len(part) for part in split.parts] == [27, 3, 30]
    assert split.input_shape == (100,)
    assert split.class_names == ("word0", "word1", "word2", "word3", "word4")
    with h5py.File(tmp_path / "SHD" / "shd_test.h5") as file:
        for row in (0, 11, 29):
            spikes = split.test.spikes([row])[0]
            events = np.zeros(12, dtype=EVENTS)
            events["t"] = file["spikes/times"][row].astype(np.float64) * 1e6
            events["x"] = file["spikes/units"][row]
            assert (spikes == by_hand(events, 10, 100_000, 7, (100,))).all()
            assert split.test.labels[row] == file["labels"][row]
    held_out = load(DataSettings(**wish, held_out=("speaker03",)))
    assert held_out.groups[2] == ("speaker03",)
    assert len(held_out.test) == 12
    path = tmp_path / "SHD" / "shd_train.h5"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match="cannot be read"):
        load(DataSettings(**wish))


@pytest.mark.parametrize("name", ["dvs-gesture", "shd"])
def test_tonic_data__says_what_is_missing_and_downloads_nothing(tmp_path, name):
    with pytest.raises(InputError) as refused:
        load(DataSettings(name=name, folder=str(tmp_path)))
    assert f"not the whole of {name}" in str(refused.value)
    assert "download = true" in str(refused.value)
    assert "http" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_cifar10_dvs__says_what_is_missing(tmp_path):
    with pytest.raises((MissingExtraError, InputError), match=r"aedat|CIFAR10DVS"):
        load(DataSettings(name="cifar10-dvs", folder=str(tmp_path)))
