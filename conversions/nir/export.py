"""A network drawn as a NIR graph: neurons, and synapses in between with their delays.

The discretization turns the terms of a step into NIR's time constants, so that who reads
the graph with it gets the same steps.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conversions.nir.discretization import Discretization, InputScale
from conversions.nir.export_records import (
    Constant,
    DrawnNeurons,
    DrawnSynapses,
    constant_of,
    flat,
    matrices,
    pool_of,
)
from conversions.nir.graph_records import NirNode, NirRecord
from conversions.nir.topology import in_order
from conversions.real_network import RealConv

Shape = tuple[int, ...]


@dataclass
class Drawing:
    """A graph in the making; ``node_of`` has the node of every population."""

    discretization: Discretization
    unit_resistance: bool = False
    nodes: dict[str, NirNode] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    node_of: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)  # as drawn, by population

    def draw(
        self, inputs: Iterable[Any], neurons: Sequence[DrawnNeurons], wires: list[DrawnSynapses]
    ) -> NirRecord:
        """The graph of a network.

        A population that only flat maps meet is drawn flat: NIR has nothing that unflattens.
        """
        images = {e for w in wires if not flat(w.map) for e in (w.source, w.target)}
        for population in inputs:
            self.shapes[population.name] = population.shape
            made = self._add(population.name, "Input", shape=np.array(population.shape))
            self.node_of[population.name] = made
        constants = {}
        for drawn in neurons:
            shape = drawn.shape if drawn.name in images else (drawn.n_neurons,)
            self.shapes[drawn.name] = shape
            into = [wire for wire in wires if wire.target == drawn.name]
            constants[drawn.name] = constant_of(drawn, into)
            self.node_of[drawn.name] = self._neurons(drawn, shape, constants[drawn.name].leaking)
        for wire in wires:
            self._wire(wire, constants[wire.target])
        self._outputs(neurons, wires)
        # readers that walk through the nodes want each behind those that feed it
        return in_order(NirRecord(self.nodes, tuple(self.edges)))

    def _add(self, wanted: str, kind: str, **fields: Any) -> str:
        """Add a node under a name that PyTorch's modules can have, too."""
        base = re.sub(r"\W", "_", wanted.replace("->", "_to_"), flags=re.ASCII)
        base += "_" if keyword.iskeyword(base) else ""
        name, number = base, 1
        while name in self.nodes:
            number += 1
            name = f"{base}_{number}"
        self.nodes[name] = NirNode(kind, fields)
        return name

    def _neurons(self, drawn: DrawnNeurons, shape: Shape, leaking: np.ndarray) -> str:
        how = self.discretization
        fires = drawn.threshold is not None
        kind = "IF" if fires else "I"
        values: dict[str, Any] = {}
        arrived = np.asarray(how.dt if how.integrator_scale is InputScale.LEAK else 1.0)
        leaks = drawn.has_memory or leaking.any() or (drawn.voltage_kept != 1).any()
        if leaks:
            kind = "LIF" if fires else "LI"
            values["tau"] = how.method.tau(drawn.voltage_kept, how.dt)
            leaked = how.leaked(values["tau"])
            scale = how.neuron_scale if fires else how.readout_scale
            arrived = leaked if scale is InputScale.LEAK else np.ones(1)
        if drawn.has_memory:
            kind = f"Cuba{kind}"
            tau_syn = how.method.tau(drawn.current_kept, how.dt)
            leak = how.synapse_scale is InputScale.LEAK
            values["tau_mem"], values["tau_syn"] = values.pop("tau"), tau_syn
            values["w_in"] = 1.0 / how.leaked(tau_syn) if leak else 1.0
        r = drawn.gain / arrived
        unit = 1.0  # of the drawn potential in one of the network
        if self.unit_resistance and (drawn.gain > 0).all():
            unit, r = 1.0 / r, np.ones(1)
        values["r"] = r
        if leaks:
            values["v_leak"] = leaking * unit / leaked
        if drawn.threshold is not None:
            values["v_threshold"], values["v_reset"] = drawn.threshold * unit, 0.0
        return self._add(drawn.name, kind, **{name: _full(v, shape) for name, v in values.items()})

    def _wire(self, wire: DrawnSynapses, constant: Constant) -> None:
        brought = constant.arriving if constant.carrier == wire.name else None
        start, target = self.node_of[wire.source], self.node_of[wire.target]
        shape = self.shapes[wire.source]
        if isinstance(wire.map, RealConv):
            late = self._delayed(start, shape, wire.steps, wire.name)
            made = self._convolution(wire.name, wire.map, shape, brought)
            self.edges += [(late, made), (made, target)]
            return
        if len(shape) > 1:
            start = self._flattened(start, shape)
        n_post = math.prod(self.shapes[wire.target])
        for steps, matrix in matrices(wire, shape, n_post):
            name = wire.name if wire.delays is None else f"{wire.name}_after_{steps}"
            late = self._delayed(start, (math.prod(shape),), steps, name)
            # not every reader knows Linear
            bias = np.zeros(n_post) if brought is None else np.array(brought)
            made = self._add(name, "Affine", weight=matrix, bias=bias)
            brought = None
            self.edges += [(late, made), (made, target)]

    def _flattened(self, start: str, shape: Shape) -> str:
        for source, target in self.edges:
            if source == start and self.nodes[target].kind == "Flatten":
                return target
        made = self._add(f"{start}_flat", "Flatten", shape=np.array(shape), start_dim=0, end_dim=-1)
        self.edges.append((start, made))
        return made

    def _delayed(self, start: str, shape: Shape, steps: int, name: str) -> str:
        if steps == 0:
            return start
        delay = np.full(shape, steps * self.discretization.dt)
        made = self._add(f"{name}_delay", "Delay", delay=delay)
        self.edges.append((start, made))
        return made

    def _convolution(self, name: str, conv: RealConv, shape: Shape, brought: Any) -> str:
        moves = {"stride": np.array(conv.stride), "padding": np.array(conv.padding)}
        pool = pool_of(conv)
        if pool is not None and brought is None:
            return self._add(name, pool, kernel_size=np.array(conv.weights.shape[2:]), **moves)
        channels = len(conv.weights)
        bias = np.zeros(channels) if brought is None else brought.reshape(channels, -1)[:, 0]
        return self._add(
            name,
            "Conv2d",
            input_shape=np.array(shape[1:]),
            weight=np.array(conv.weights),
            dilation=np.array(conv.dilation),
            groups=np.array(conv.groups),
            bias=np.array(bias),
            **moves,
        )

    def _outputs(self, neurons: Sequence[DrawnNeurons], wires: list[DrawnSynapses]) -> None:
        feeding = {wire.source for wire in wires if wire.source != wire.target}
        last = [drawn.name for drawn in neurons if drawn.name not in feeding]
        last = last or [drawn.name for drawn in neurons]
        for name in last:
            wanted = "output" if len(last) == 1 else f"{name}_output"
            made = self._add(wanted, "Output", shape=np.array(self.shapes[name]))
            self.edges.append((self.node_of[name], made))


def _full(value: Any, shape: Shape) -> np.ndarray:
    """One number or one per neuron, as an array of the shape."""
    array = np.asarray(value, dtype=np.float64)
    whole = np.empty(shape)
    whole[...] = array.reshape(shape) if array.size == whole.size else array
    return whole
