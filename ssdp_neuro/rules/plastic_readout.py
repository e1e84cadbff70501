"""A converted network made ready to learn: a plastic readout, with room for new classes."""

from __future__ import annotations

import dataclasses

import numpy as np

from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    LifPopulation,
    NameClashError,
    RangeError,
    TypeMismatchError,
)
from hw_models.integers import integer

READOUT = "to_output"


def readout_name(network: FixedPointNetwork, name: str | None = None) -> str:
    """The projection to learn: the one named, or the only one to a population without targets.

    Raises
    ------
    NameClashError
        If there is none of that name, or not one and only one such projection.
    TypeMismatchError
        If it is not dense.
    """
    if name is None:
        sources = {projection.source for projection in network.projections}
        last = [p.name for p in network.projections if p.target not in sources]
        if len(last) != 1:
            raise NameClashError(f"projection: name one, {last} lead to a last population")
        name = last[0]
    projection = network.projection(name)
    if not isinstance(projection, DenseProjection):
        raise TypeMismatchError(
            f"{name}: {type(projection).__name__}; only a DenseProjection can learn"
        )
    return name


def with_plastic_readout(
    network: FixedPointNetwork, rule: DaSsdpParams, *, projection: str = READOUT, n_new: int = 0
) -> FixedPointNetwork:
    """The network with a rule for its readout, and further output neurons.

    New neurons have weights of zero, so nothing else changes. Weights that do not fit the
    rule's range (a converted readout has even mantissas of 9 bits) are halved and the exponent
    raised, which leaves what they deliver as it is.

    Parameters
    ----------
    network
        Its readout is a dense projection without delays.
    rule
        What changes its weights.
    projection
        Name of the readout.
    n_new
        Output neurons to add.

    Raises
    ------
    NameClashError, RangeError, TypeMismatchError
        If there is no such projection, or its weights cannot be brought into the range.
    """
    n_new = integer("with_plastic_readout.n_new", n_new, 0, 2**20)
    readout = network.projection(readout_name(network, projection))
    assert isinstance(readout, DenseProjection)
    output = network.population(readout.target)
    if not isinstance(output, LifPopulation) or (n_new and len(output.shape) != 1):
        raise TypeMismatchError(
            f"{output.name}: neurons on one axis are needed to add {n_new} to them"
        )
    weights, exponent = readout.weights.astype(np.int64), readout.weight_exponent
    while weights.max(initial=0) > rule.weight_high or weights.min(initial=0) < rule.weight_low:
        if (weights % 2).any():
            raise RangeError(
                f"{projection}.weights: {weights.min()}..{weights.max()}; the rule allows"
                f" {rule.weight_low}..{rule.weight_high}, and odd ones cannot be halved"
            )
        weights, exponent = weights // 2, exponent + 1
    added = np.zeros((n_new, weights.shape[1]), dtype=np.int64)
    grown = {}
    if n_new:
        for field in (
            "current_decay",
            "voltage_decay",
            "threshold",
            "bias_mantissa",
            "bias_exponent",
            "u",
            "v",
            "threshold_rise",
            "threshold_decay",
        ):
            values = getattr(output, field)
            if values.size > 1:
                raise RangeError(f"{output.name}.{field}: one per neuron; new ones have none")
        grown[output.name] = dataclasses.replace(output, shape=(output.n_neurons + n_new,))
    plastic = dataclasses.replace(
        readout,
        weights=np.concatenate([weights, added]),
        weight_exponent=exponent,
        plasticity=rule,
    )
    others = [p.name for p in network.projections if output.name in (p.source, p.target)]
    if n_new and others != [projection]:
        raise NameClashError(f"{output.name}: neurons cannot be added, it also has {others}")
    # both at once: neither fits the other's old size
    return FixedPointNetwork(
        populations=[grown.get(p.name, p) for p in network.populations],
        projections=[plastic if p.name == projection else p for p in network.projections],
    )
