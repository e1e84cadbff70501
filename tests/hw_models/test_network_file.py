import dataclasses
import shutil
import signal
import subprocess
import sys
import textwrap

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    NetworkFileError,
    Rounding,
    SparseProjection,
    TypeMismatchError,
    load,
    same_record,
    save,
)
from tests.hw_models.stored_networks import STDP, of_each_record
from tests.strategies import networks


@pytest.fixture
def network():
    return of_each_record()


@pytest.fixture
def path(tmp_path, network):
    save(network, tmp_path / "network.h5")
    return tmp_path / "network.h5"


def test_load__gives_back_what_was_saved(path, network):
    assert same_record(load(path), network)
    assert same_record(load(str(path)), network)
    assert load(path).projection("pixels->out").plasticity.rounding is Rounding.STOCHASTIC


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(network=networks())
def test_load__gives_back_any_network(tmp_path, network):
    save(network, tmp_path / "any.h5")
    assert same_record(load(tmp_path / "any.h5"), network)


def test_load__gives_back_an_empty_network(tmp_path):
    empty = FixedPointNetwork(populations=[], projections=[])
    save(empty, tmp_path / "empty.h5")
    assert same_record(load(tmp_path / "empty.h5"), empty)


def test_save__compresses_large_weights(tmp_path):
    weights = 2 * np.random.default_rng(0).integers(-64, 64, (500, 500))
    network = FixedPointNetwork(
        populations=[
            LifPopulation(name="a", shape=500, current_decay=0, voltage_decay=0, threshold=1)
        ],
        projections=[DenseProjection(source="a", target="a", weights=weights)],
    )
    save(network, tmp_path / "large.h5")
    assert (tmp_path / "large.h5").stat().st_size < 1.4 * weights.size
    assert same_record(load(tmp_path / "large.h5"), network)


def test_save__writes_the_same_bytes_again_and_leaves_nothing_else(path, network):
    before = path.read_bytes()
    save(network, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_save__follows_a_link(tmp_path, path, network):
    link = tmp_path / "link.h5"
    link.symlink_to(path)
    path.write_bytes(b"old")
    save(network, link)
    assert link.is_symlink()
    assert same_record(load(path), network)


def test_save__refuses_what_is_not_a_network(tmp_path):
    with pytest.raises(TypeMismatchError, match="save: None; a FixedPointNetwork"):
        save(None, tmp_path / "none.h5")


def test_save__takes_the_narrowest_type_and_packs_what_becomes_much_smaller(tmp_path):
    rng = np.random.default_rng(0)
    pairs = np.sort(rng.permutation(30 * 60_000)[:70_000])
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=30),
            LifPopulation(name="out", shape=60_000, current_decay=0, voltage_decay=0, threshold=1),
        ],
        projections=[
            SparseProjection(
                source="in", target="out", pre=pairs // 60_000, post=pairs % 60_000,
                weights=rng.integers(-128, 128, pairs.size), name="signed",
            ),
            SparseProjection(
                source="in", target="out", pre=pairs // 60_000, post=pairs % 60_000,
                weights=rng.integers(0, 256, pairs.size), delays=np.full(pairs.size, 3),
                name="unsigned",
            ),
            DenseProjection(
                source="in", target="out", weights=rng.integers(-200, 2, (60_000, 30)) // 128 * 128
            ),
        ],
    )  # fmt: skip
    save(network, tmp_path / "large.h5")
    assert same_record(load(tmp_path / "large.h5"), network)
    with h5py.File(tmp_path / "large.h5", "r") as file:
        kept = {
            (place, name): (array.dtype, array.compression)
            for place, group in file["projections"].items()
            for name, array in group.items()
        }
    assert kept == {
        ("0", "pre"): (np.int8, "gzip"),
        ("0", "post"): (np.uint16, None),
        ("0", "weights"): (np.int8, None),
        ("1", "pre"): (np.int8, "gzip"),
        ("1", "post"): (np.uint16, None),
        ("1", "weights"): (np.uint8, None),
        ("1", "delays"): (np.int8, "gzip"),
        ("2", "weights"): (np.int16, "gzip"),
    }


def test_save__says_where_it_cannot_write(tmp_path, network):
    for place in (tmp_path, tmp_path / "missing" / "network.h5"):
        with pytest.raises(NetworkFileError, match=f"{place}: cannot be written"):
            save(network, place)
    assert list(tmp_path.iterdir()) == []


def test_save__cannot_hold_every_name(tmp_path):
    network = FixedPointNetwork(populations=[InputPopulation(name="a\0b", shape=1)], projections=[])
    with pytest.raises(NetworkFileError, match=r"cannot be written: .*NULL"):
        save(network, tmp_path / "null.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "function"),
    [("network_file", "_write_record"), ("atomic_file", "_sync")],
    ids=["half-written", "unmoved"],
)
def test_save__killed_in_the_middle_leaves_the_old_file(path, network, module, function):
    program = f"""
        import os, signal, sys
        from hw_models import atomic_file, load, network_file
        network = load({str(path)!r})
        calls = []
        real = {module}.{function}
        def killing(*arguments):
            real(*arguments)
            calls.append(arguments)
            if len(calls) == {3 if function == "_write_record" else 1}:
                os.kill(os.getpid(), signal.SIGKILL)
        {module}.{function} = killing
        network_file.save(network, {str(path)!r})
    """
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert same_record(load(path), network)
    partial = [p for p in path.parent.iterdir() if p != path]
    assert len(partial) == 1  # the kill came after something had been written
    save(network, path)


def test_load__reads_a_file_that_may_only_be_read(path, network):
    copy = shutil.copy(path, path.with_name("copy.h5"))
    path.chmod(0o444)
    assert same_record(load(path), load(copy))


def test_load__reads_files_of_version_1(path):
    network = load(path)
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 1
        del file["projections/1/plasticity"].attrs["least_correlation"]
    assert same_record(load(path), network)


def test_load__lets_networks_of_version_2_begin_from_zero(path):
    network = load(path)
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 2
        for place, population in enumerate(network.populations):
            for variable in ("u", "v") if isinstance(population, LifPopulation) else ():
                del file[f"populations/{place}/{variable}"]
    assert same_record(load(path), network)


def test_load__reads_files_of_version_3_without_tags(path, network):
    plain = dataclasses.replace(network.projection("loop"), plasticity=None, tag_1=None, tag_2=None)
    save(network.replace(plain), path)
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 3
        for place in (1, 2):
            del file[f"projections/{place}"].attrs["tag_1"]
            del file[f"projections/{place}"].attrs["tag_2"]
    assert same_record(load(path), network.replace(plain))


def test_save__keeps_equations_as_text(path):
    with h5py.File(path) as file:
        stored = file["projections/2/plasticity"].attrs
        assert stored["dw"] == STDP.equation("dw")
        assert isinstance(stored["dd"], h5py.Empty)
