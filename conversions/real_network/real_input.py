"""Networks whose input is real values, as networks whose inputs are spikes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from conversions.real_network.bit_planes import BitPlanes
from conversions.real_network.delivery import delivered
from conversions.real_network.network import RealInput, RealNetwork, RealNeurons
from conversions.real_network.projections import LinearMap, RealProjection
from hw_models import ConversionError


def with_bit_planes(network: RealNetwork, planes: BitPlanes) -> RealNetwork:
    """The same network, with an input population for each binary digit of an input's values.

    ``W x`` is ``low * (W 1)``, which arrives in every step as a bias does, and
    ``2**b * step * W`` times digit ``b`` for each of them.

    Parameters
    ----------
    network
        Of which one input is read as real values.
    planes
        With known bounds and the name of that input.

    Raises
    ------
    ConversionError
        If values other than 0 begin to arrive later than the first step, or arrive at neurons
        that were trained on the chip's integers.
    """
    name = planes.name
    source = network.population(name)
    biases: dict[str, np.ndarray] = {}
    projections: list[RealProjection] = []
    for projection in network.projections:
        if projection.source != name:
            projections.append(projection)
            continue
        target = network.population(projection.target)
        _check(projection, target, planes)
        steps: LinearMap = replace(projection.map, weights=projection.map.weights * planes.step)
        for b, one in enumerate(planes.names):
            digit = f"{projection.name}.bit{b}"
            power = projection.power + b
            projections.append(replace(projection, source=one, map=steps, power=power, name=digit))
        if planes.bounds[0]:
            everywhere = np.full((1, source.n_neurons), planes.bounds[0])
            made = delivered(projection.map, everywhere, source.shape, target.n_neurons)[0]
            biases[target.name] = biases.get(target.name, 0.0) + made
    populations: list[Any] = []
    for population in network.populations:
        if population.name == name:
            populations += [RealInput(name=n, shape=source.shape) for n in planes.names]
        elif isinstance(population, RealNeurons) and population.name in biases:
            dynamics = population.dynamics
            constant = dynamics.current_bias + biases[population.name]
            dynamics = replace(dynamics, current_bias=constant)
            populations.append(replace(population, dynamics=dynamics))
        else:
            populations.append(population)
    return RealNetwork(populations=populations, projections=projections)


def _check(projection: RealProjection, target: Any, planes: BitPlanes) -> None:
    late = projection.latency or (projection.delays is not None and projection.delays.any())
    if late and planes.bounds[0]:
        raise ConversionError(
            f"{projection.name}: real values arrive with a delay, and before they do there is"
            f" nothing, which is not their lower bound {planes.bounds[0]:.6g}; supported with"
            " delays is a lower bound of 0"
        )
    if target.dynamics.grid is not None:
        raise ConversionError(
            f"{target.name}: was trained on the chip's integers, with spikes as its input;"
            " supported with real values are neurons trained in real numbers"
        )
