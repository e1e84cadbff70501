"""Idx files written here byte by byte."""

import gzip
import struct

import numpy as np
import pytest

from hw_models import InputError, RangeError, ShapeError
from ssdp_neuro.training.idx_file import DTYPES, IdxPart, load_idx_images, read_idx


def idx_bytes(array, code=0x08):
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(DTYPES[code]).tobytes()


@pytest.fixture
def pixels():
    return np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("code", DTYPES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_read_idx__every_type_compressed_or_not(tmp_path, pixels, code, pack):
    path = tmp_path / "file"
    path.write_bytes(pack(idx_bytes(pixels, code)))
    values = read_idx(path)
    assert values.tolist() == pixels.tolist()
    assert values.dtype == np.dtype(DTYPES[code]).newbyteorder("=")


def test_read_idx__big_endian(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes([0, 0, 0x0C, 1, 0, 0, 0, 2, 0, 0, 1, 2, 255, 255, 255, 254]))
    assert read_idx(path).tolist() == [258, -2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda whole: b"", "begins with nothing"),
        (lambda whole: whole[:3], "begins with 00 00 08"),
        (lambda whole: b"\1" + whole[1:], "begins with 01 00 08 03"),
        (lambda whole: whole[:2] + b"\x0a" + whole[3:], "begins with 00 00 0a 03"),
        (lambda whole: whole[:3] + b"\x21" + bytes(3 * [0, 0, 0, 1]), "33 axes; allowed 0..32"),
        (lambda whole: whole[:15], "its 3 axes alone need 16"),
        (lambda whole: whole[:-1], r"39 bytes; 40 are needed for shape \(2, 3, 4\)"),
        (lambda whole: whole + b"\0", "41 bytes; 40 are needed"),
        (lambda whole: gzip.compress(whole)[:-9], "cannot be read"),
        (lambda whole: gzip.compress(whole)[:10] + b"no deflate stream", "cannot be read"),
    ],
)
def test_read_idx__refuses_a_damaged_file_and_names_it(tmp_path, pixels, change, message):
    path = tmp_path / "some-images"
    path.write_bytes(change(idx_bytes(pixels)))
    with pytest.raises(InputError, match=f"some-images: .*{message}"):
        read_idx(path)


def test_read_idx__refuses_a_missing_file_and_names_it(tmp_path):
    with pytest.raises(InputError, match="nowhere: cannot be read"):
        read_idx(tmp_path / "nowhere")


def write_part(folder, images, labels, image_code=0x08):
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(images, image_code))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))


def test_load_idx_images__brightness_and_labels(tmp_path, pixels):
    pixels[0, 0, 0] = 255
    write_part(tmp_path, pixels, np.array([7, 3]))
    found = load_idx_images(tmp_path, IdxPart.TEST)
    assert found.labels.tolist() == [7, 3]
    assert found.images.dtype == np.float64
    assert found.images.tolist() == (pixels / 255).tolist()
    first = load_idx_images(tmp_path, IdxPart.TEST, count=1)
    assert first.labels.tolist() == [7]
    assert first.images.tolist() == found.images[:1].tolist()


def test_load_idx_images__refuses_parts_that_do_not_fit(tmp_path, pixels):
    with pytest.raises(InputError, match="neither t10k-images-idx3-ubyte nor"):
        load_idx_images(tmp_path, IdxPart.TEST)
    write_part(tmp_path, pixels, np.array([7, 3, 1]))
    with pytest.raises(ShapeError, match=r"t10k-labels-idx1-ubyte.gz: 3 labels for 2 images"):
        load_idx_images(tmp_path, IdxPart.TEST)
    write_part(tmp_path, pixels[0], np.array([7, 3]))
    with pytest.raises(ShapeError, match=r"images-idx3-ubyte: shape \(3, 4\); 3 axes"):
        load_idx_images(tmp_path, IdxPart.TEST)
    write_part(tmp_path, pixels, np.array([7, 3]), image_code=0x0B)
    with pytest.raises(InputError, match="images-idx3-ubyte: values of type int16"):
        load_idx_images(tmp_path, IdxPart.TEST)
    write_part(tmp_path, pixels, np.array([7, 3]))
    with pytest.raises(RangeError, match="count"):
        load_idx_images(tmp_path, IdxPart.TEST, count=3)
