"""Learning classes on the chip that the network was never trained on."""

from __future__ import annotations

import dataclasses

import numpy as np

from conversions.demo.digits_task import SpikingDigits
from conversions.demo.settings import DemoSettings
from hw_models import DaSsdpParams, DenseProjection, FixedPointNetwork, LifPopulation

READOUT, OUTPUT = "to_output", "output"


def with_new_classes(
    network: FixedPointNetwork, n_new: int, rule: DaSsdpParams
) -> FixedPointNetwork:
    """The network with further output neurons and a plastic readout.

    The new neurons have weights of zero, so nothing else changes. The readout's mantissas
    are even (they have both signs), so halving them and raising the exponent by one
    leaves what they deliver as it is, and lets them be learned in 8 bits.

    Parameters
    ----------
    network
        As :func:`conversions.from_torch` makes it.
    n_new
        Output neurons to add.
    rule
        Of the projection from the hidden neurons to the output.
    """
    output, readout = network.population(OUTPUT), network.projection(READOUT)
    assert isinstance(output, LifPopulation)
    assert isinstance(readout, DenseProjection)
    assert not (readout.weights % 2).any()
    added = np.zeros((n_new, readout.weights.shape[1]), dtype=np.int16)
    larger = dataclasses.replace(output, shape=(output.n_neurons + n_new,))
    plastic = dataclasses.replace(
        readout,
        weights=np.concatenate([readout.weights // 2, added]),
        weight_exponent=readout.weight_exponent + 1,
        plasticity=rule,
    )
    # both at once: neither fits the other's old size
    return FixedPointNetwork(
        populations=[larger if p.name == OUTPUT else p for p in network.populations],
        projections=[plastic if p.name == READOUT else p for p in network.projections],
    )


def with_rule(network: FixedPointNetwork, rule: DaSsdpParams) -> FixedPointNetwork:
    """The network with another rule for its readout."""
    readout = network.projection(READOUT)
    assert isinstance(readout, DenseProjection)
    return network.replace(dataclasses.replace(readout, plasticity=rule))


def lesson(
    digits: SpikingDigits, shots: int, settings: DemoSettings, *, rehearse: bool
) -> SpikingDigits:
    """The first samples of each new class and, to rehearse them, as many of each old one.

    They stay in the order of the training part, which mixes the classes.
    """
    first_class = 0 if rehearse else settings.n_trained_classes
    places = [
        np.flatnonzero(digits.labels == label)[:shots]
        for label in range(first_class, settings.n_trained_classes + settings.n_new_classes)
    ]
    return digits.take(np.sort(np.concatenate(places)))
