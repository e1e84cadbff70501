"""The input of a file, and what flattens it."""

from __future__ import annotations

import math

import numpy as np

from conversions.netx_file.chain import INPUT, Chain, add_population, begin, name_of_record
from conversions.netx_file.hdf5_layers import FileLayer
from conversions.netx_file.loaded_weights import fitted
from conversions.netx_file.neuron_table import constant, is_memoryless
from hw_models import ConversionError, InputPopulation, SparseProjection

ONE = 64  # weight of an input that SLAYER takes as 1


def read_input(chain: Chain, layer: FileLayer) -> None:
    """Add the input, and the neurons that it may have."""
    if chain.populations:
        raise ConversionError(f"{layer.where}: only the first layer can be an input")
    shape = tuple(layer.numbers("shape").reshape(-1).tolist())
    if chain.options.input_shape not in (None, shape):
        raise ConversionError(
            f"{layer.where}: shape {shape} in the file, input_shape {chain.options.input_shape}"
        )
    chain.populations.append(
        InputPopulation(name=name_of_record(layer, INPUT, "input"), shape=shape)
    )
    if layer.neuron_type is None:
        return
    if not is_memoryless(layer) and not chain.is_trained:
        raise ConversionError(
            f"{layer.where}: netx adds the input to the membrane potential, past the current; the"
            " same with spikes needs iDecay 4096"
        )
    if not is_memoryless(layer) and constant(layer):
        raise ConversionError(
            f"{layer.where}: a bias that goes through the current needs iDecay 4096"
        )
    weight = layer.number("weight", ONE)
    places = np.arange(math.prod(shape))
    made = fitted(layer.where, np.full(len(places), weight))
    chain.late = True
    chain.notes.append(
        f"{layer.where}: has neurons; here they are given spikes, each of which counts as an"
        f" input of 1 (weight {weight}), one step later than netx gives it to them."
    )
    add_population(chain, layer, shape, power=0)
    chain.projections.append(
        SparseProjection(
            source=chain.populations[-2].name,
            target=chain.source.name,
            pre=places,
            post=places,
            weights=made.values,
            weight_exponent=made.exponent,
        )
    )


def read_flatten(chain: Chain, layer: FileLayer) -> None:
    """What comes next is fed by the flat neurons, channels first."""
    if not chain.populations:
        begin(chain, layer, None)
    chain.flat = True
