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
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    MissingFileError,
    NetworkFileError,
    PoolProjection,
    RandomStream,
    ResetMode,
    Rounding,
    SignMode,
    SparseProjection,
    ThirdFactor,
    TraceConfiguration,
    TypeMismatchError,
    load,
    same_record,
    save,
)
from tests.strategies import networks

RULE = DaSsdpParams(
    latency_bits=3,
    silent_latency=5,
    kernel=[9, 7, 5, 3, 2, 1, 0, 0],
    potentiation=10,
    depression=3,
    shift=12,
    rounding=Rounding.STOCHASTIC,
    third_factor=ThirdFactor.TEACHER,
)
STDP = LearningRule(
    dw="2^-2 * y0 * x1 - 3 * 2^-4 * x0 * (y1 - 5)",
    dt="sgn(w + 2) * u3 * t",
    x1=TraceConfiguration(impulse=16.25, tau=10),
    y1=TraceConfiguration(impulse=3, tau=0.7),
    epoch=7,
    sign_mode=SignMode.INHIBITORY,
    random_stream=RandomStream.LAVA,
    seed=5,
)


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="pixels", shape=(1, 8, 8)),
            LifPopulation(
                name="pooled", shape=(1, 4, 4), current_decay=1, voltage_decay=2, threshold=3,
                reset=ResetMode.SUBTRACT, refractory=2, reset_interval=5, reset_offset=1,
            ),
            LifPopulation(
                name="out", shape=(20,), current_decay=np.arange(20), voltage_decay=0,
                threshold=-7, bias_mantissa=9, bias_exponent=-2,
            ),
        ],
        projections=[
            PoolProjection(source="pixels", target="pooled", kernel_size=2, weight=-5),
            DenseProjection(
                source="pixels", target="out", weights=rng.integers(-128, 128, (20, 64)),
                plasticity=RULE, weight_exponent=3,
            ),
            SparseProjection(source="out", target="out", pre=[3], post=[4], weights=[-9],
                             delays=[63], name="loop", plasticity=STDP, tag_1=[-3], tag_2=[200]),
        ],
    )  # fmt: skip


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


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_load__refuses_a_truncated_file(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(NetworkFileError, match=r"network\.h5: not a readable network file"):
        load(path)


@pytest.mark.parametrize("cut", [1, 31, 32, 33, 45])
def test_load__notices_a_checksum_that_is_cut_off(path, cut):
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(
        NetworkFileError, match=r"not a readable network file: it.* (cut off|damag)"
    ):
        load(path)


def test_load__notices_damaged_weights(tmp_path):
    weights = np.random.default_rng(0).integers(-128, 128, (100, 100))
    network = FixedPointNetwork(
        populations=[
            LifPopulation(name="a", shape=100, current_decay=0, voltage_decay=0, threshold=1)
        ],
        projections=[DenseProjection(source="a", target="a", weights=weights)],
    )
    path = tmp_path / "damaged.h5"
    save(network, path)
    with h5py.File(path, "r") as file:
        stored = file["projections/0/weights"].id
        middle = stored.get_offset() + stored.get_storage_size() // 2
    data = bytearray(path.read_bytes())
    data[middle] ^= 1
    path.write_bytes(data)
    with pytest.raises(NetworkFileError, match=r"damaged\.h5: not a readable network file"):
        load(path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x80\x04\x95pickle", b"PK\x03\x04", bytes(4096)]
)
def test_load__refuses_a_file_of_another_kind(tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(NetworkFileError, match="other: not a readable network file"):
        load(tmp_path / "other")


def test_load__says_that_there_is_no_file(tmp_path):
    with pytest.raises(MissingFileError) as caught:
        load(tmp_path / "missing.h5")
    assert str(caught.value) == f"{tmp_path / 'missing.h5'}: no such file"
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, NetworkFileError)


def test_load__refuses_a_folder(tmp_path):
    with pytest.raises(NetworkFileError, match="not a readable network file: Is a directory"):
        load(tmp_path)


def spoiled_attribute(place, name, value):
    def spoil(file):
        file[place].attrs[name] = value

    return spoil


def deleted(place, name):
    def spoil(file):
        members = file[place].attrs if name in file[place].attrs else file[place]
        del members[name]

    return spoil


def replaced_array(place, value):
    def spoil(file):
        del file[place]
        file[place] = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (deleted("/", "format"), "'format' is None; 'ssdp_neuro network' is needed"),
        (spoiled_attribute("/", "format", "nir"), "'format' is 'nir'"),
        (deleted("/", "version"), "version None; this release reads versions 1 to 4"),
        (spoiled_attribute("/", "version", 5), "version 5; this release reads versions 1 to 4"),
        (spoiled_attribute("/", "version", "1"), "version '1'; this release"),
        (spoiled_attribute("/", "author", "me"), "/: unknown 'author'; format, populations"),
        (deleted("/", "projections"), "/: missing 'projections'"),
        (lambda f: f.create_group("extra"), "/: unknown 'extra'"),
        (replaced_array("populations", [1, 2]), "/populations: not a group"),
        (lambda f: f.move("populations/1", "populations/7"), "/populations: missing '1'"),
        (deleted("populations", "2"), "no population named 'out'"),
        (spoiled_attribute("populations/1", "kind", "Izhikevich"), "/populations/1: kind 'Izhi"),
        (deleted("populations/1", "kind"), "/populations/1: kind None; known are InputPopulation"),
        (spoiled_attribute("populations/1", "kind", [1, 2]), r"kind \(1, 2\)"),
        (spoiled_attribute("populations/0", "kind", "DaSsdpParams"), "/populations/0: missing"),
        (spoiled_attribute("populations/1", "gain", 1), "/populations/1: unknown 'gain'"),
        (deleted("populations/1", "refractory"), "/populations/1: missing 'refractory'"),
        (deleted("populations/1", "threshold"), "/populations/1: missing 'threshold'"),
        (spoiled_attribute("populations/1", "refractory", 64), "pooled.refractory: 64; allowed"),
        (spoiled_attribute("populations/1", "refractory", 2.0), "refractory: 2.0 is float"),
        (spoiled_attribute("populations/1", "refractory", True), "refractory: True is a boolean"),
        (spoiled_attribute("populations/1", "refractory", "2"), "refractory: '2' is str"),
        (spoiled_attribute("populations/1", "reset", "SOFT"), "reset 'SOFT'; known are ZERO, SUBT"),
        (spoiled_attribute("populations/1", "reset", 1), "reset 1; known are ZERO, SUBTRACT"),
        (spoiled_attribute("populations/1", "shape", [1.5]), "shape: 1.5 is float"),
        (spoiled_attribute("populations/1", "name", 5), "name: 5 is int"),
        (
            replaced_array("populations/1/threshold", 3.5),
            r"threshold: .*3\.5.* is float64",
        ),
        (replaced_array("populations/1/threshold", "high"), "threshold"),
        (replaced_array("populations/2/current_decay", [1, 2]), r"shape \(2,\); allowed"),
        (replaced_array("projections/1/weights", np.zeros((20, 64))), "weights: dtype float64"),
        (replaced_array("projections/1/weights", np.full((20, 64), 300)), "weights: value 300"),
        (replaced_array("projections/1/weights", [[1]]), r"weights: shape \(1, 1\)"),
        (spoiled_attribute("projections/1/plasticity", "shift", 99), "plasticity: DaSsdpParams"),
        (spoiled_attribute("projections/1/plasticity", "rounding", "UP"), "rounding 'UP'"),
        (spoiled_attribute("projections/1/plasticity", "kind", "Stdp"), "kind 'Stdp'"),
        (spoiled_attribute("projections/2/plasticity", "dw", "x0 * y7"), "unknown name 'y7'"),
        (spoiled_attribute("projections/2/plasticity", "dw", 3), r"LearningRule\.dw: 3; an equa"),
        (spoiled_attribute("projections/2/plasticity", "sign_mode", "UP"), "sign_mode 'UP'; known"),
        (
            spoiled_attribute("projections/2/plasticity/x1", "tau", "9"),
            "x1: TraceConfiguration.tau",
        ),
        (spoiled_attribute("projections/2/plasticity/x1", "kind", "LearningRule"), "x1: missing"),
        (deleted("projections/2/plasticity", "x2"), "plasticity: missing 'x2'"),
        (replaced_array("projections/2/tag_1", [300]), "loop.tag_1: value 300"),
        (replaced_array("projections/2/tag_1", [1, 1]), "loop: shapes"),
        (spoiled_attribute("projections/0", "target", "nowhere"), "no population named 'nowhere'"),
        (spoiled_attribute("projections/0", "weight_exponent", 8), "weight_exponent: 8; allowed"),
    ],
)
def test_load__refuses_what_it_does_not_know(path, spoil, message):
    with h5py.File(path, "a") as file:
        spoil(file)
    with pytest.raises(NetworkFileError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_load__closes_the_file_when_it_refuses(path):
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 5
    with pytest.raises(NetworkFileError, match="version 5"):
        load(path)
    with h5py.File(path, "a") as file:  # HDF5 would refuse this while the file is open
        file.attrs["version"] = 4
    load(path)


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
