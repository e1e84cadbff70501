"""What was read of a model, as a network in real numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from conversions.linear_maps.algebra import real, scaled, sparse
from conversions.linear_maps.map_kinds import Conv, Sparse
from conversions.pytorch.network.readouts import Readout
from conversions.pytorch.network.wiring import Arriving, Link, Wiring
from conversions.pytorch.trace.tracing import INPUT
from conversions.real_network import (
    NeuronDynamics,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
)

_GATE = NeuronDynamics(voltage_kept=0.0, threshold=0.5)
_READOUT = NeuronDynamics(voltage_kept=0.0, threshold=math.inf)


def assembled(
    wired: Wiring, readouts: Mapping[str, Readout], input_shape: tuple[int, ...]
) -> RealNetwork:
    """Populations named by the paths of their modules, projections by those of their synapses."""
    arriving: dict[str, Arriving] = {}
    dynamics: dict[str, NeuronDynamics] = {}
    shapes: dict[str, tuple[int, ...]] = {INPUT: input_shape}
    for name, gate in wired.gates.items():
        arriving[name] = Arriving(
            links=(Link(gate.source, 0, gate.windows, (name,)),),
            constant=np.zeros(gate.windows.n_post),
        )
        dynamics[name], shapes[name] = _GATE, (gate.windows.n_post,)
    for path, layer in wired.layers.items():
        arriving[path], dynamics[path] = wired.arriving[path], layer.reading.dynamics
        shapes[path] = layer.shape
    for name, readout in readouts.items():
        arriving[name], dynamics[name] = readout.arriving, _READOUT
        shapes[name] = (len(readout.arriving.constant),)
    order = _ordered(arriving, wired)
    _adopt_images(shapes, arriving)
    projections: list[RealProjection] = []
    for name in order:
        projections += _projections(name, arriving[name], dynamics[name], shapes, projections)
    populations: list[Any] = [RealInput(name=INPUT, shape=input_shape)]
    populations += [
        RealNeurons(
            name=name, shape=shapes[name], dynamics=_with_bias(dynamics[name], arriving[name])
        )
        for name in order
    ]
    return RealNetwork(populations=populations, projections=projections)


def _ordered(arriving: dict[str, Arriving], wired: Wiring) -> list[str]:
    """As the model calls them, each gate after the population it looks at."""
    order = [name for name in arriving if name not in wired.gates]
    for name, gate in wired.gates.items():
        place = order.index(gate.source) + 1 if gate.source in order else 0
        order.insert(place, name)
    return order


def _adopt_images(shapes: dict[str, tuple[int, ...]], arriving: dict[str, Arriving]) -> None:
    """Give populations the shape of images that their convolutions make or take."""
    for made in (True, False):
        for name, given in arriving.items():
            for link in given.links:
                if not isinstance(link.map, Conv):
                    continue
                end = name if made else link.source
                shape = link.map.out_shape if made else link.map.in_shape
                if end != INPUT and len(shapes[end]) != 3:
                    shapes[end] = shape


def _projections(
    name: str,
    arriving: Arriving,
    dynamics: NeuronDynamics,
    shapes: dict[str, tuple[int, ...]],
    before: list[RealProjection],
) -> list[RealProjection]:
    grid = dynamics.grid
    made: list[RealProjection] = []
    for link, delays in _by_delay(arriving.links):
        # weights on a grid are the chip's units; in real numbers they are what these stand for
        linear = link.map if grid is None else scaled(link.map, 1.0 / grid.scale)
        wanted = (
            link.paths[0] if len(link.paths) == 1 and link.paths[0] else f"{link.source}->{name}"
        )
        used = {projection.name for projection in [*before, *made]}
        made.append(
            RealProjection(
                source=link.source,
                target=name,
                map=real(linear, shapes[link.source], shapes[name], as_list=delays is not None),
                latency=link.latency,
                delays=delays,
                name=_free(wanted, used),
            )
        )
    return made


def _by_delay(links: tuple[Link, ...]) -> list[tuple[Link, np.ndarray | None]]:
    """Links with the delays of their synapses; those of one layer that differ in them, as one."""
    groups: dict[object, list[Link]] = {}
    for link in links:
        layer = None if isinstance(link.map, Conv) or not link.paths else link.paths
        groups.setdefault((link.source, layer or id(link)), []).append(link)
    found: list[tuple[Link, np.ndarray | None]] = []
    for group in groups.values():
        first = min(link.latency for link in group)
        lists = [sparse(link.map) for link in group]
        pairs = np.concatenate([one.post * one.shape[1] + one.pre for one in lists])
        if len(group) == 1 or len(np.unique(pairs)) < len(pairs):
            found += [(link, None) for link in group]
            continue
        delays = [
            np.full(len(one.post), link.latency - first)
            for one, link in zip(lists, group, strict=True)
        ]
        order = np.argsort(pairs)
        post, pre, weights, later = (
            np.concatenate(parts)[order]
            for parts in zip(
                *(
                    (one.post, one.pre, one.weights, d)
                    for one, d in zip(lists, delays, strict=True)
                ),
                strict=True,
            )
        )
        together = Sparse(post, pre, weights, lists[0].shape)
        found.append((group[0]._replace(map=together, latency=first), later))
    return found


def _with_bias(dynamics: NeuronDynamics, arriving: Arriving) -> NeuronDynamics:
    if not arriving.constant.any():
        return dynamics
    unit = 1.0 if dynamics.grid is None else dynamics.grid.scale
    constant = dynamics.current_bias + arriving.constant / unit
    if (constant == constant[0]).all():
        constant = constant[:1]
    return dataclasses.replace(dynamics, current_bias=constant)


def _free(wanted: str, used: Any) -> str:
    name, number = wanted, 2
    while name in used:
        name, number = f"{wanted} ({number})", number + 1
    return name
