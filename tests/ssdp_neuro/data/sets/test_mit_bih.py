import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.data.codes.level_crossing import LevelCrossing
from ssdp_neuro.data.sets.mit_bih import rhythm_spikes
from ssdp_neuro.data.sets.usual_beats import usual_levels
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


def test_mit_bih__what_is_unlike_the_patient_fires_first(tmp_path):
    made = beats() | {"rr_next": np.tile([300, 450, 300, 300], 32).astype(np.int32)}
    np.savez(tmp_path / "beats.npz", **made)
    wish = {"validation": 0, "classes": ("N", "S", "V", "F")}
    plain, split = (load(settings(tmp_path, **wish, **more)) for more in ({}, {"usual": 6}))
    assert split.input_shape == (plain.input_shape[0] + 24,)
    for part, with_levels in zip(plain.parts, split.parts, strict=True):
        spikes = with_levels.spikes(range(len(with_levels)))
        assert (spikes[:, :, :-24] == part.spikes(range(len(part)))).all()
        assert (spikes[:, :8, -24:] == spikes[:, :1, -24:]).all()
        assert not spikes[:, 8:, -24:].any()
        # 1, 0.7 and 1.5 times the usual interval, 2.14 from one to the next
        reached = spikes[:, 0, -24:].reshape(-1, 4, 6).sum(axis=2)
        early = with_levels.labels == 1
        assert (reached[~early, :3] == 3).all()
        assert (reached[early, :3] == [1, 5, 5]).all()
    made["rr_next"][7] = 0
    np.savez(tmp_path / "beats.npz", **made)
    with pytest.raises(InputError, match="rr_next 0 of beat 7; above 0"):
        load(settings(tmp_path, **wish, usual=4))
    np.savez(tmp_path / "beats.npz", **made | {"beat": made["beat"][:, :60]})
    with pytest.raises(InputError, match="more than 60 samples"):
        load(settings(tmp_path, **wish, usual=4))


def test_rhythm_spikes__one_channel_for_eight_steps():
    spikes = rhythm_spikes(np.array([0, 500, 749, 750, 999, 1000, 1499, 9000]), 20, 4, 5)
    assert spikes.sum(axis=(1, 2)).tolist() == [8] * 8
    assert spikes[:, 5:13].all(axis=1).argmax(axis=1).tolist() == [0, 0, 0, 1, 1, 2, 3, 3]
    assert rhythm_spikes(np.array([0]), 6, 4, 5).sum() == 1


def levels_of_patient(beats, before, after, channels):
    """The levels of one patient's beats, spelled out beat by beat."""
    middle = [sorted(beat)[(len(beat) - 1) // 2] for beat in beats]
    flat = [[value - mid for value in beat] for beat, mid in zip(beats, middle, strict=True)]
    both = sorted(a + b for a, b in zip(before, after, strict=True))[(len(beats) - 1) // 2]
    ratios = [(2000 * a // both, 2000 * b // both) for a, b in zip(before, after, strict=True)]
    order = sorted(range(len(beats)), key=lambda i: sum(abs(r - 1000) for r in ratios[i]))
    regular = order[: max(1, len(beats) // 2)]
    typical = [
        sorted(flat[i][sample] for i in regular)[(len(regular) - 1) // 2]
        for sample in range(len(beats[0]))
    ]
    reached = []
    for i, beat in enumerate(flat):
        apart = [abs(beat[sample] - typical[sample]) for sample in range(60, 130)]
        values = (*ratios[i], 1000 * after[i] // before[i], 1000 * sum(apart) // 70)
        row = []
        for value, (low, high) in zip(
            values, ((549, 1822), (549, 1822), (368, 2718), (4000, 100000)), strict=True
        ):
            row += [
                value >= round(low * (high / low) ** ((k + 0.5) / channels))
                for k in range(channels)
            ]
        reached.append(row)
    return reached


@pytest.mark.parametrize("channels", [1, 5])
def test_usual_levels__as_spelled_out(channels):
    rng = np.random.default_rng(3)
    record = np.array([7, 7, 5, 7, 5, 7, 5, 5, 7, 5, 7, 9, 7])
    shapes = np.cumsum(rng.integers(-9, 10, (13, 140)), axis=1).astype(np.int16)
    before, after = rng.integers(150, 600, (2, 13))
    found = usual_levels(shapes, before, after, record, channels)
    for one in (5, 7, 9):
        own = record == one
        wanted = levels_of_patient(
            *(array[own].tolist() for array in (shapes, before, after)), channels
        )
        assert found[own].tolist() == wanted
    assert 0.2 < found.mean() < 0.8
    moved = usual_levels(shapes + record[:, None].astype(np.int16), before, after, record, channels)
    assert (moved == found).all()  # where zero lies is of no account


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
