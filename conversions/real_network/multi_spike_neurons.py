"""Neurons that send several spikes in a step, made of copies that send one.

A neuron that sends ``n = floor(v / threshold)`` spikes and loses as many thresholds is ``most``
copies of itself: copy ``k`` is given the same and fires above ``k`` thresholds, so ``n`` of them
fire. None is reset by itself; every spike takes a threshold off all copies one step later,
leaked by one step. So the copies' potentials stay equal, and what they send together is what
the neuron sends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conversions.real_network.dynamics import PER_NEURON, NeuronDynamics, RealReset
from conversions.real_network.network import RealNetwork, RealNeurons
from conversions.real_network.projections import (
    LinearMap,
    RealConv,
    RealDense,
    RealProjection,
    RealSparse,
)
from hw_models import ShapeError


def counted_spikes(dynamics: NeuronDynamics, currents: np.ndarray, most: int) -> np.ndarray:
    """Spikes that neurons send which may send several, int64 ``(B, T, N)``.

    Parameters
    ----------
    dynamics
        Reset by subtraction, no refractory steps, no latency, a threshold that does not rise.
    currents : real, shape (B, T, N)
    most
        In one step of one neuron.
    """
    sent = np.zeros(currents.shape, dtype=np.int64)
    u = np.zeros_like(currents[:, 0], dtype=np.float64)
    v = u + dynamics.initial
    for t in range(currents.shape[1]):
        arriving = currents[:, t] + dynamics.current_bias
        u = dynamics.current_kept * u + dynamics.gain * arriving
        v = dynamics.voltage_kept * v + u + dynamics.bias
        reached = v / dynamics.threshold
        whole = np.floor(reached) if dynamics.fires_at_threshold else np.ceil(reached) - 1
        sent[:, t] = np.clip(whole, 0, most)
        v = v - sent[:, t] * dynamics.threshold
    return sent


def may_be_copied(neurons: RealNeurons) -> bool:
    """Whether copies can do what these neurons do."""
    dynamics = neurons.dynamics
    return (
        dynamics.reset is RealReset.SUBTRACT
        and not dynamics.is_readout
        and not dynamics.adapts
        and dynamics.refractory == dynamics.latency == 0
        and bool((dynamics.gain > 0).all())
    )


def copies(shape: tuple[int, ...], count: int) -> np.ndarray:
    """Flat index of every copy of every neuron, int64 ``(count, N)``.

    The copies of a channel are channels beside each other, so that convolutions keep their
    groups.
    """
    channels, inside = shape[0], math.prod(shape[1:])
    places = np.arange(channels * count * inside).reshape(channels, count, inside)
    return places.transpose(1, 0, 2).reshape(count, -1)


def with_copies(network: RealNetwork, most: Mapping[str, int]) -> RealNetwork:
    """The same network, with so many copies of the neurons of some populations.

    Where nothing but itself listens to such a population, a readout named ``"<name> count"``
    is added, whose potential is in each step the number of spikes.

    Parameters
    ----------
    network
        Populations named in ``most`` must be such as :func:`may_be_copied`.
    most
        Number of copies, by population; 1 leaves it as it is.
    """
    most = {name: count for name, count in most.items() if count > 1}
    if not most:
        return network
    index = {name: copies(network.population(name).shape, most[name]) for name in most}
    populations: list[Any] = []
    projections = [_between(projection, index) for projection in network.projections]
    for population in network.populations:
        if population.name not in most or not isinstance(population, RealNeurons):
            populations.append(population)
            continue
        places, name = index[population.name], population.name
        populations.append(_copied(population, places))
        projections += _resets(population, places)
        listeners = {p.target for p in network.projections if p.source == name} - {name}
        if not listeners:
            count = f"{name} count"
            populations.append(_counter(count, population))
            summed = RealSparse(
                pre=places.reshape(-1),
                post=np.tile(np.arange(population.n_neurons), len(places)),
                weights=np.ones(places.size),
            )
            projections.append(RealProjection(source=name, target=count, map=summed))
    return RealNetwork(populations=populations, projections=projections)


def _copied(neurons: RealNeurons, places: np.ndarray) -> RealNeurons:
    values: dict[str, Any] = {}
    for field in PER_NEURON:
        one = np.broadcast_to(getattr(neurons.dynamics, field), neurons.n_neurons)
        values[field] = np.zeros(places.size)
        for number, place in enumerate(places, start=1):
            values[field][place] = one * (number if field == "threshold" else 1)
    dynamics = replace(neurons.dynamics, reset=RealReset.NONE, **values)
    shape = (neurons.shape[0] * len(places), *neurons.shape[1:])
    return RealNeurons(name=neurons.name, shape=shape, dynamics=dynamics)


def _counter(name: str, neurons: RealNeurons) -> RealNeurons:
    adding = NeuronDynamics(voltage_kept=0.0, threshold=math.inf)
    return RealNeurons(name=name, shape=neurons.shape, dynamics=adding)


def _resets(neurons: RealNeurons, places: np.ndarray) -> list[RealProjection]:
    """What a spike takes off all copies of its neuron in the next step."""
    count = len(places)
    dynamics = neurons.dynamics
    lost = dynamics.voltage_kept * dynamics.threshold / dynamics.gain
    lost = np.broadcast_to(lost, neurons.n_neurons)
    pre = np.repeat(places, count, axis=0).reshape(-1)
    post = np.tile(places, (count, 1)).reshape(-1)
    taken = np.tile(-lost, count * count)
    ends: dict[str, Any] = {"source": neurons.name, "target": neurons.name}
    made = [
        RealProjection(
            **ends,
            map=RealSparse(pre=pre, post=post, weights=taken),
            latency=1,
            name=f"{neurons.name}.spent",
        )
    ]
    if dynamics.current_kept.any():  # a current would last; give back what it still takes
        kept = np.tile(np.broadcast_to(dynamics.current_kept, neurons.n_neurons), count * count)
        back = RealSparse(pre=pre, post=post, weights=-kept * taken)
        name = f"{neurons.name}.spent once"
        made.append(RealProjection(**ends, map=back, latency=2, name=name))
    return made


def _between(projection: RealProjection, index: Mapping[str, np.ndarray]) -> RealProjection:
    given, made = index.get(projection.source), index.get(projection.target)
    if given is None and made is None:
        return projection
    linear = projection.map
    delays = projection.delays
    if isinstance(linear, RealConv):
        weights = np.repeat(linear.weights, 1 if made is None else len(made), axis=0)
        weights = np.repeat(weights, 1 if given is None else len(given), axis=1)
        return replace(projection, map=replace(linear, weights=weights))
    if isinstance(linear, RealDense):
        spread = _spread_dense(linear.weights, given, made)
        if delays is not None:
            delays = _spread_dense(delays, given, made)
        return replace(projection, map=RealDense(weights=spread), delays=delays)
    return _spread_sparse(projection, linear, given, made)


def _spread_dense(
    values: np.ndarray, given: np.ndarray | None, made: np.ndarray | None
) -> np.ndarray:
    rows, columns = values.shape
    spread = np.zeros(
        (rows if made is None else made.size, columns if given is None else given.size),
        dtype=values.dtype,
    )
    for target in [np.arange(rows)] if made is None else made:
        for source in [np.arange(columns)] if given is None else given:
            spread[np.ix_(target, source)] = values
    return spread


def _spread_sparse(
    projection: RealProjection,
    linear: LinearMap,
    given: np.ndarray | None,
    made: np.ndarray | None,
) -> RealProjection:
    if not isinstance(linear, RealSparse):
        raise ShapeError(f"{projection.name}: {linear!r}; RealSparse is needed")
    pres = [linear.pre] if given is None else [source[linear.pre] for source in given]
    posts = [linear.post] if made is None else [target[linear.post] for target in made]
    pairs = [(pre, post) for pre in pres for post in posts]
    spread = RealSparse(
        pre=np.concatenate([pre for pre, _ in pairs]),
        post=np.concatenate([post for _, post in pairs]),
        weights=np.tile(linear.weights, len(pairs)),
    )
    delays = None if projection.delays is None else np.tile(projection.delays, len(pairs))
    return replace(projection, map=spread, delays=delays)


MOST_COPIES = 16


def single_spikes(
    network: RealNetwork, sent: Mapping[str, np.ndarray], most: Mapping[str, int]
) -> tuple[RealNetwork, dict[str, np.ndarray], list[str]]:
    """A network whose neurons send one spike in a step at most, and together what was sent.

    Parameters
    ----------
    network
        As it was read.
    sent
        What each population sent in the model's own run, ``(B, T, N)``.
    most
        What a neuron of a population may send in a step.

    Returns
    -------
    network, sent
        With as many copies of each neuron as spikes were seen, 16 at most.
    notes
        For the report.
    """
    counts: dict[str, int] = {}
    notes = []
    for name, numbers in sent.items():
        neurons, seen = network.population(name), int(numbers.max(initial=0))
        if most.get(name, 1) > 1 and isinstance(neurons, RealNeurons) and may_be_copied(neurons):
            counts[name] = min(max(seen, 1), MOST_COPIES)
            notes.append(_note(name, counts[name], seen))
        elif seen > 1:
            notes.append(
                f"{name}: sends up to {seen} in a step on the samples looked at; a spike is one"
                " bit on the chip."
            )
    bits = dict(sent)
    for name, count in counts.items():
        if count > 1:
            places = copies(network.population(name).shape, count)
            bits[name] = np.zeros((*sent[name].shape[:2], places.size), dtype=bool)
            for number, place in enumerate(places, start=1):
                bits[name][:, :, place] = sent[name] >= number
    return with_copies(network, counts), bits, notes


def _note(name: str, count: int, seen: int) -> str:
    waits = "what is above threshold beyond that waits in the membrane"
    if seen <= 1:
        return f"{name}: may send several spikes in a step, but sent one at most; {waits}."
    sends = f"{name}: sends up to {seen} spikes in a step on the samples looked at"
    return f"{sends}, by {count} copies of each neuron; {waits}."
