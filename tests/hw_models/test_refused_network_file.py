"""Files that are damaged, cut off or of another kind, and what load says of them."""

import h5py
import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    LifPopulation,
    MissingFileError,
    NetworkFileError,
    load,
    save,
)
from tests.hw_models.stored_networks import of_each_record


@pytest.fixture
def path(tmp_path):
    save(of_each_record(), tmp_path / "network.h5")
    return tmp_path / "network.h5"


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
