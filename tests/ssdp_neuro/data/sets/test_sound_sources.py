import zipfile

import numpy as np
import pytest

from hw_models import InputError, RangeError
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.data.codes.cochlea import Cochlea
from ssdp_neuro.data.formats.wave_file import decode_wave
from tests.ssdp_neuro.data.made_files import tone, wave_bytes, words_file
from tests.ssdp_neuro.data.places import REAL


def settings(folder, **more):
    wish = {"name": "fsdd", "n_steps": 10, "channels": 8, **more}
    return DataSettings(folder=str(folder), **wish)


def test_fsdd__an_unseen_speaker_is_in_no_other_part(tmp_path):
    words_file(tmp_path / "words.zip")
    split = load(settings(tmp_path, held_out=("bob",), validation=0.5))
    assert split.groups[2] == ("bob",)
    assert sorted(split.groups[0] + split.groups[1]) == ["ann", "carl"]
    assert [len(part) for part in split.parts] == [24, 24, 24]
    assert split.class_names == ("0", "1", "2")
    cochlea = Cochlea(n_steps=10, step_us=0, channels=8)
    with zipfile.ZipFile(tmp_path / "words.zip") as archive:
        for place, (spikes, label) in enumerate(
            zip(split.test.spikes(range(24)), split.test.labels, strict=True)
        ):
            name = f"some/{label}_bob_{place % 8}.wav"
            assert (spikes == cochlea(decode_wave(archive.read(name), name))).all()


@pytest.mark.parametrize("spans", [1, 2])
def test_fsdd__training_words_are_drawn_from_other_vocal_tracts(tmp_path, spans):
    words_file(tmp_path / "words.zip")
    wish = {"held_out": ("bob",), "validation": 0.5, "spans": spans}
    plain, split = (load(settings(tmp_path, **wish, **more)) for more in ({}, {"warp": 0.4}))
    for part, as_it_is in zip(split.parts[1:], plain.parts[1:], strict=True):
        assert (part.spikes(range(24)) == as_it_is.spikes(range(24))).all()
    train = split.train
    assert train.input_shape == plain.train.input_shape
    assert (train.labels == plain.train.labels).all()
    every = [plain.train, *train.others]
    assert len(every) == 5
    drawn = set()
    for epoch in range(6):
        heard = train.spikes([3, 17], epoch=epoch)
        assert (heard[:1] == train.spikes([3], epoch=epoch)).all()
        of = [n for n, one in enumerate(every) if (one.spikes([3]) == heard[:1]).all()]
        assert of
        drawn.add(of[0])
    assert len(drawn) > 2
    with pytest.raises(RangeError, match=r"data\.warp: 0\.6; allowed 0\.\.0\.5"):
        settings(tmp_path, warp=0.6)


def test_fsdd__words_are_heard_beside_all_of_their_speaker(tmp_path):
    words_file(tmp_path / "words.zip")
    wish = {"held_out": ("bob",), "validation": 0.5}
    split = load(settings(tmp_path, **wish, speaker_db=6))
    assert split.input_shape == (4, 8)
    assert split.code.parameters["speaker_db"] == 6
    assert load(settings(tmp_path, **wish, step_us=5_000)).input_shape == (3, 8)
    cochlea = Cochlea(n_steps=10, step_us=0, channels=8)
    with zipfile.ZipFile(tmp_path / "words.zip") as archive:
        sounds = [
            decode_wave(archive.read(name), name)
            for name in (f"some/{label}_bob_{index}.wav" for label in "012" for index in range(8))
        ]
    levels = [cochlea.level(sound).tolist() for sound in sounds]
    found = split.test.spikes(range(24))
    counts = np.zeros_like(found, dtype=int)
    for step in range(10):
        for band in range(8):
            usual = sum(level[step][band] for level in levels) // 24
            for word, level in enumerate(levels):
                level[step][band] -= usual
                above, rises = level[step][band], level[step][band]
                if step:
                    rises -= level[step - 1][band]
                counts[word, step, :, band] = np.maximum([above, -above, rises, -rises], 0)
    sums = np.cumsum(counts, axis=1)
    for neuron, unit in enumerate((16, 16, 12, 12)):  # of 0.375 dB: 6 and 4.5 dB
        whole = sums[:, :, neuron] // unit
        assert (found[:, :, neuron] == (np.diff(whole, axis=1, prepend=0) > 0)).all()
    assert found.any(axis=(0, 1, 3)).all()
    with pytest.raises(RangeError, match=r"data\.speaker_db: 40; allowed 0\.\.36"):
        settings(tmp_path, speaker_db=40)


def test_fsdd__is_heard_as_far_below_the_loudest_as_is_asked(tmp_path):
    words_file(tmp_path / "words.zip")
    wish = {"held_out": ("bob",), "speaker_db": 6}
    usual, far = (load(settings(tmp_path, **wish, range_db=db)) for db in (36, 60))
    assert "range_db" not in usual.code.parameters
    assert far.code.parameters["range_db"] == 60
    assert usual.code.differences(far.code) == ["range_db was not given and is 60"]
    every = np.arange(24)
    plain = load(settings(tmp_path, **wish))
    assert (usual.test.spikes(every) == plain.test.spikes(every)).all()
    assert (usual.test.spikes(every) != far.test.spikes(every)).any()
    for wrong in (5, 91):
        with pytest.raises(RangeError, match=rf"data\.range_db: {wrong}; allowed 6\.\.90"):
            settings(tmp_path, range_db=wrong)


def test_fsdd__a_word_may_be_an_image(tmp_path):
    words_file(tmp_path / "words.zip")
    wish = {
        "held_out": ("bob",), "validation": 0.5, "encoding": "spectrogram", "n_steps": 3,
        "columns": 6, "levels": 2, "warp": 0.1,
    }  # fmt: skip
    split = load(settings(tmp_path, **wish, speaker_db=6, shift=1))
    assert split.input_shape == (4, 8, 6)
    assert split.code.parameters == {"channels": 8, "columns": 6, "levels": 2, "speaker_db": 6}
    beside = load(settings(tmp_path, held_out=("bob",), n_steps=6, speaker_db=6))
    # what the cochlea adds up in its first step is what the first column has
    of_image, of_steps = (part.test.spikes(range(24)) for part in (split, beside))
    assert (of_image[:, 0, 1, :, 0] <= of_steps[:, 0, 0]).all()  # one and a half wholes
    assert (of_image[:, 0, 3, :, 0] <= of_steps[:, 0, 1]).all()
    assert of_image[:, 0, [1, 3], :, 0].any(axis=(0, 2)).all()
    assert (of_image == of_image[:, :1]).all()
    assert load(settings(tmp_path, **wish)).input_shape == (2, 8, 6)
    with pytest.raises(InputError, match=r"data\.step_us: 5000; the columns of a spectrogram"):
        load(settings(tmp_path, **wish, step_us=5_000))


def test_fsdd__its_own_test_is_the_first_five(tmp_path):
    words_file(tmp_path / "words.zip")
    split = load(settings(tmp_path))
    assert [len(part) for part in split.parts] == [24, 3, 45]
    assert all(names == ("ann", "bob", "carl") for names in split.groups[::2])


def test_fsdd__words_in_a_folder_need_not_be_digits(tmp_path):
    for word in ("yes", "no"):
        for index in range(10):
            sound = wave_bytes(tone(400 if word == "no" else 900, 0.03 + index / 1000))
            (tmp_path / f"{word}_de_la_cruz_{index}.wav").write_bytes(sound)
    split = load(settings(tmp_path, validation=0.2))
    assert split.class_names == ("no", "yes")
    assert split.groups[0] == ("de_la_cruz",)
    assert np.bincount(split.test.labels).tolist() == [5, 5]


def test_fsdd__names_the_wave_file_that_is_cut_off(tmp_path):
    for index in range(12):
        data = wave_bytes(tone(400))
        (tmp_path / f"0_ann_{index}.wav").write_bytes(data[:-9] if index == 7 else data)
    with pytest.raises(InputError, match=r"0_ann_7\.wav: cut off"):
        load(settings(tmp_path))


def test_fsdd__says_what_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"no file <word>_<speaker>_<index>\.wav"):
        load(settings(tmp_path))
    words_file(tmp_path / "words.zip")
    with pytest.raises(InputError, match=r"held_out: 'dora'; .* has \['ann', 'bob', 'carl'\]"):
        load(settings(tmp_path, held_out=("dora",)))
    with pytest.raises(InputError, match=r"'delta' is not for the sound of 'fsdd'"):
        load(settings(tmp_path, encoding="delta"))


def test_fsdd__spikes_tell_the_words_apart(tmp_path):
    """Nearest mean of spike counts, for a speaker that no mean was made of."""
    folder, speaker = REAL / "fsdd", "theo"
    if not folder.is_dir():
        folder, speaker = tmp_path, "carl"
        words_file(folder / "words.zip", n_words=3)
    split = load(settings(folder, n_steps=30, held_out=(speaker,), train_limit=240, test_limit=60))
    train, test = (
        part.spikes(range(len(part))).reshape(len(part), 5, 6 if part.n_steps == 30 else 2, -1)
        for part in (split.train, split.test)
    )
    train, test = (part.sum(axis=2).reshape(len(part), -1) for part in (train, test))
    means = np.stack([train[split.train.labels == c].mean(axis=0) for c in range(split.n_classes)])
    distance = ((test[:, None] - means) ** 2).sum(axis=2)
    assert (distance.argmin(axis=1) == split.test.labels).mean() > 0.45
