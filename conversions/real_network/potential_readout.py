"""The potential of neurons that fire, as a readout: for models that return it.

A reset that is felt one step late, or never, is linear in the spikes. So neurons with the same
input that never fire, and are given each spike as one threshold less, have the potential that
the firing ones have before every reset.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from conversions.real_network.dynamics import NeuronDynamics, RealReset
from conversions.real_network.network import RealNetwork, RealNeurons
from conversions.real_network.projections import RealProjection, RealSparse


def can_be_shown(dynamics: NeuronDynamics) -> bool:
    """Whether a readout can have the potential of such neurons."""
    return (
        dynamics.reset in (RealReset.DELAYED_SUBTRACT, RealReset.NONE)
        and not dynamics.is_readout
        and dynamics.refractory == dynamics.latency == 0
        and bool((dynamics.gain > 0).all())
    )


def shown_name(name: str) -> str:
    """Of the readout that has the potential of a population."""
    return f"{name} potential"


def with_potential(network: RealNetwork, name: str) -> RealNetwork:
    """The same network with a readout ``"<name> potential"``.

    Parameters
    ----------
    network
        What to add it to.
    name
        Of neurons such as :func:`can_be_shown`.
    """
    neurons = network.population(name)
    assert isinstance(neurons, RealNeurons)
    shown = shown_name(name)
    silent = replace(neurons.dynamics, threshold=math.inf, threshold_rise=0.0, reset=RealReset.ZERO)
    heard = [replace(one, target=shown, name=f"{one.name} shown") for one in network.into(name)]
    never = neurons.dynamics.reset is RealReset.NONE
    resets = [] if never else _resets(neurons, shown)
    return RealNetwork(
        populations=[
            *network.populations,
            RealNeurons(name=shown, shape=neurons.shape, dynamics=silent),
        ],
        projections=[*network.projections, *heard, *resets],
    )


def _resets(neurons: RealNeurons, shown: str) -> list[RealProjection]:
    dynamics, everyone = neurons.dynamics, np.arange(neurons.n_neurons)
    lost = np.broadcast_to(dynamics.threshold / dynamics.gain, neurons.n_neurons)
    kept = np.broadcast_to(dynamics.current_kept, neurons.n_neurons)
    steps = [("spent", 1, -lost), ("spent once", 2, kept * lost)]  # a current would last
    return [
        RealProjection(
            source=neurons.name,
            target=shown,
            map=RealSparse(pre=everyone, post=everyone, weights=weights),
            latency=latency,
            name=f"{shown}.{what}",
        )
        for what, latency, weights in steps
        if weights.any()
    ]
