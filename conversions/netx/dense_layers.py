"""Dense layers of a file, with and without feedback."""

from __future__ import annotations

import math

import numpy as np

from conversions.netx.chain import (
    INPUT,
    Chain,
    add_population,
    begin,
    exponent_kept,
    name_of_record,
    power_of_two,
)
from conversions.netx.delays import Delays, dense_delays, total
from conversions.netx.hdf5_layers import FileLayer
from conversions.netx.loaded_weights import Mantissas, fitted, loaded_by_netx
from conversions.netx.neuron_table import constant, is_memoryless
from hw_models import ConversionError, DenseProjection, InputPopulation, SparseProjection

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


def read_dense(chain: Chain, layer: FileLayer) -> None:
    """Add a dense layer, with its feedback if it has some."""
    recurrent = layer.kind == "dense_rec"
    n_post = int(layer.numbers("shape").prod())
    weights = _matrix(layer, "weight", n_post)
    parts = [weights, _matrix(layer, "weight_rec", n_post)] if recurrent else [weights]
    begin(chain, layer, (weights.shape[1],))
    source = chain.source
    if len(source.shape) > 1 and not chain.flat and source.shape[0] != weights.shape[1]:
        raise ConversionError(
            f"{layer.where}: fed by shape {source.shape} without a flatten layer before it"
        )
    if weights.shape[1] != source.n_neurons or parts[-1].shape[1] != (
        n_post if recurrent else source.n_neurons
    ):
        raise ConversionError(
            f"{layer.where}: weights for {weights.shape[1]} inputs"
            f"{f' and {parts[-1].shape[1]} neurons' if recurrent else ''}; {source.n_neurons} come"
            f"{f' from {n_post}' if recurrent else ''}"
        )
    delays = dense_delays(layer, weights.shape, chain.options.meaning, chain.notes)
    power = power_of_two(chain, layer)
    mantissas = _mantissas(chain, layer, parts, power, delays)
    arriving = total(chain.leaving, delays.arriving)
    own = layer.kept("shape")
    shape = (n_post,) if own is None else tuple(own.tolist())
    add_population(chain, layer, shape, power=power)
    chain.projections.append(
        DenseProjection(
            source=source.name,
            target=chain.source.name,
            name=name_of_record(layer, "", "projection"),
            weights=mantissas[0].values,
            weight_exponent=mantissas[0].exponent,
            delays=None if arriving is None else np.broadcast_to(arriving, weights.shape),
        )
    )
    if recurrent:
        chain.projections.append(_feedback(chain, layer, mantissas[1], delays))
    chain.leaving, chain.flat = delays.leaving, True  # what comes after it needs no flatten


def _feedback(chain: Chain, layer: FileLayer, made: Mantissas, delays: Delays) -> DenseProjection:
    own = delays.arriving
    if own is not None and chain.is_trained:
        raise ConversionError(
            f"{layer.where}.delay: of single synapses, which netx gives to the feedback too;"
            " supported are delays of neurons"
        )
    if own is not None:
        if own.shape != made.values.shape:
            raise ConversionError(
                f"{layer.where}.delay: netx gives the delays of {own.shape[1]} inputs to the"
                f" feedback of {len(own)} neurons, on which Lava fails"
            )
        chain.notes.append(
            f"{layer.where}: with delays netx drops the exponent of its weights and delays the"
            " feedback as the input; so it is here."
        )
    elif delays.leaving is not None:
        chain.notes.append(
            f"{layer.where}: its delays are kept as SLAYER has them, for what it sends on; netx"
            " delays its input and its feedback and drops the exponent of its weights."
        )
    return DenseProjection(
        source=chain.source.name,
        target=chain.source.name,
        name=name_of_record(layer, "", "recurrent_projection"),
        weights=made.values,
        weight_exponent=made.exponent,
        delays=own,
    )


def _mantissas(
    chain: Chain, layer: FileLayer, parts: list[np.ndarray], power: int, delays: Delays
) -> list[Mantissas]:
    if chain.is_trained:
        made = [fitted(layer.where, part, power) for part in parts]
        return _exponents_kept(layer, made)
    drops_exponent = len(parts) > 1 and delays.arriving is not None
    made = loaded_by_netx(layer.where, parts, keeps_exponent=not drops_exponent)
    for part, held in zip(parts, made, strict=True):
        changed = np.ldexp(held.values.astype(np.float64), held.exponent) != part
        if changed.any():
            index = tuple(int(i) for i in np.argwhere(changed)[0])
            value = float(held.values[index]) * 2.0**held.exponent
            chain.notes.append(
                f"{layer.where}: netx loads {int(changed.sum())} of {changed.size} weights as"
                f" others, the first at {index}: {int(part[index])} as {value:g}."
            )
    return _exponents_kept(layer, made)


def _exponents_kept(layer: FileLayer, made: list[Mantissas]) -> list[Mantissas]:
    fields = ("weight_exponent", "recurrent_weight_exponent")
    return [exponent_kept(layer, part, own) for part, own in zip(made, fields, strict=False)]


def _matrix(layer: FileLayer, field_name: str, n_post: int) -> np.ndarray:
    weights = layer.numbers(field_name)
    if weights.ndim == 1 and weights.size % n_post == 0:
        weights = weights.reshape(n_post, -1)
    if weights.ndim != 2 or len(weights) != n_post:
        raise ConversionError(
            f"{layer.where}.{field_name}: shape {weights.shape}; ({n_post}, inputs) is needed"
        )
    return weights
