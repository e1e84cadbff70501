import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.data import DataSettings, load

WEIGHTS = (128 >> np.arange(8)).reshape(1, 8, 1, 1, 1)


def binary(folder, per_file=4):
    """The six files; image i of a file is of class i."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]:
        rows = rng.integers(0, 256, size=(per_file, 3073)).astype(np.uint8)
        rows[:, 0] = np.arange(per_file)
        (folder / f"{name}.bin").write_bytes(rows.tobytes())
    return rows


def settings(folder, **more):
    wish = {"name": "cifar10", "n_steps": 8, "encoding": "bit-planes", **more}
    return DataSettings(folder=str(folder), **wish)


@pytest.mark.parametrize("subfolder", ["", "cifar-10-batches-bin"])
def test_cifar10__binary_version(tmp_path, subfolder):
    rows = binary(tmp_path / subfolder)
    split = load(settings(tmp_path, validation=0.2))
    assert [len(part) for part in split.parts] == [16, 4, 4]
    assert split.input_shape == (3, 32, 32)
    images = (split.test.spikes(range(4)) * WEIGHTS).sum(axis=1)
    assert (images == rows[:, 1:].reshape(4, 3, 32, 32)).all()
    assert split.test.labels.tolist() == [0, 1, 2, 3]
    assert split.class_names[:2] == ("airplane", "automobile")


def test_cifar10__arrays_have_colours_last(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, size=(40, 32, 32, 3)).astype(np.uint8)
    np.savez(tmp_path / "some.npz", x=x, y=(np.arange(40) % 10).astype(np.uint8))
    split = load(settings(tmp_path, test=0.25))
    assert [len(part) for part in split.parts] == [27, 3, 10]
    images = (split.test.spikes(range(10)) * WEIGHTS).sum(axis=1)
    known = {image.transpose(2, 0, 1).astype(np.int64).tobytes() for image in x}
    assert all(image.tobytes() in known for image in images)


def test_cifar10__names_the_file(tmp_path):
    with pytest.raises(InputError, match=r"no data_batch_1\.bin; .*Python version is pickled"):
        load(settings(tmp_path))
    binary(tmp_path)
    path = tmp_path / "data_batch_4.bin"
    whole = path.read_bytes()
    for data, words in (
        (whole[:-1], "12291 bytes; a positive multiple of 3073"),
        (b"", "0 bytes"),
        (whole[: len(whole) // 2], "cut off: 2 images, other files have 4"),
        (b"\x0a" + whole[1:], r"label 10 of image 0; allowed 0\.\.9"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"data_batch_4\.bin: {words}"):
            load(settings(tmp_path))
    path.unlink()
    with pytest.raises(InputError, match=r"data_batch_4\.bin: no such file"):
        load(settings(tmp_path))
