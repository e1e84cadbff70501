"""NIR files: HDF5 read into plain records, and graphs written whole or not at all.

What is read is numbers and text; nothing is executed (:mod:`hw_models.hdf5_contents`).
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from pathlib import Path
from typing import Any

import numpy as np

from conversions.nir.graph_records import DEEPEST, GRAPH, NirNode, NirRecord
from hw_models import ConversionError, NetworkFileError, SsdpError
from hw_models.atomic_file import whole_file
from hw_models.extras import import_extra
from hw_models.hdf5_contents import StoredArray, StoredGroup
from hw_models.hdf5_file import read_hdf5


def read_record(path: str | os.PathLike[str]) -> NirRecord:
    """Read a NIR file of any release.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NetworkFileError
        If the file cannot be read, is not a NIR file or is damaged.
    """
    root = read_hdf5(path, "NIR file", _check_root)
    try:
        return _graph(root.members["node"], 0)
    except SsdpError as error:
        raise NetworkFileError(f"{path}: {error}") from None


def is_nir(root: StoredGroup) -> bool:
    """Whether an HDF5 file with this outline is meant as a NIR file."""
    return "node" in root.members


def write_graph(graph: Any, path: str | os.PathLike[str]) -> None:
    """Write a ``nir.NIRGraph`` to a file, whole or not at all.

    Raises
    ------
    NetworkFileError
        If the file cannot be written.
    MissingExtraError
        If ``nir`` is not installed.
    """
    nir = nir_package()
    try:
        with whole_file(path) as partial:
            nir.write(Path(partial), graph)
    except NetworkFileError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:  # h5py's, for what it cannot write
        raise NetworkFileError(f"{path}: cannot be written: {error}") from None


def nir_package() -> Any:
    """The package ``nir``; MissingExtraError says how to get it."""
    return import_extra("nir", "nir", "a NIR file")


def _check_root(root: StoredGroup) -> None:
    if not is_nir(root):
        known = ", ".join(sorted(root.members)[:6]) or "nothing"
        raise NetworkFileError(f"an HDF5 file with {known}, without NIR's group 'node'")


def _graph(group: Any, depth: int) -> NirRecord:
    if depth > DEEPEST:
        raise NetworkFileError(f"{group.path}: graphs are nested more than {DEEPEST} deep")
    if not isinstance(group, StoredGroup) or _kind(group) != GRAPH:
        raise NetworkFileError(f"{group.path}: not a graph")
    for part in ("nodes", "edges"):
        if part not in group.members:
            raise NetworkFileError(f"{group.path}: {part!r} is missing")
    members = group.members["nodes"]
    if not isinstance(members, StoredGroup):
        raise NetworkFileError(f"{members.path}: not a group")
    nodes: dict[str, NirNode | NirRecord] = {}
    for name, node in members.members.items():
        if not isinstance(node, StoredGroup):
            raise NetworkFileError(f"{node.path}: not a node")
        kind = _kind(node)
        nodes[name] = _graph(node, depth + 1) if kind == GRAPH else NirNode(kind, _fields(node))
    metadata = group.members.get("metadata")
    if metadata is not None and not isinstance(metadata, StoredGroup):
        raise NetworkFileError(f"{metadata.path}: not a group")
    kept = {} if metadata is None else _values(metadata, depth)
    return NirRecord(nodes, _edges(group.members["edges"]), kept)


def _edges(stored: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(stored, StoredArray) or stored.shape is None:
        raise NetworkFileError(f"{stored.path}: not an array")
    edges = np.asarray(stored.value)
    if edges.size and (edges.ndim != 2 or edges.shape[1] != 2):
        raise NetworkFileError(f"{stored.path}: shape {edges.shape}; (n, 2) is needed")
    where = stored.path
    return tuple((_text(a, where), _text(b, where)) for a, b in edges.reshape(-1, 2))


def _fields(group: StoredGroup) -> dict[str, Any]:
    values = {
        name: value for name, value in _values(group, 0).items() if name not in {"type", "metadata"}
    }
    if _kind(group) == "Flatten":
        values["shape"] = values.pop("input_type", None)
    return values


def _values(group: StoredGroup, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise NetworkFileError(f"{group.path}: groups are nested more than {DEEPEST} deep")
    values: dict[str, Any] = {}
    for name, member in group.members.items():
        if isinstance(member, StoredGroup):
            values[name] = _values(member, depth + 1)
        elif isinstance(member.value, (bytes, str)):
            values[name] = _text(member.value, member.path)
        else:
            values[name] = None if member.value is None else np.asarray(member.value)
    return values


def _kind(group: StoredGroup) -> str:
    stored = group.members.get("type")
    if stored is None:
        raise NetworkFileError(f"{group.path}: a node without 'type'")
    return _text(getattr(stored, "value", None), stored.path)


def _text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        raise NetworkFileError(f"{where}: {value!r} is not text")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise NetworkFileError(f"{where}: {value!r} is not UTF-8") from None


def graph_of(record: NirRecord) -> Any:
    """A graph with these nodes, edges and metadata.

    Raises
    ------
    ConversionError
        If the installed release lacks a kind of node.
    MissingExtraError
        If ``nir`` is not installed.
    """
    nir = nir_package()
    nodes = {name: _node(nir, name, node) for name, node in record.nodes.items()}
    fields: dict[str, Any] = {"nodes": nodes, "edges": list(record.edges)}
    if "type_check" in inspect.signature(nir.NIRGraph.__init__).parameters:
        # its check takes kernels for square and grouped convolutions for ungrouped ones
        fields["type_check"] = False
    graph = nir.NIRGraph(**fields)
    graph.metadata = dict(record.metadata)
    return graph


def _node(nir: Any, name: str, node: NirNode) -> Any:
    kind = getattr(nir, node.kind, None)
    if kind is None:
        raise ConversionError(
            f"{name}: nir {nir.version} has no {node.kind}; a later release is needed"
        )
    if node.kind in ("Input", "Output"):
        return kind(np.array(node.fields["shape"]))
    values = dict(node.fields)
    if node.kind == "Flatten":
        return kind(
            input_type={"input": values["shape"]},
            start_dim=values["start_dim"],
            end_dim=values["end_dim"],
        )
    known = {entry.name for entry in dataclasses.fields(kind)}
    values = {field: value for field, value in values.items() if field in known}
    for field in ("stride", "padding", "dilation", "input_shape", "kernel_size"):
        if field in values and node.kind == "Conv2d":
            values[field] = tuple(int(size) for size in values[field])
    if "groups" in values:
        values["groups"] = int(values["groups"])
    return kind(**values)
