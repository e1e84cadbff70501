"""From the time of the source to the steps of the chip, whose connections are one step late.

Step ``t`` of a population in its source is step ``t + shift`` of the network. Shifts grow
along the layers where the source has no latency of its own; what a projection then has too
much becomes its delay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from conversions.real_network.network import RealNetwork
from conversions.real_network.projections import RealProjection
from hw_models import ConversionError
from hw_models.projections import MAX_DELAY


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When things happen in the network.

    Parameters
    ----------
    shifts
        By population: network step of its first step in the source.
    delays
        By projection: steps beyond the one that every connection takes, to be added to
        the delays of its own synapses (may be negative if all of these are larger).
    """

    shifts: Mapping[str, int]
    delays: Mapping[str, int]

    @property
    def longest(self) -> int:
        """Steps that a run needs beyond those of the source."""
        return max(self.shifts.values(), default=0)


def timing(network: RealNetwork, earliest: Mapping[str, int] | None = None) -> Timing:
    """The smallest shifts for which no projection has to be faster than the chip.

    Parameters
    ----------
    network
        In the time of its source.
    earliest
        Smallest shift allowed, by population; 0 if not given.

    Raises
    ------
    ConversionError
        If a loop takes fewer steps in the source than it has connections, or a delay is
        beyond 63.
    """
    shifts = {p.name: (earliest or {}).get(p.name, 0) for p in network.populations}
    latest: dict[str, RealProjection] = {}  # which projection pushed a population back last
    moved = ""
    for _ in range(len(shifts) + 1):
        settled = True
        for projection in network.projections:
            needed = shifts[projection.source] + 1 - _own_steps(network, projection)
            if shifts[projection.target] < needed:
                shifts[projection.target], settled = needed, False
                moved = projection.target
                latest[moved] = projection
        if settled:
            break
    else:
        _refuse_loop(network, latest, moved)
    delays = {}
    for projection in network.projections:
        early = shifts[projection.target] - shifts[projection.source] - 1
        delay = early + _own_steps(network, projection) - _least_delay(projection)
        spread = 0 if projection.delays is None else int(projection.delays.max(initial=0))
        if delay + spread > MAX_DELAY:
            raise ConversionError(
                f"{projection.name}: a delay of {delay + spread} steps is needed;"
                f" allowed 0..{MAX_DELAY}"
            )
        delays[projection.name] = delay
    return Timing(shifts=shifts, delays=delays)


def _least_delay(projection: RealProjection) -> int:
    delays = projection.delays
    return 0 if delays is None or not delays.size else int(np.min(delays))


def _own_steps(network: RealNetwork, projection: RealProjection) -> int:
    """Steps of the source from a spike to its earliest effect."""
    target = network.population(projection.target)
    latency = getattr(target, "dynamics").latency  # noqa: B009 - an input is never a target
    return projection.latency + _least_delay(projection) + int(latency)


def _refuse_loop(network: RealNetwork, latest: Mapping[str, RealProjection], name: str) -> None:
    for _ in latest:  # what still moves has been pushed by the loop, so many edges back at most
        name = latest[name].source
    loop = [latest[name]]
    while loop[-1].source != name:
        loop.append(latest[loop[-1].source])
    loop.reverse()
    steps = sum(_own_steps(network, projection) for projection in loop)
    path = " -> ".join([loop[0].source, *(projection.target for projection in loop)])
    raise ConversionError(
        f"loop {path}: takes {steps} step{'s' * (steps != 1)} in the source; the chip's"
        f" connections take {len(loop)}, one each. Feedback over several layers needs a"
        " latency or delay for each of them"
    )
