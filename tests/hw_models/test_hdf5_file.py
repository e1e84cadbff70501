"""HDF5 files that lie, lead elsewhere or never end: one error, and soon."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from hw_models import MissingFileError, NetworkFileError
from hw_models.hdf5_contents import StoredArray
from hw_models.hdf5_file import SEAL_BYTES, read_hdf5, read_outline, seal

LISTS = np.array([np.arange(2, dtype="i4"), np.arange(3, dtype="i4")], dtype=object)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.h5"


def other_file(path):
    with h5py.File(path.with_name("secret.h5"), "w") as file:
        file["secret"] = np.arange(6).reshape(2, 3)
    path.with_name("secret.bin").write_bytes(bytes(48))
    return path.with_name("secret.h5")


def external_link(file, secret):
    file["a"] = h5py.ExternalLink(str(secret), "secret")


def soft_link(file, secret):
    file["b"] = [1]
    file["a"] = h5py.SoftLink("/b")


def virtual_data_set(file, secret):
    layout = h5py.VirtualLayout(shape=(2, 3), dtype="i8")
    layout[:] = h5py.VirtualSource(str(secret), "secret", shape=(2, 3))
    file.create_virtual_dataset("a", layout)


def external_storage(file, secret):
    raw = str(secret.with_suffix(".bin"))
    file.create_dataset("a", (6,), "i8", external=[(raw, 0, h5py.h5f.UNLIMITED)])


def hard_link(file, secret):
    file["a/b"] = [1]
    file["a/c"] = file["a/b"]


def loop(file, secret):
    file.create_group("a")["b"] = file["/"]


def deep(file, secret):
    file["/".join("a" * 60)] = 1


def sparse(file, secret):
    file.create_dataset("a", (70000, 70000), "i1", chunks=(1000, 1000))


def late(file, secret):
    file.create_dataset("a", (70000, 70000), "i1")


def bomb(file, secret):
    file.create_dataset("a", (70000, 70000), "i1", chunks=(35000, 70000), compression="gzip")
    file["a"].id.write_direct_chunk((0, 0), b"x" * 9)
    file["a"].id.write_direct_chunk((35000, 0), b"x" * 9)


def lzf(file, secret):
    file.create_dataset("a", data=np.zeros(1000), compression="lzf")


def twice_packed(file, secret):
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((1000,))
    settings.set_deflate(1)
    settings.set_deflate(1)
    space = h5py.h5s.create_simple((1000,))
    h5py.h5d.create(file.id, b"a", h5py.h5t.NATIVE_INT8, space, settings)


def records(file, secret):
    file["a"] = np.zeros(2, dtype=[("x", "i4"), ("y", "f4")])


def lists_of_numbers(file, secret):
    file.create_dataset("a", (2,), h5py.vlen_dtype("i4"))[:] = LISTS


def references(file, secret):
    file["a"] = np.array([file["/"].ref], dtype=h5py.ref_dtype)


def named_type(file, secret):
    file["a"] = np.dtype("i4")


def no_boolean(file, secret):
    file["a"] = np.array([1, 4], dtype=np.uint8).view(bool)


def wide_numbers(file, secret):
    file["a"] = np.zeros(2, dtype=np.complex128)


def no_text(file, secret):
    file.create_dataset("a", data=b"\xff", dtype=h5py.string_dtype())


def much_text(file, secret):
    file["a"] = "x" * (2**24 - 7)


def list_attribute(file, secret):
    file.attrs.create("a", LISTS, dtype=h5py.vlen_dtype("i4"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (external_link, "/: 'a' is a link; none is followed"),
        (soft_link, "/: 'a' is a link; none is followed"),
        (virtual_data_set, "/a: a virtual data set, whose data are in other files"),
        (external_storage, "/a: its data are in another file"),
        (hard_link, "/a/c: another name of what has been read already"),
        (loop, "/a/b: another name of what has been read already"),
        (deep, "nested more than 40 deep"),
        (sparse, "/a: 0 chunks of 4900 are stored"),
        (late, r"/a: shape (70000, 70000) of int8, but 0 bytes are stored"),
        (bomb, r"/a: shape (70000, 70000) of int8, but 18 bytes are stored"),
        (lzf, "/a: filters [32000]; gzip (1), shuffle (2), fletcher32 (3) are read, each once"),
        (twice_packed, "/a: filters [1, 1]"),
        (records, "/a: type [('x', '<i4'), ('y', '<f4')]; numbers of at most 8 bytes"),
        (lists_of_numbers, "/a: type object; numbers of at most 8 bytes"),
        (references, "/a: type object; numbers"),
        (named_type, "/a: neither a group nor a data set"),
        (no_boolean, "/a: a boolean that is neither 0 nor 1"),
        (wide_numbers, "/a: type complex128; numbers"),
        (no_text, "/a: text that is not UTF-8"),
        (much_text, "/a: more than 16777216 bytes of text"),
        (list_attribute, "/: attribute 'a': type object; numbers"),
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
def test_read_hdf5__refuses_by_one_error(path, spoil, message, sealed):
    """Whether it is read here or by the child."""
    with h5py.File(path, "w") as file:
        spoil(file, other_file(path))
    if sealed:
        seal(path)
    with pytest.raises(NetworkFileError) as caught:
        read_hdf5(path, "file")
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def make_all(path):
    with h5py.File(path, "w") as file:
        file.attrs.update({"n": 3, "x": 0.5, "t": "text", "e": h5py.Empty("i8"), "s": [1, 2]})
        file.attrs["names"] = np.array(["a", "ß"], dtype=object)
        file.attrs["bytes"] = np.bytes_(b"\xff")
        file["group/i"] = np.arange(24, dtype=">i2").reshape(2, 3, 4)
        file["group/big"] = np.arange(40000.0)
        file.create_dataset("group/packed", data=np.arange(9999), compression="gzip", shuffle=True)
        file["one"] = np.float32(1.5)
        file["flags"] = np.array([True, False])
        file["none"] = np.zeros((0, 3), dtype=np.int8)
        file["empty"] = h5py.Empty("f4")
        file["word"] = "ü"
        file["words"] = np.array([["a", "b"], ["c", "d"]], dtype=object)
        file["fixed"] = np.array([b"abc", b"d"])


def values_of(group):
    found = {f"{group.path} {name}": value for name, value in group.attributes.items()}
    for member in group.members.values():
        if isinstance(member, StoredArray):
            found[member.path] = member.value
        else:
            found |= values_of(member)
    return found


def test_read_hdf5__the_child_and_this_process_read_the_same(path):
    make_all(path)
    by_child = values_of(read_hdf5(path, "file"))
    seal(path)
    here = values_of(read_hdf5(path, "file"))
    assert list(by_child) == list(here)
    for name, value in here.items():
        assert type(by_child[name]) is type(value), name
        np.testing.assert_array_equal(by_child[name], value, strict=True)
    assert here["/group/i"].tolist() == np.arange(24).reshape(2, 3, 4).tolist()
    assert here["/group/i"].dtype == ">i2"
    assert here["/group/packed"].tolist() == list(range(9999))
    assert here["/one"] == np.float32(1.5)
    assert here["/word"] == "ü"
    assert here["/words"].tolist() == [["a", "b"], ["c", "d"]]
    assert here["/empty"] is None
    assert here["/none"].shape == (0, 3)
    assert here["/ names"] == ["a", "ß"]
    assert here["/ bytes"] == b"\xff"
    assert here["/ s"].tolist() == [1, 2]
    assert here["/ e"] is None


def test_read_hdf5__the_outline_is_checked_before_any_number_is_read(path):
    make_all(path)
    for _ in range(2):
        seen = []

        def check(root, seen=seen):
            seen.append(root.members["group"].members["big"])
            raise NetworkFileError("not this one")

        with pytest.raises(NetworkFileError, match=f"^{path}: not this one$"):
            read_hdf5(path, "file", check)
        assert seen[0].shape == (40000,)
        assert seen[0].value is None
        assert read_outline(path, "file").members["one"].value is None
        seal(path)


def test_seal__notices_every_damage(path):
    make_all(path)
    seal(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in [*rng.integers(8, len(whole) - SEAL_BYTES, 50), len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(NetworkFileError, match="a readable file: it is damaged"):
            read_hdf5(path, "file")


def test_read_hdf5__says_that_there_is_no_file(path):
    with pytest.raises(MissingFileError, match=f"^{path}: no such file$"):
        read_hdf5(path, "file")


def test_read_hdf5__stops_the_library_where_it_never_ends(path):
    """The free space of the heap with the texts has size 0, and is looked through for ever."""
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["a"] = "abc"
    data = bytearray(path.read_bytes())
    size_of_free_space = data.index(b"GCOL") + 16 + 16 + 8 + 8
    assert data[size_of_free_space : size_of_free_space + 8] == (4096 - 40).to_bytes(8, "little")
    data[size_of_free_space : size_of_free_space + 8] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(NetworkFileError, match="the HDF5 library did not come to an end with it"):
        read_hdf5(path, "file")


def test_read_hdf5__finds_no_module_in_the_working_directory(path, tmp_path, monkeypatch):
    make_all(path)
    (tmp_path / "h5py.py").write_text("raise SystemExit(3)")
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    program = f"from hw_models.hdf5_file import read_hdf5; read_hdf5({str(path)!r}, 'file')"
    program = f"import sys, json, h5py; sys.path = [p for p in sys.path if p]; {program}"
    done = subprocess.run([sys.executable, "-P", "-c", program], cwd=tmp_path, check=False)
    assert done.returncode == 0
