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


def test_mit_bih__what_is_unlike_the_patient(tmp_path):
    made = beats() | {"rr_next": np.tile([300, 450, 300, 300], 32).astype(np.int32)}
    np.savez(tmp_path / "beats.npz", **made)
    wish = {"validation": 0, "classes": ("N", "S", "V", "F")}
    plain, split = (load(settings(tmp_path, **wish, **more)) for more in ({}, {"usual": 6}))
    assert split.input_shape == (plain.input_shape[0] + 60,)
    for part, with_levels in zip(plain.parts, split.parts, strict=True):
        spikes = with_levels.spikes(range(len(with_levels)))
        assert (spikes[:, :, :-60] == part.spikes(range(len(part)))).all()
        assert (spikes[:, ::8, -60:] == spikes[:, :1, -60:]).all()
        assert spikes[:, :, -60:].sum(axis=(1, 2)).tolist() == [8 * 30] * len(spikes)
        # 1, 0.7 and 1.5 times the usual interval, 2.14 from one to the next, peaks of one width
        reached, missed = spikes[:, 0, -60:].reshape(-1, 2, 5, 6).sum(axis=3).swapaxes(0, 1)
        early = with_levels.labels == 1
        assert (reached[~early][:, [0, 1, 2, 4]] == 3).all()
        assert (reached[early][:, [0, 1, 2, 4]] == [1, 5, 5, 3]).all()
        assert (reached + missed == 6).all()
    made["rr_next"][7] = 0
    np.savez(tmp_path / "beats.npz", **made)
    with pytest.raises(InputError, match="rr_next 0 of beat 7; above 0"):
        load(settings(tmp_path, **wish, usual=4))
    made["rr_next"][7] = 300
    np.savez(tmp_path / "beats.npz", **made | {"beat": made["beat"][:, :60]})
    with pytest.raises(InputError, match="more than 60 samples"):
        load(settings(tmp_path, **wish, usual=4))
    made["sample"][[18, 30, 35]] = 777
    np.savez(tmp_path / "beats.npz", **made)
    words = "sample 777 of beat 18 and of beat 30, both of record 101"
    with pytest.raises(InputError, match=words):
        load(settings(tmp_path, **wish, usual=4))


def test_rhythm_spikes__one_channel_for_eight_steps():
    spikes = rhythm_spikes(np.array([0, 500, 749, 750, 999, 1000, 1499, 9000]), 20, 4, 5)
    assert spikes.sum(axis=(1, 2)).tolist() == [8] * 8
    assert spikes[:, 5:13].all(axis=1).argmax(axis=1).tolist() == [0, 0, 0, 1, 1, 2, 3, 3]
    assert rhythm_spikes(np.array([0]), 6, 4, 5).sum() == 1


def middle_of(pairs):
    """The value at which half of the time has passed, of pairs (value, time)."""
    return sorted(value for value, time in pairs for _ in range(time))[
        (sum(time for _, time in pairs) - 1) // 2
    ]


def levels_of_patient(beats, before, after, time, channels):
    """The levels of one patient's beats, spelled out beat by beat."""
    flat = [[value - middle_of([(v, 1) for v in beat]) for value in beat] for beat in beats]
    lasts = []
    for when in time:
        earlier = [when - t for t in time if t < when]
        later = [t - when for t in time if t > when]
        gaps = [min(gaps) for gaps in (earlier, later) if gaps] or [1]
        lasts.append(gaps[0] + gaps[-1])
    both = middle_of([(a + b, last) for a, b, last in zip(before, after, lasts, strict=True)])
    ratios = [(2000 * a // both, 2000 * b // both) for a, b in zip(before, after, strict=True)]
    odd = [abs(a - 1000) + abs(b - 1000) for a, b in ratios]
    most = middle_of(list(zip(odd, lasts, strict=True)))
    regular = [i for i in range(len(beats)) if odd[i] <= most]
    typical = [
        middle_of([(flat[i][sample], lasts[i]) for i in regular]) for sample in range(len(beats[0]))
    ]

    def width(beat):
        heights = [abs(value) for value in beat[60:130]]
        return sum(10 * height >= 3 * max(heights) for height in heights)

    reached = []
    for i, beat in enumerate(flat):
        apart = [abs(beat[sample] - typical[sample]) for sample in range(60, 130)]
        values = (
            *ratios[i],
            1000 * after[i] // before[i],
            1000 * sum(apart) // 70,
            1000 * width(beat) // width(typical),
        )
        bounds = ((549, 1822), (549, 1822), (368, 2718), (4000, 100000), (400, 2500))
        row = []
        for value, (low, high) in zip(values, bounds, strict=True):
            row += [
                value >= round(low * (high / low) ** ((k + 0.5) / channels))
                for k in range(channels)
            ]
        reached.append(row + [not one for one in row])
    return reached


@pytest.mark.parametrize("channels", [1, 5])
def test_usual_levels__as_spelled_out(channels):
    rng = np.random.default_rng(3)
    record = np.array([7, 7, 5, 7, 5, 7, 5, 5, 7, 5, 7, 9, 7])
    shapes = np.cumsum(rng.integers(-9, 10, (13, 140)), axis=1).astype(np.int16)
    before, after = rng.integers(150, 600, (2, 13))
    time = rng.permutation(np.cumsum(rng.integers(1, 40, 13)))
    found = usual_levels(shapes, before, after, time, record, channels)
    for one in (5, 7, 9):
        own = record == one
        wanted = levels_of_patient(
            *(array[own].tolist() for array in (shapes, before, after, time)), channels
        )
        assert found[own].tolist() == wanted
    assert 0.2 < found[:, : 5 * channels].mean() < 0.8
    moved = shapes + record[:, None].astype(np.int16)
    # where zero lies is of no account
    assert (usual_levels(moved, before, after, time, record, channels) == found).all()


def test_usual_levels__rare_beats_that_are_all_stored_are_not_the_usual_ones():
    many, few = 40, 10  # a run of early wide beats, and one in a hundred of the others
    time = np.append(np.arange(many) * 200, 100_000 + np.arange(few) * 30_000)
    wide = np.arange(many + few) < many
    shapes = np.zeros((many + few, 140), dtype=np.int16)
    shapes[wide, 75:105] = 300
    shapes[~wide, 85:95] = 300
    interval = np.where(wide, 200, 300)
    record = np.ones(many + few, dtype=int)
    levels = usual_levels(shapes, interval, interval, time, record, 8)[:, :40].reshape(-1, 5, 8)
    assert (levels[~wide].sum(axis=2) == [4, 4, 4, 0, 4]).all()
    assert (levels[wide].sum(axis=2)[:, [0, 2, 4]] == [1, 4, 8]).all()


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
