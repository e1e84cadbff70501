"""Steps that spikes of a network take, and those of them that a graph leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conversions.nir_graph.topology import components
from conversions.real_network import RealProjection
from hw_models import FixedPointNetwork
from hw_models.projections import Projection


def shifts_of(network: FixedPointNetwork) -> dict[str, int]:
    """Steps that each population is behind the input, by the fastest way."""
    shifts = {population.name: 0 for population in network.inputs}
    for _ in network.populations:
        for p in network.projections:
            if p.source in shifts:
                found = shifts[p.source] + 1 + _least_delay(p)
                shifts[p.target] = min(found, shifts.get(p.target, found))
    latest = max(shifts.values(), default=0)
    return {p.name: shifts.get(p.name, latest) for p in network.populations}


def feedback_of(
    populations: Iterable[Any],
    projections: Iterable[RealProjection | Projection],
    ways: Mapping[str, int],
) -> dict[tuple[str, str], int]:
    """The step that connections within a loop take without a Delay for it."""
    fastest: dict[tuple[str, str], int] = {}
    for p in projections:
        pair, steps = (p.source, p.target), ways[p.name] + _least_delay(p)
        fastest[pair] = min(steps, fastest.get(pair, steps))
    number = components((p.name for p in populations), fastest)
    return {
        pair: min(steps, 1) for pair, steps in fastest.items() if number[pair[0]] == number[pair[1]]
    }


def _least_delay(projection: Any) -> int:
    delays = getattr(projection, "delays", None)
    return 0 if delays is None or not delays.size else int(delays.min())
