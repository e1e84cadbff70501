import zipfile

import numpy as np
import pytest

from hw_models import InputError, ShapeError, SsdpError
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.data.formats.event_recordings import binned_events, read_recordings
from tests.ssdp_neuro.data.made_files import recordings_file
from tests.ssdp_neuro.data.places import REAL


def settings(folder, **more):
    wish = {"name": "nmnist", "n_steps": 10, "validation": 0.3, "pool": 2, **more}
    return DataSettings(folder=str(folder), **wish)


def nmnist_file(folder):
    """The real subset where it lies, else a made one of the same form."""
    real = REAL / "nmnist" / "nmnist_subset900.zip"
    if real.is_file():
        return real
    recordings_file(folder / "made.zip", np.random.default_rng(0), per_class=20, n_classes=10)
    return folder / "made.zip"


def test_nmnist__spikes_are_the_binned_events(tmp_path):
    path = nmnist_file(tmp_path)
    split = load(settings(path, train_limit=60, test_limit=20))
    assert [len(part) for part in split.parts][::2] == [60, 20]
    assert split.input_shape == (2, 17, 17)
    assert len(set(split.test.labels.tolist())) >= 9
    known = {}
    for events, label in read_recordings(path, "test"):
        known[binned_events(events, 10, step_us=30_000, pool=2).tobytes()] = label
    for spikes, label in zip(split.test.spikes(range(20)), split.test.labels, strict=True):
        assert known[spikes.tobytes()] == label


def test_nmnist__zip_files_and_folders_are_the_same(tmp_path):
    recordings_file(tmp_path / "all.zip", np.random.default_rng(0))
    (tmp_path / "open").mkdir()
    (tmp_path / "two").mkdir()
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "open" / "NMNIST")
        for part in ("Train", "Test"):
            with zipfile.ZipFile(tmp_path / "two" / f"{part}.zip", "w") as other:
                for name in archive.namelist():
                    if name.startswith(part):
                        other.writestr(name, archive.read(name))
    one, *others = (
        load(settings(tmp_path / name)) for name in ("all.zip", "open", "open/NMNIST", "two")
    )
    assert [len(part) for part in one.parts] == [4, 2, 6]
    for other in others:
        for a, b in zip(one.parts, other.parts, strict=True):
            assert (a.spikes(range(len(a))) == b.spikes(range(len(b)))).all()
            assert a.labels.tolist() == b.labels.tolist()


def test_nmnist__names_the_recording_that_is_cut_off(tmp_path):
    recordings_file(tmp_path / "all.zip", np.random.default_rng(0))
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "open")
    cut = tmp_path / "open" / "Test" / "1" / "00004.bin"
    cut.write_bytes(cut.read_bytes()[:-2])
    with pytest.raises(InputError, match=r"00004\.bin: 248 bytes; a positive multiple of 5"):
        load(settings(tmp_path / "open"))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"pool": 3}, "3 does not divide 34 x 34"),
        ({"encoding": "rate"}, "'rate' is not for the events of 'nmnist'"),
        ({"n_steps": 400_000}, "400000; at most 300000"),
    ],
)
def test_nmnist__refuses_settings_that_do_not_fit(tmp_path, table, words):
    recordings_file(tmp_path / "all.zip", np.random.default_rng(0))
    with pytest.raises(SsdpError, match=words) as refused:
        load(settings(tmp_path, **table))
    assert isinstance(refused.value, (InputError, ShapeError))


def test_nmnist__says_what_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"no recording Train/<digit>/<number>\.bin"):
        load(settings(tmp_path))
    (tmp_path / "all.zip").write_bytes(b"PK hello")
    with pytest.raises(InputError, match=r"all\.zip: not a readable zip file"):
        load(settings(tmp_path))
