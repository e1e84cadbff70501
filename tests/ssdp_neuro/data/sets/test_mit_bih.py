import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.data.codes.level_crossing import LevelCrossing
from ssdp_neuro.data.sets.mit_bih import rhythm_spikes
from tests.ssdp_neuro.data.places import REAL


def beats(n_records=8, per_record=16):
    """Peaks at sample 90, as high as their class; S beats come early."""
    n = n_records * per_record
    label = np.arange(n) % 4
    beat = np.zeros((n, 256), dtype=np.int16)
    beat[:, 88:93] = 40 + 40 * label[:, None]
    record = 100 + np.arange(n) // per_record
    return {
        "beat": beat + 1000,
        "label": label.astype(np.uint8),
        "record": record.astype(np.uint16),
        "sample": np.tile(np.arange(per_record), n_records).astype(np.int32) * 300,
        "rr_prev": np.where(label == 1, 210, 300).astype(np.int32),
        "split": np.where(record < 100 + n_records - 3, 1, 2).astype(np.uint8),
    }


def settings(folder, **more):
    return DataSettings(**{"name": "mit-bih", "folder": str(folder), "n_steps": 64, **more})


def test_mit_bih__patients_are_in_one_part(tmp_path):
    folder = REAL / "mit-bih"
    if not folder.is_dir():
        folder = tmp_path
        np.savez(folder / "beats.npz", **beats())
    split = load(settings(folder, validation=0.15))
    names = [set(groups) for groups in split.groups]
    assert all(names)
    assert sum(map(len, names)) == len(set.union(*names))
    assert split.class_names == ("N", "S", "V")
    for part in split.parts:
        assert np.bincount(part.labels, minlength=3).min() > 0
        assert 0.005 < part.spikes(range(8)).mean() < 0.5


def test_mit_bih__spikes_are_crossings_and_the_rhythm(tmp_path):
    np.savez(tmp_path / "beats.npz", **beats())
    wish = {"levels": 3, "delta": 5, "validation": 0, "classes": ("N", "S", "V", "F")}
    split = load(settings(tmp_path, **wish))
    assert split.input_shape == (2 * 3 + 8,)
    assert (len(split.train), len(split.test)) == (80, 48)
    spikes = split.train.spikes(range(80))
    made = beats()
    crossings = LevelCrossing(64, 5, 3)(made["beat"][:80, :, None])
    assert (spikes[:, :, :6] == crossings).all()
    # 1000 thousandths are channel 4, 300 and 210 against means of 210 to 300
    channel = spikes[:, :, 6:].any(axis=1).argmax(axis=1)
    early = made["label"][:80] == 1
    assert set(channel[early].tolist()) <= {1, 2}
    assert set(channel[~early].tolist()) == {4, 5}
    assert spikes[:, 90 // 4, 6:].any(axis=1).all()
    assert not spikes[:, : 90 // 4, 6:].any()
    without = load(settings(tmp_path, **wish, rhythm=0))
    assert (without.train.spikes(range(80)) == crossings).all()


def test_mit_bih__the_interval_after_a_beat_fires_at_the_end(tmp_path):
    made = beats() | {"rr_next": np.tile([300, 100, 750, 600], 32).astype(np.int32)}
    made["rr_prev"][:] = 300
    np.savez(tmp_path / "beats.npz", **made)
    wish = {"validation": 0, "classes": ("N", "S", "V", "F")}
    plain, split = (load(settings(tmp_path, **wish, **more)) for more in ({}, {"following": 4}))
    assert split.input_shape == (plain.input_shape[0] + 4,)
    spikes = split.train.spikes(range(80))
    assert (spikes[:, :, :-4] == plain.train.spikes(range(80))).all()
    # of 500 to 2500 thousandths a channel has 500
    fired = spikes[:, -8:, -4:].all(axis=1)
    assert fired.argmax(axis=1).tolist() == [1, 0, 3, 3] * 20
    assert fired.sum() == 80
    assert not spikes[:, :-8, -4:].any()
    made["rr_next"][7] = 0
    np.savez(tmp_path / "beats.npz", **made)
    with pytest.raises(InputError, match="rr_next 0 of beat 7; above 0"):
        load(settings(tmp_path, **wish, following=4))


def test_rhythm_spikes__one_channel_for_eight_steps():
    spikes = rhythm_spikes(np.array([0, 500, 749, 750, 999, 1000, 1499, 9000]), 20, 4, 5)
    assert spikes.sum(axis=(1, 2)).tolist() == [8] * 8
    assert spikes[:, 5:13].all(axis=1).argmax(axis=1).tolist() == [0, 0, 0, 1, 1, 2, 3, 3]
    assert rhythm_spikes(np.array([0]), 6, 4, 5).sum() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": None}, "no array 'label'"),
        ({"label": np.full(128, 4, dtype=np.uint8)}, "label 4 of sample 0; allowed 0..3"),
        ({"split": np.zeros(128, dtype=np.uint8)}, "split 0 of beat 0"),
        ({"beat": np.zeros((128, 256))}, "beat of shape (128, 256), float64"),
        ({"record": np.zeros(5, dtype=int)}, "record of shape (5,)"),
        ({"rr_prev": np.zeros(128, dtype=int)}, "rr_prev 0 of beat 0"),
    ],
)
def test_mit_bih__names_what_does_not_fit(tmp_path, change, words):
    arrays = {k: v for k, v in {**beats(), **change}.items() if v is not None}
    np.savez(tmp_path / "beats.npz", **arrays)
    with pytest.raises(InputError) as refused:
        load(settings(tmp_path))
    assert f"{tmp_path / 'beats.npz'}: {words}" in str(refused.value)
