"""Records as a ``nir.NIRGraph`` of the installed release."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import numpy as np

from conversions.nir_graph.nir_file import nir_package
from conversions.nir_graph.records import NirNode, NirRecord
from hw_models import ConversionError


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
