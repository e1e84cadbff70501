"""NIR files: HDF5 read into plain records, and graphs written whole or not at all.

What is read is numbers and text. Nothing is executed, and links to other files are refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from conversions.nir_graph.records import DEEPEST, GRAPH, NirNode, NirRecord
from hw_models import MissingExtraError, NetworkFileError, SsdpError
from hw_models.atomic_file import whole_file


def read_record(path: str | os.PathLike[str]) -> NirRecord:
    """Read a NIR file of any release.

    Raises
    ------
    NetworkFileError
        If the file cannot be read, is not a NIR file or is damaged.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "node" not in file:
                known = ", ".join(sorted(file)[:6]) or "nothing"
                raise NetworkFileError(f"an HDF5 file with {known}, without NIR's group 'node'")
            return _graph(_member(file, "node"), 0)
    except SsdpError as error:
        raise NetworkFileError(f"{path}: {error}") from None
    except Exception as error:  # h5py reports damage by errors of many kinds
        lines = str(error).splitlines() or [type(error).__name__]
        raise NetworkFileError(f"{path}: not a readable NIR file: {lines[0]}") from None


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
    try:
        import nir
    except ImportError:
        raise MissingExtraError(
            "the package nir is needed: pip install 'ssdp-neuro[nir]'"
        ) from None
    return nir


def _graph(group: Any, depth: int) -> NirRecord:
    import h5py

    if depth > DEEPEST:
        raise NetworkFileError(f"{group.name}: graphs are nested more than {DEEPEST} deep")
    if not isinstance(group, h5py.Group) or _kind(group) != GRAPH:
        raise NetworkFileError(f"{group.name}: not a graph")
    for part in ("nodes", "edges"):
        if part not in group:
            raise NetworkFileError(f"{group.name}: {part!r} is missing")
    nodes: dict[str, NirNode | NirRecord] = {}
    members = _member(group, "nodes")
    for name in members:
        node = _member(members, name)
        if not isinstance(node, h5py.Group):
            raise NetworkFileError(f"{node.name}: not a node")
        kind = _kind(node)
        nodes[name] = _graph(node, depth + 1) if kind == GRAPH else NirNode(kind, _fields(node))
    edges = np.asarray(_member(group, "edges")[()])
    if edges.size and (edges.ndim != 2 or edges.shape[1] != 2):
        raise NetworkFileError(f"{group.name}/edges: shape {edges.shape}; (n, 2) is needed")
    pairs = tuple((_text(a), _text(b)) for a, b in edges.reshape(-1, 2))
    metadata = _values(_member(group, "metadata"), depth) if "metadata" in group else {}
    return NirRecord(nodes, pairs, metadata)


def _fields(group: Any) -> dict[str, Any]:
    values = {
        name: value for name, value in _values(group, 0).items() if name not in {"type", "metadata"}
    }
    if _kind(group) == "Flatten":
        values["shape"] = values.pop("input_type", None)
    return values


def _values(group: Any, depth: int) -> dict[str, Any]:
    import h5py

    if depth > DEEPEST:
        raise NetworkFileError(f"{group.name}: groups are nested more than {DEEPEST} deep")
    values: dict[str, Any] = {}
    for name in group:
        member = _member(group, name)
        if isinstance(member, h5py.Group):
            values[name] = _values(member, depth + 1)
            continue
        value = member[()]
        if isinstance(value, h5py.Empty):
            values[name] = None
        elif isinstance(value, bytes):
            values[name] = _text(value)
        else:
            values[name] = np.asarray(value)
    return values


def _member(group: Any, name: str) -> Any:
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise NetworkFileError(f"{group.name}: {name!r} is a link; NIR files have none")
    return group[name]


def _kind(group: Any) -> str:
    if "type" not in group:
        raise NetworkFileError(f"{group.name}: a node without 'type'")
    return _text(_member(group, "type")[()])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf8")
    if isinstance(value, str):
        return value
    raise NetworkFileError(f"{value!r} is not text")
