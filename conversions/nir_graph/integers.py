"""The integers that a graph was made of, given back if the graph still says the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from conversions.nir_graph.metadata import facts_in, network_in
from conversions.nir_graph.records import NirRecord, flattened
from conversions.nir_graph.writing import record_of_network
from hw_models import ConversionError, FixedPointNetwork


def integers_of(record: NirRecord) -> FixedPointNetwork | None:
    """The network that :func:`conversions.to_nir` wrote; None if the graph is from elsewhere.

    Raises
    ------
    ConversionError
        If the graph's values are no longer those of its integers.
    NetworkFileError
        If the integers are damaged.
    """
    network, facts = network_in(record.metadata), facts_in(record.metadata)
    if network is None or facts is None:
        return None
    expected, _ = record_of_network(
        network,
        facts.discretization,
        keep_latency=facts.keep_latency,
        unit_resistance=facts.unit_resistance,
    )
    difference = _difference(flattened(record), expected)
    if difference is not None:
        raise ConversionError(
            f"{difference}: not what the integers in the graph's metadata say. To convert the"
            " values of the graph, give reset or discretization"
        )
    return network


def _difference(found: NirRecord, expected: NirRecord) -> str | None:
    """Where two graphs differ."""
    for name in sorted(set(found.nodes) ^ set(expected.nodes)):
        return f"node {name!r} is {'new' if name in found.nodes else 'gone'}"
    for edge in sorted(set(found.edges) ^ set(expected.edges)):
        return f"edge {edge[0]} -> {edge[1]} is {'new' if edge in found.edges else 'gone'}"
    for name, node in expected.nodes.items():
        other = found.nodes[name]
        if other.kind != node.kind:
            return f"{name}: {other.kind} in the place of {node.kind}"
        for field, value in node.fields.items():
            if field == "v_reset" and other.fields.get(field) is None:
                continue  # not yet in the release of nir that wrote it
            if not _equal(value, other.fields.get(field)):
                return f"{name}.{field}"
    return None


def _equal(one: Any, other: Any) -> bool:
    if other is None:
        return False
    a, b = np.asarray(one), np.asarray(other)
    return a.size == b.size and bool((a.reshape(-1) == b.reshape(-1)).all())
