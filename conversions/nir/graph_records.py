"""A NIR graph as plain records: what stands in a file or in a ``nir.NIRGraph``.

The installed release of ``nir`` decides which fields its classes take (v_reset came late);
these records take what is there, so that graphs of every release are read alike.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw_models import ConversionError, TypeMismatchError

DEEPEST = 16  # graphs within graphs
GRAPH = "NIRGraph"
RELAY = "Relay"  # passes on what comes, as a subgraph's Input and Output do


@dataclass(frozen=True, eq=False)
class NirNode:
    """One node: the name of its type, and its fields as arrays, numbers, text or None."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class NirRecord:
    """A graph: nodes by name (graphs may be among them), edges, metadata."""

    nodes: Mapping[str, Any]
    edges: tuple[tuple[str, str], ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def record_of(graph: Any, depth: int = 0) -> NirRecord:
    """The records of a ``nir.NIRGraph``, whatever its arrays are made of.

    Raises
    ------
    TypeMismatchError
        If ``graph`` is not one.
    ConversionError
        If graphs are nested too deeply.
    """
    if type(graph).__name__ != GRAPH or not hasattr(graph, "nodes"):
        raise TypeMismatchError(
            f"from_nir: {type(graph).__name__}; a nir.NIRGraph or the path of a NIR file is needed"
        )
    if depth > DEEPEST:
        raise ConversionError(f"graphs are nested more than {DEEPEST} deep")
    nodes = {
        str(name): record_of(node, depth + 1) if type(node).__name__ == GRAPH else _node(node)
        for name, node in graph.nodes.items()
    }
    edges = tuple((str(source), str(target)) for source, target in graph.edges)
    return NirRecord(nodes, edges, dict(getattr(graph, "metadata", None) or {}))


def _node(node: Any) -> NirNode:
    kind = type(node).__name__
    if not dataclasses.is_dataclass(node):
        raise TypeMismatchError(f"a node of the graph is {kind}, not a NIR node")
    values = {
        entry.name: plain(getattr(node, entry.name, None))
        for entry in dataclasses.fields(node)
        if entry.name not in {"input_type", "output_type", "metadata"}
    }
    if kind in {"Input", "Output", "Flatten"}:
        side = getattr(node, "output_type" if kind == "Output" else "input_type", None)
        values["shape"] = plain(next(iter((side or {}).values()), None))
    return NirNode(kind, values)


def plain(value: Any) -> Any:
    """A field as an array, a string or None; tensors and tuples become arrays."""
    if value is None or isinstance(value, (str, np.ndarray)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf8")
    detached = value.detach() if hasattr(value, "detach") else value
    return np.asarray(detached.cpu() if hasattr(detached, "cpu") else detached)


def flattened(record: NirRecord) -> NirRecord:
    """The graph without graphs inside: their nodes get names ``graph.node``.

    Raises
    ------
    ConversionError
        If an edge names a node that is not there, or leads to or from a graph that has not
        exactly one Input or Output for it.
    """
    nodes: dict[str, NirNode] = {}
    edges: list[tuple[str, str]] = []
    entries: dict[str, list[str]] = {}
    exits: dict[str, list[str]] = {}
    for name, node in record.nodes.items():
        if isinstance(node, NirNode):
            parts, entries[name], exits[name] = {name: node}, [name], [name]
        else:
            inner = flattened(node)
            prefixed = {f"{name}.{part}": entry for part, entry in inner.nodes.items()}
            entries[name] = [n for n, entry in prefixed.items() if entry.kind == "Input"]
            exits[name] = [n for n, entry in prefixed.items() if entry.kind == "Output"]
            ends = {*entries[name], *exits[name]}
            parts = {
                n: NirNode(RELAY, entry.fields) if n in ends else entry
                for n, entry in prefixed.items()
            }
            edges += [(f"{name}.{a}", f"{name}.{b}") for a, b in inner.edges]
        for part, entry in parts.items():
            if part in nodes:
                raise ConversionError(f"{part}: two nodes have this name")
            nodes[part] = entry
    for source, target in record.edges:
        edges.append((_end(source, exits, nodes, "Output"), _end(target, entries, nodes, "Input")))
    twice = sorted({edge for edge in edges if edges.count(edge) > 1})
    if twice:
        raise ConversionError(f"edge {twice[0][0]} -> {twice[0][1]}: is there twice")
    return NirRecord(nodes, tuple(edges), record.metadata)


def _end(name: str, ends: Mapping[str, list[str]], nodes: Mapping[str, Any], what: str) -> str:
    if name in ends:
        if len(ends[name]) != 1:
            raise ConversionError(
                f"{name}: a graph with {len(ends[name])} {what} nodes; an edge needs one"
            )
        return ends[name][0]
    if name in nodes:  # an edge may name a node inside a graph
        return name
    raise ConversionError(f"an edge names the node {name!r}, which is not in the graph")


def reals(path: str, node: NirNode, name: str, default: float | None = None) -> np.ndarray:
    """A field as float64, of the shape it has in the graph.

    Raises
    ------
    ConversionError
        If it is missing, not numeric or not finite.
    """
    value = node.fields.get(name)
    if value is None:
        if default is None:
            raise ConversionError(f"{path} ({node.kind}): {name!r} is missing")
        return np.asarray(default, dtype=np.float64)
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise ConversionError(
            f"{path} ({node.kind}).{name}: {array.dtype} of shape {array.shape}; numbers are needed"
        )
    if not np.isfinite(array).all():
        raise ConversionError(f"{path} ({node.kind}).{name}: a value is not finite")
    return array.astype(np.float64)


def integers(path: str, node: NirNode, name: str, n: int, default: int | None = None) -> Any:
    """A field as ``n`` integers (one is taken for all); a tuple."""
    if node.fields.get(name) is None and default is not None:
        return (default,) * n
    array = reals(path, node, name).reshape(-1)
    if array.size not in (1, n) or (array != np.rint(array)).any():
        raise ConversionError(
            f"{path} ({node.kind}).{name}: {array.tolist()}; {n} integers are needed"
        )
    return tuple(int(value) for value in np.broadcast_to(array, (n,)))


def shape_field(path: str, node: NirNode) -> tuple[int, ...] | None:
    """The shape that an Input, Output or Flatten declares; None if it doesn't."""
    value = node.fields.get("shape")
    if value is None:
        return None
    array = np.asarray(value)
    if array.size == 0 or array.dtype.kind not in "iu" or (array < 1).any():
        return None
    return tuple(int(size) for size in array.reshape(-1))


def spread(path: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Values of a node as one number for all, or one per neuron (flat, C order).

    Raises
    ------
    ConversionError
        If they fit the shape neither as they are nor flat nor by broadcasting.
    """
    flat = values.reshape(-1)
    if flat.size in (1, math.prod(shape)) and (flat == flat[0]).all():
        return flat[:1]
    if flat.size == math.prod(shape):
        return flat
    try:
        return np.broadcast_to(values, shape).reshape(-1)
    except ValueError:
        raise ConversionError(
            f"{path}: parameters of shape {values.shape} for neurons of shape {shape}"
        ) from None
