"""Files that are damaged, foreign or hostile: a clear error, and nothing else."""

import contextlib
import tempfile
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import conversions
from conversions.nir import SNNTORCH, SpikeReset, nir_to_real, write_graph
from conversions.nir.files import read_record
from hw_models import (
    ConversionError,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    NetworkFileError,
    same_record,
)
from tests.conversions.nir.graphs import chain, lif

WRITTEN = Path(__file__).parent / "written" / "snntorch_dense.nir"
HOW = {"discretization": SNNTORCH, "reset": SpikeReset.DELAYED_SUBTRACT}


def refused(path, match):
    with pytest.raises(NetworkFileError, match=match):
        read_record(path)


def test_read_record__refuses_what_is_no_nir_file(tmp_path):
    path = tmp_path / "a.nir"
    refused(path, f"^{path}: no such file$")
    path.write_bytes(b"something else")
    refused(path, "not a readable NIR file")
    with h5py.File(path, "w") as file:
        file["layer"] = np.zeros(3)
    refused(path, "an HDF5 file with layer, without NIR's group 'node'")
    with h5py.File(path, "w") as file:
        file.create_group("node")
    refused(path, "/node: a node without 'type'")
    with h5py.File(path, "w") as file:
        file.create_group("node")["type"] = "NIRGraph"
    refused(path, "/node: 'nodes' is missing")


def test_read_record__follows_no_links(tmp_path):
    secret, path = tmp_path / "other.h5", tmp_path / "a.nir"
    with h5py.File(secret, "w") as file:
        file["weight"] = np.ones((2, 2))
    with h5py.File(path, "w") as file:
        node = file.create_group("node")
        node["type"] = "NIRGraph"
        node["edges"] = np.array([[b"a", b"b"]])
        node.create_group("nodes/a")["type"] = "Linear"
        node["nodes/a/weight"] = h5py.ExternalLink(str(secret), "weight")
    refused(path, "'weight' is a link")


def test_read_record__groups_within_themselves_end(tmp_path):
    path = tmp_path / "a.nir"
    with h5py.File(path, "w") as file:
        node = file.create_group("node")
        node["type"] = "NIRGraph"
        node["edges"] = np.zeros((0, 2), dtype="S1")
        node.create_group("nodes")["again"] = node
    refused(path, "/node/nodes/again: another name of what has been read already")


def test_read_record__graphs_within_graphs_end(tmp_path):
    path = tmp_path / "a.nir"
    with h5py.File(path, "w") as file:
        node = file.create_group("node")
        for _ in range(18):
            node["type"] = "NIRGraph"
            node["edges"] = np.zeros((0, 2), dtype="S1")
            node = node.create_group("nodes/inner")
    refused(path, "nested more than 16 deep")


def test_read_record__reads_text_and_shapes_of_every_kind(tmp_path):
    graph = chain(("in", nir.Input(np.array([2]))), ("out", lif(2)),
                  ("end", nir.Output(np.array([2]))))  # fmt: skip
    graph.metadata = {"author": "someone", "sizes": np.arange(3), "inner": {"n": 1}}
    write_graph(graph, tmp_path / "a.nir")
    record = read_record(tmp_path / "a.nir")
    assert record.metadata["author"] == "someone"
    assert record.metadata["sizes"].tolist() == [0, 1, 2]
    assert set(record.nodes) == {"in", "out", "end"}
    assert record.edges == (("in", "out"), ("out", "end"))


def test_write_graph__leaves_what_was_there_when_it_fails(tmp_path):
    path = tmp_path / "a.nir"
    path.write_bytes(b"before")
    graph = chain(("in", nir.Input(np.array([2]))), ("out", lif(2)))
    graph.metadata = {"bad": object()}
    with pytest.raises(NetworkFileError, match="cannot be written"):
        write_graph(graph, path)
    assert path.read_bytes() == b"before"
    with pytest.raises(NetworkFileError, match="cannot be written"):
        write_graph(chain(("in", nir.Input(np.array([2])))), tmp_path / "none" / "a.nir")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nir_to_real__a_damaged_file_gives_a_network_or_one_of_our_errors(data):
    content = bytearray(WRITTEN.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.nir")
        path.write_bytes(content)
        with contextlib.suppress(NetworkFileError, ConversionError):
            assert nir_to_real(path, **HOW).network.inputs


@pytest.mark.parametrize(
    ("node", "field", "value", "message"),
    [
        ("1", "tau", np.array(["a"] * 32, dtype="S1"), r"1 \(LIF\).tau: \|S1"),
        ("1", "tau", None, r"1 \(LIF\): 'tau' is missing"),
        ("0", "weight", np.zeros((32, 64, 1)), r"0 \(Affine\).weight: shape \(32, 64, 1\)"),
        ("0", "bias", np.zeros(31), r"0 \(Affine\).bias: 31 values for 32"),
        ("0", "bias", None, r"0 \(Affine\): 'bias' is missing"),
        ("0", "type", "Affine2", "0: Affine2 is not supported"),
        ("input", "shape", np.array([-64]), r"input \(Input\): no shape"),
    ],
)
def test_nir_to_real__names_the_node_that_is_wrong(tmp_path, node, field, value, message):
    path = tmp_path / "a.nir"
    path.write_bytes(WRITTEN.read_bytes())
    with h5py.File(path, "a") as file:
        group = file[f"node/nodes/{node}"]
        del group[field]
        if value is not None:
            group[field] = value
    with pytest.raises(ConversionError, match=message):
        nir_to_real(path, **HOW)


def test_from_nir__takes_no_checksum_of_a_network_inside_for_the_files_own(tmp_path):
    for size in range(1, 9):  # the network is at the end of the file for some, not for others
        out = LifPopulation(
            name="out", shape=40 * size, current_decay=0, voltage_decay=0, threshold=9
        )
        weights = np.ones((40 * size, 16), dtype=int)
        network = FixedPointNetwork(
            populations=[InputPopulation(name="in", shape=16), out],
            projections=[DenseProjection(source="in", target="out", weights=weights)],
        )
        conversions.write_graph(conversions.to_nir(network), tmp_path / "net.nir")
        again, _ = conversions.from_nir(tmp_path / "net.nir")
        assert same_record(again.projections[0], network.projections[0])
