"""What arrives at each layer of neurons: linear maps of spikes, by how many steps ago."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from conversions.linear_maps.algebra import apply, composed
from conversions.linear_maps.map_kinds import Dense, Map, Sparse
from conversions.pytorch.calling import LayoutError
from conversions.pytorch.neurons.registry import supported_neurons
from conversions.pytorch.trace.expressions import Expression, Gate, LinearTerm, Resolver
from conversions.pytorch.trace.observer import Following, ObservedLayer
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.tracing import Trace
from hw_models import ConversionError
from ssdp_neuro.training import DelayedLinear

FLOAT_NOISE = 1e-4
"""Of sums in float32, in units of the largest of them."""


class Link(NamedTuple):
    """Synapses from a population's spikes, ``latency`` steps ago."""

    source: str
    latency: int
    map: Map
    paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Arriving:
    """What arrives at a layer in every step: links, and a constant float64 ``(N,)``."""

    links: tuple[Link, ...]
    constant: np.ndarray

    def of(self, spikes: dict[str, np.ndarray]) -> np.ndarray:
        """What it comes to, float64 ``(B, T, N)``, for spikes ``(B, T, N)`` by population."""
        n_samples, n_steps = next(iter(spikes.values())).shape[:2]
        made = np.tile(self.constant, (n_samples, n_steps, 1))
        for link in self.links:
            sent = spikes[link.source][:, : max(n_steps - link.latency, 0)]
            flat = sent.reshape(-1, sent.shape[2]).astype(np.float64)
            made[:, link.latency :] += apply(link.map, flat).reshape(*sent.shape[:2], -1)
        return made


@dataclass(frozen=True, kw_only=True, eq=False)
class Wiring:
    """Layers by path with what arrives at them, and the gates added for maxima."""

    layers: dict[str, ObservedLayer]
    arriving: dict[str, Arriving]
    gates: dict[str, Gate]


def wiring(found: Trace) -> tuple[Wiring, Resolver]:
    """Resolve what every layer is given, and test it on the run it comes from.

    Raises
    ------
    ConversionError
        If something on the way to a neuron is not linear, or differs between steps.
    LayoutError
        If samples are mixed, which a wrong place of batch and time does.
    """
    resolver = Resolver(found.tape, {name: s.shape[2] for name, s in found.spikes.items()})
    given: dict[str, Arriving] = {}
    for path, layer in found.layers.items():
        try:
            expression = resolver.resolve(layer.cells[0][0, -1].numpy())
        except ConversionError as error:
            raise ConversionError(_explained(path, layer, error)) from None
        last = layer.cells[0].shape[1] - 1
        given[path] = _arriving(path, expression, last)
    spikes = with_gates(found.spikes, resolver.gates)
    for path, layer in found.layers.items():
        _check(path, given[path], spikes, layer)
    inside = {path: _inside(path, layer, given[path]) for path, layer in found.layers.items()}
    return Wiring(layers=found.layers, arriving=inside, gates=resolver.gates), resolver


def with_gates(spikes: dict[str, np.ndarray], gates: dict[str, Gate]) -> dict[str, np.ndarray]:
    """Spikes by population, with those of the gates."""
    made = dict(spikes)
    for name, gate in gates.items():
        sent = made[gate.source]
        counted = apply(gate.windows, sent.reshape(-1, sent.shape[2]).astype(np.float64))
        made[name] = counted.reshape(*sent.shape[:2], -1) > 0.5
    return made


def _explained(path: str, layer: ObservedLayer, error: ConversionError) -> str:
    return (
        f"{error}; it is on the way to the neurons {path!r} ({type(layer.module).__name__})."
        " Supported between neurons are linear operations (Linear, Conv1d and Conv2d, pooling,"
        " BatchNorm in evaluation, sums, factors, reshaping, delays) and MaxPool of spikes."
        f" Supported neurons are {supported_neurons()}. Others can be taught by"
        " conversions.register_neuron and conversions.register_synapse."
    )


def _arriving(path: str, expression: Expression, step: int) -> Arriving:
    links = []
    for moment, linear, paths in _with_synapses(expression.terms):
        if moment.sample != 0:
            raise LayoutError(f"{path}: what one sample is given depends on another")
        if moment.step == 0 < step:
            raise ConversionError(
                f"{path}: what it is given depends on spikes of {moment.population!r} as far back"
                f" as the run goes, {step} steps; supported are delays, but no trace or filter"
                " outside of the neurons, and runs longer than the longest delay"
            )
        links.append(Link(moment.population, moment.age(step), linear, paths))
    return Arriving(links=tuple(links), constant=expression.constant)


def _with_synapses(terms: tuple[LinearTerm, ...]) -> list[LinearTerm]:
    """Without steps from which nothing comes, if something comes from others of that population.

    A convolution over time is a map of all steps, most of whose weights to one step are 0.
    """
    heard = {term.moment.population for term in terms if not _is_zero(term.map)}
    return [t for t in terms if t.moment.population not in heard or not _is_zero(t.map)]


def _is_zero(linear: Map) -> bool:
    return isinstance(linear, Dense | Sparse) and not linear.weights.any()


def _check(
    path: str, arriving: Arriving, spikes: dict[str, np.ndarray], layer: ObservedLayer
) -> None:
    """The wiring of the last step must hold in every step of every sample."""
    seen = layer.given[0].double().numpy()
    expected = arriving.of(spikes)
    noise = FLOAT_NOISE * max(1e-6, float(np.abs(seen).max()), float(np.abs(expected).max()))
    wrong = np.abs(seen - expected).max(axis=2) > noise
    if wrong.any():
        steps = np.flatnonzero(wrong.any(axis=0))
        sources = {f"{link.source} {link.latency} steps ago" for link in arriving.links}
        raise ConversionError(
            f"{path}: in step {steps[0]} it is not given what the wiring of the last step says"
            f" ({', '.join(sorted(sources)) or 'a constant'}); supported is the same wiring with"
            " the same weights in every step, from spikes given for every step"
        )


def _inside(path: str, layer: ObservedLayer, given: Arriving) -> Arriving:
    """With the synapses that the layer has inside itself."""
    reading, links, constant = layer.reading, given.links, given.constant
    if reading.incoming is not None:
        linear, bias = module_map(path, reading.incoming, layer.given_shape)
        links = tuple(link._replace(map=composed(linear, link.map)) for link in links)
        if constant.any():
            bias = bias + apply(linear, constant[None])[0]
        constant = bias
    if reading.recurrent is not None:
        back = module_expression(path, reading.recurrent, layer.shape)
        named = [n for n, m in layer.module.named_modules() if m is reading.recurrent]
        own = (f"{path}.{named[0]}",) if named else ()
        latency = 1 - reading.dynamics.latency  # they are felt one step after they were sent
        links += tuple(Link(path, latency - term.moment.step, term.map, own) for term in back.terms)
        constant = constant + back.constant
    return replace(given, links=links, constant=constant)


def module_map(path: str, module: nn.Module, shape: tuple[int, ...]) -> tuple[Map, np.ndarray]:
    """A module of linear operations on one step, as a map and a constant."""
    expression = module_expression(path, module, shape)
    if [term.moment.step for term in expression.terms] != [0]:
        raise ConversionError(f"{path}: {type(module).__name__} inside it has delays")
    return expression.terms[0].map, expression.constant


def module_expression(path: str, module: nn.Module, shape: tuple[int, ...]) -> Expression:
    """What a module makes of spikes of shape ``(1, *shape)``; earlier steps are negative."""
    tape = Tape()
    # a layer with delays wants whole samples, and looks back as far as they reach
    reach = int(module.delays.max()) + 1 if isinstance(module, DelayedLinear) else 0
    size = math.prod(shape)
    given = torch.zeros(1, *((reach,) if reach else ()), *shape)
    step, neuron = np.divmod(np.arange(given.numel()), size)
    with torch.no_grad():
        tape.spikes(given, "given", np.zeros_like(step), step - max(reach - 1, 0), neuron)
        with Following(tape):
            out = module(given)
    cells = tape.cells(out[:, -1] if reach else out)
    if cells is None:
        raise ConversionError(f"{path}: its own synapses do not depend on spikes")
    return Resolver(tape, {"given": size}).resolve(cells.reshape(-1).numpy())
