import gzip

import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.data.formats.idx_file import read_idx, read_labelled_images
from tests.ssdp_neuro.data.made_files import idx_bytes, mnist_like

CODES = {8: np.uint8, 9: np.int8, 11: np.int16, 12: np.int32, 13: np.float32, 14: np.float64}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_read_idx__gives_what_was_written(tmp_path, code, pack):
    rng = np.random.default_rng(code)
    array = rng.integers(0, 100, size=(3, 2, 5)).astype(CODES[code])
    (tmp_path / "file").write_bytes(pack(idx_bytes(array, code)))
    read = read_idx(tmp_path / "file")
    assert read.dtype == CODES[code]
    assert read.tolist() == array.tolist()


WHOLE = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 4))
PACKED = gzip.compress(WHOLE, mtime=0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an idx file"),
        (b"\0\0", "not an idx file"),
        (b"\0\0\x07\x02" + WHOLE[4:], "not an idx file"),
        (b"\0\0\x08\0" + WHOLE[4:], "not an idx file"),
        (b"P5 28 28", "not an idx file"),
        (WHOLE[:7], "cut off in its header"),
        (WHOLE[:-1], "needs 12 bytes; the file has 11"),
        (WHOLE + b"\0", "the file has more"),
        (b"\0\0\x08\x02" + b"\xff" * 8, "allowed up to"),
        (PACKED[:-9], "damaged gzip"),
        (PACKED[:12], "damaged gzip"),
        (b"\x1f\x8bhello", "damaged gzip"),
    ],
)
def test_read_idx__refuses_what_is_no_whole_idx_file(tmp_path, data, words):
    path = tmp_path / "some-file"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words) as refused:
        read_idx(path)
    assert str(path) in str(refused.value)


def test_read_idx__refuses_more_axes_than_an_array_has(tmp_path):
    path = tmp_path / "axes"
    path.write_bytes(bytes([0, 0, 8, 200]) + b"\0\0\0\1" * 200 + b"\0")
    with pytest.raises(InputError, match=r"200 axes; allowed 1\.\.32"):
        read_idx(path)


def test_read_labelled_images__pairs_images_and_labels(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0))
    for part in ("train", "test"):
        images, labels = read_labelled_images(tmp_path, part)
        assert (images.shape, images.dtype, labels.dtype) == ((12, 4, 4), np.uint8, np.int64)
        assert (images.reshape(12, 16)[np.arange(12), labels] == 255).all()
    with pytest.raises(InputError, match="part: 'validation'"):
        read_labelled_images(tmp_path, "validation")


def test_read_labelled_images__names_the_file_that_does_not_fit(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0))
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(idx_bytes(np.zeros(11, dtype=np.uint8)))
    with pytest.raises(InputError, match=r"train-labels-idx1-ubyte.gz: shape \(11,\)"):
        read_labelled_images(tmp_path, "train")
    labels.unlink()
    with pytest.raises(InputError, match="no file train-labels-idx1-ubyte or"):
        read_labelled_images(tmp_path, "train")
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(WHOLE)
    with pytest.raises(InputError, match="t10k-images"):
        read_labelled_images(tmp_path, "test")


def test_read_labelled_images__names_of_other_data_sets(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0))
    plain = [read_labelled_images(tmp_path, part) for part in ("train", "test")]
    for path in list(tmp_path.iterdir()):
        other = path.name.replace("t10k", "test").replace("-idx", ".idx")
        path.rename(tmp_path / f"kana-49-{other}")
    for part, (images, labels) in zip(("train", "test"), plain, strict=True):
        again, again_labels = read_labelled_images(tmp_path, part)
        assert (images == again).all()
        assert (labels == again_labels).all()
    whole = (tmp_path / "kana-49-train-images.idx3-ubyte.gz").read_bytes()
    (tmp_path / "letters-train-images-idx3-ubyte.gz").write_bytes(whole)
    with pytest.raises(InputError, match="all stand for train-images-idx3-ubyte; one is needed"):
        read_labelled_images(tmp_path, "train")
