"""NumPy files: one reader, one kind of error."""

import io
import struct
import zipfile

import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.data.formats.array_file import read_array_or_arrays, read_arrays


def npy(array, **header):
    """The bytes of a ``.npy`` file, with another header if it is given."""
    buffer = io.BytesIO()
    if not header:
        np.save(buffer, array)
        return buffer.getvalue()
    told = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape, **header}
    text = repr(told).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + array.tobytes()


def zipped(path, members, **more):
    with zipfile.ZipFile(path, "w", **more) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


ONE = npy(np.arange(6))


def encrypted(path):
    zipped(path, {"a.npy": ONE})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


def unknown_method(path):
    zipped(path, {"a.npy": ONE})
    data = bytearray(path.read_bytes())
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 97
    path.write_bytes(data)


def bomb(path):
    zipped(path, {"a.npy": npy(np.zeros(1)) + bytes(2**20)}, compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 2**31)
    path.write_bytes(data)


def flipped(path):
    zipped(path, {"a.npy": ONE})
    data = bytearray(path.read_bytes())
    data[data.index(b"\x93NUMPY") + len(ONE) - 1] ^= 1
    path.write_bytes(data)


def wrong_sum(path):
    zipped(path, {"a.npy": ONE}, compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    data[14] ^= 1
    data[data.index(b"PK\x01\x02") + 16] ^= 1
    path.write_bytes(data)


def twice(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", ONE)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", ONE)


NO_CHARACTER = np.array([0x110000], dtype="<u4").view("<U1")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda p: p.write_bytes(b""), "File is not a zip file"),
        (lambda p: p.write_bytes(ONE), "File is not a zip file"),
        (lambda p: zipped(p, {"readme.txt": b"hello"}), "'readme.txt' is no .npy file"),
        (lambda p: zipped(p, {"a.npy": b"hello"}), "EOF"),
        (lambda p: zipped(p, {"a.npy": b""}), "EOF"),
        (twice, "'a.npy' is there twice"),
        (encrypted, "'a.npy' is encrypted"),
        (unknown_method, "'a.npy' is packed by method 97"),
        (lambda p: zipped(p, {"a.npy": ONE}, compression=zipfile.ZIP_LZMA), "by method 14"),
        (bomb, "'a.npy' claims 2147483648 bytes"),
        (flipped, "Bad CRC-32"),
        (wrong_sum, "Bad CRC-32"),
        (lambda p: zipped(p, {"a.npy": ONE[:-1]}), "(6,) of int64 is 48 bytes, 47 are there"),
        (lambda p: zipped(p, {"a.npy": ONE + b"x"}), "(6,) of int64 is 48 bytes, 49 are there"),
        (
            lambda p: zipped(p, {"a.npy": npy(np.zeros(3), shape=(70000, 70000))}),
            "(70000, 70000) of float64 is 39200000000 bytes, 24 are there",
        ),
        (lambda p: zipped(p, {"a.npy": npy(np.zeros(1), shape=(-1, -1))}), "shape (-1, -1)"),
        (lambda p: zipped(p, {"a.npy": npy(np.zeros(1), shape=(True,))}), "shape (True,)"),
        (lambda p: zipped(p, {"a.npy": npy(np.zeros(1), shape=(10**400,))}), "(1000"),
        (lambda p: zipped(p, {"a.npy": npy(np.zeros(1), descr="|O")}), "an array of object"),
        (lambda p: zipped(p, {"a.npy": npy(np.zeros(1), descr="|V8")}), "an array of |V8"),
        (lambda p: zipped(p, {"a.npy": npy(np.zeros(1), descr="<c8")}), "an array of complex64"),
        (lambda p: zipped(p, {"a.npy": npy(np.zeros(1), descr="x")}), "descr"),
        (lambda p: zipped(p, {"a.npy": npy(np.zeros(1), descr="(2,)f4")}), "an array of"),
        (lambda p: zipped(p, {"a.npy": ONE.replace(b"{'descr", b"(((((((")}), "EOF"),
        (lambda p: zipped(p, {"a.npy": ONE[:6] + b"\x03" + ONE[7:]}), ".npy version (3, 0)"),
        (
            lambda p: zipped(p, {"a.npy": npy(np.array([1, 4], np.uint8).view(bool))}),
            "a boolean that is neither 0 nor 1",
        ),
        (lambda p: zipped(p, {"a.npy": npy(NO_CHARACTER)}), "that Unicode does not have"),
        (lambda p: zipped(p, {"a.npy": npy(np.array([{}]), descr="|O")}), "an array of object"),
    ],
)
def test_read_arrays__refuses_by_one_error(tmp_path, write, message):
    path = tmp_path / "some.npz"
    write(path)
    with pytest.raises(InputError) as caught:
        read_arrays(path)
    words = f"{path}: not a whole NumPy archive of plain arrays (.npz): "
    assert str(caught.value).startswith(words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pack", [np.savez, np.savez_compressed])
def test_read_arrays__gives_what_numpy_wrote(tmp_path, pack):
    arrays = {
        "numbers": np.arange(24, dtype=">i2").reshape(2, 3, 4),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "flags": np.array([True, False]),
        "one": np.array(5, dtype=np.uint8),
        "none": np.zeros((0, 3)),
        "text": np.array(["a", "ßü😀"]),
        "swapped text": np.array(["ab"]).astype(">U2"),
        "bytes": np.array([b"a", b"bc"]),
        "half": np.float16([1.5, np.nan]),
    }
    pack(tmp_path / "a.npz", **arrays)
    for read in (read_arrays, read_array_or_arrays):
        found = read(tmp_path / "a.npz")
        assert list(found) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array, strict=True)
            assert found[name].flags.writeable


def test_read_array_or_arrays__reads_one_array(tmp_path):
    for array in (np.arange(6).reshape(2, 3), np.zeros((0, 2)), np.asfortranarray(np.eye(3))):
        np.save(tmp_path / "a.npy", array)
        np.testing.assert_array_equal(read_array_or_arrays(tmp_path / "a.npy"), array, strict=True)
    np.save(tmp_path / "a.npy", np.array([1, 4], np.uint8).view(bool))
    with pytest.raises(InputError, match="a boolean that is neither 0 nor 1"):
        read_array_or_arrays(tmp_path / "a.npy")
    with pytest.raises(FileNotFoundError):
        read_array_or_arrays(tmp_path / "none.npy")
