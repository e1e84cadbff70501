import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.data.codes.level_crossing import LevelCrossing

LABELS = np.arange(40) % 2


def loaded(folder, arrays, **more):
    np.savez(folder / "data.npz", **arrays)
    wish = {"name": "npz", "folder": str(folder), "n_steps": 6, **more}
    return load(DataSettings(**wish))


def test_npz__spikes_as_they_are(tmp_path):
    spikes = np.random.default_rng(0).random((40, 6, 2, 5)) < 0.4
    split = loaded(tmp_path, {"spikes": spikes.astype(np.uint8), "labels": LABELS})
    assert [len(part) for part in split.parts] == [29, 3, 8]
    assert split.input_shape == (2, 5)
    found = np.concatenate([part.spikes(range(len(part))) for part in split.parts])
    assert sorted(map(bytes, found)) == sorted(map(bytes, spikes))


def test_npz__test_groups_and_names_of_the_user(tmp_path):
    split = loaded(
        tmp_path,
        {
            "images": np.arange(40 * 16).reshape(40, 4, 4).astype(np.uint8),
            "labels": LABELS,
            "test": np.arange(40) >= 25,
            "groups": np.arange(40) // 5,
            "classes": np.array(["left", "right"]),
        },
        encoding="bit-planes",
        validation_by="group",
    )
    assert split.class_names == ("left", "right")
    assert len(split.test) == 15
    assert split.groups[2] == ("5", "6", "7")
    assert len(split.groups[1]) == 1
    assert split.input_shape == (1, 4, 4)


def test_npz__signals_cross_levels(tmp_path):
    signals = np.random.default_rng(0).integers(-99, 99, size=(40, 12)).astype(np.int16)
    arrays = {"signals": signals, "labels": LABELS, "test": np.arange(40) >= 30}
    split = loaded(tmp_path, arrays, delta=7, levels=2)
    expected = LevelCrossing(6, 7, 2)(signals[30:, :, None])
    assert (split.test.spikes(range(10)) == expected).all()
    with pytest.raises(InputError, match=r"data\.delta: not given"):
        loaded(tmp_path, arrays)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": LABELS}, "one of ('spikes', 'images', 'signals') is needed"),
        ({"spikes": np.zeros((40, 6, 2), bool)}, "no array 'labels'"),
        ({"spikes": np.zeros((40, 5, 2), bool), "labels": LABELS}, "n_steps is 6"),
        ({"spikes": np.full((40, 6, 2), 2), "labels": LABELS}, "0 and 1"),
        ({"spikes": np.zeros((39, 6, 2), bool), "labels": LABELS}, "for 40 labels"),
        ({"images": np.zeros((40, 4, 4)), "labels": LABELS}, "uint8 is needed"),
        ({"signals": np.zeros((40, 4)), "labels": LABELS}, "integers (N, samples)"),
        ({"spikes": np.zeros((40, 6, 2), bool), "labels": LABELS - 1}, "label -1 of sample 0"),
        ({"spikes": np.zeros((40, 6, 2), bool), "labels": LABELS / 2}, "labels of shape"),
        ({"spikes": np.zeros((0, 6, 2), bool), "labels": LABELS[:0]}, "no samples"),
    ],
)
def test_npz__names_what_does_not_fit(tmp_path, arrays, words):
    with pytest.raises(InputError) as refused:
        loaded(tmp_path, arrays)
    assert str(tmp_path / "data.npz") in str(refused.value)
    assert words in str(refused.value)


def test_npz__nothing_is_unpickled_and_nothing_half_read(tmp_path):
    with pytest.raises(InputError, match="not a whole NumPy archive"):
        loaded(tmp_path, {"spikes": np.array([{}], dtype=object), "labels": LABELS})
    whole = (tmp_path / "data.npz").read_bytes()
    (tmp_path / "data.npz").write_bytes(whole[: len(whole) // 2])
    wish = DataSettings(name="npz", folder=str(tmp_path))
    with pytest.raises(InputError, match=r"data\.npz: not a whole NumPy archive"):
        load(wish)
    (tmp_path / "more.npz").write_bytes(whole)
    with pytest.raises(InputError, match=r"\['data.npz', 'more.npz'\]; one is needed"):
        load(wish)
