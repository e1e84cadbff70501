"""Which node feeds which, which populations form loops, and what a loop takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conversions.nir.graph_records import NirNode, NirRecord
from conversions.nir.linear_nodes import LINEAR
from conversions.nir.neuron_nodes import NEURONS, READOUTS
from hw_models import ConversionError, TypeMismatchError
from hw_models.integers import integer

SUPPORTED = ("Input", "Output", *NEURONS, *(kind for kind in LINEAR if kind[0] != "R"), "NIRGraph")
Pair = tuple[str, str]


def merged_thresholds(record: NirRecord) -> tuple[NirRecord, frozenset[str]]:
    """LI, CubaLI or I before a Threshold become one neuron that is never reset.

    Returns
    -------
    record
        In which the Threshold has the parameters of both and the other node is gone.
    merged
        Names of these neurons.
    """
    nodes, edges = dict(record.nodes), list(record.edges)
    merged = set()
    for name, node in record.nodes.items():
        if not isinstance(node, NirNode) or node.kind != "Threshold":
            continue
        sources = [a for a, b in edges if b == name]
        first = nodes.get(sources[0]) if len(sources) == 1 else None
        if not isinstance(first, NirNode) or first.kind not in READOUTS:
            continue
        if [b for a, b in edges if a == sources[0]] != [name]:
            continue  # its potential is wanted elsewhere too: refused later
        threshold = {"v_threshold": node.fields.get("threshold")}
        nodes[name] = NirNode(f"{first.kind}F", {**first.fields, **threshold})
        del nodes[sources[0]]
        edges = [(a, name if b == sources[0] else b) for a, b in edges if a != sources[0]]
        merged.add(name)
    return NirRecord(nodes, tuple(edges), record.metadata), frozenset(merged)


def check_kinds(record: NirRecord) -> None:
    """Raise ConversionError with the path of a node that has no meaning here."""
    for name, node in record.nodes.items():
        kind = node.kind if isinstance(node, NirNode) else "NIRGraph"
        if kind not in ("Input", "Output", *NEURONS, *LINEAR):
            raise ConversionError(
                f"{name}: {kind} is not supported; supported are {', '.join(SUPPORTED)}"
            )
    for source, target in record.edges:
        for name in (source, target):
            if name not in record.nodes:
                raise ConversionError(f"an edge names the node {name!r}, which is not there")


def in_order(record: NirRecord) -> NirRecord:
    """The same graph, every node after those that feed it where loops allow, then by name.

    A file lists nodes by name and a graph as they were added; both come out alike.
    """
    before: dict[str, set[str]] = {name: set() for name in record.nodes}
    for source, target in record.edges:
        before[target].add(source)
    waiting = sorted(record.nodes)
    done: dict[str, Any] = {}
    while waiting:
        free = [name for name in waiting if before[name] <= done.keys()]
        # in a loop: what is fed already, neurons first
        fed = [name for name in waiting if before[name] & done.keys()] or waiting
        spiking = [name for name in fed if record.nodes[name].kind in NEURONS]
        name = (free or spiking or fed)[0]
        done[name] = record.nodes[name]
        waiting.remove(name)
    place = {name: number for number, name in enumerate(done)}
    edges = sorted(record.edges, key=lambda edge: (place[edge[0]], place[edge[1]]))
    return NirRecord(done, tuple(edges), record.metadata)


def components(names: Iterable[str], pairs: Iterable[Pair]) -> dict[str, int]:
    """For every population a number that it shares with those it forms loops with."""
    after: dict[str, set[str]] = {name: set() for name in names}
    for source, target in pairs:
        after[source].add(target)
    reach = {name: _reached(name, after) for name in after}
    numbers: dict[str, int] = {}
    for name in after:
        for other in numbers:
            if name in reach[other] and other in reach[name]:
                numbers[name] = numbers[other]
                break
        else:
            numbers[name] = len(numbers)
    return numbers


def _reached(name: str, after: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for target in after[waiting.pop()] - seen:
            seen.add(target)
            waiting.append(target)
    return seen


def loop_steps(
    names: Iterable[str], latencies: Mapping[Pair, tuple[int, ...]], given: Any
) -> dict[Pair, int]:
    """Steps that each connection within a loop takes besides its delays.

    Parameters
    ----------
    names
        Of the populations.
    latencies
        For every pair of populations the delays of the connections from one to the other.
    given
        What the caller says: None, one integer for the loops of a population with itself, or
        a mapping from pairs to integers.

    Raises
    ------
    ConversionError
        If the graph leaves open what a loop takes and the caller doesn't say it.
    """
    by_pair = _given(given)
    number = components(names, latencies)
    inside = [pair for pair in latencies if number[pair[0]] == number[pair[1]]]
    loops = {pair for pair in inside if pair[0] == pair[1]}
    unknown = sorted(set(by_pair or {}) - set(inside))
    if unknown:
        known = ", ".join(map(str, inside)) or "none"
        raise ConversionError(
            f"recurrent_latency: {unknown[0]} is not in a loop; these are: {known}"
        )
    steps = {}
    for pair in inside:
        alone = sum(1 for other in number.values() if other == number[pair[0]]) == 1
        if by_pair is not None and pair in by_pair:
            steps[pair] = by_pair[pair]
        elif pair in loops and isinstance(given, int):
            steps[pair] = given
        elif pair in loops and (alone or by_pair is not None) and not any(latencies[pair]):
            steps[pair] = 1  # feedback in no time has no meaning in steps
        elif by_pair is not None and not alone:
            steps[pair] = 0
        else:
            raise ConversionError(
                f"{pair[0]} -> {pair[1]}: in a loop with"
                f" {'a Delay' if alone else 'other populations'}; NIR does not say how many steps"
                " feedback takes besides. Give recurrent_latency, a mapping from such pairs to"
                f" steps: {', '.join(map(str, inside))}"
            )
    _refuse_instant_loops(latencies, steps)
    return steps


def _given(given: Any) -> dict[Pair, int] | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {
            (str(pair[0]), str(pair[1])): integer(f"recurrent_latency[{pair}]", steps, 0, 64)
            for pair, steps in given.items()
        }
    if isinstance(given, int):
        integer("recurrent_latency", given, 0, 64)
        return None
    raise TypeMismatchError(
        f"recurrent_latency: {given!r}; an integer, a mapping from pairs or None is needed"
    )


def _refuse_instant_loops(
    latencies: Mapping[Pair, tuple[int, ...]], steps: Mapping[Pair, int]
) -> None:
    instant = {pair for pair, own in latencies.items() if min(own) + steps.get(pair, 0) == 0}
    number = components({name for pair in instant for name in pair}, instant)
    for source, target in sorted(instant):
        if number[source] == number[target]:
            raise ConversionError(
                f"{source} -> {target}: part of a loop that takes no step; give"
                " recurrent_latency for one of its connections"
            )
