"""Delays of a layer in a file: of what it sends, or of what arrives at it.

SLAYER's blocks delay what a neuron sends. The file has a delay for each neuron; netx gives it
to all synapses that end at the neuron instead, which comes to the same for neurons that start
at rest and get nothing but spikes, and gives those of a convolution to nobody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from conversions.netx.chain import Chain
from conversions.netx.hdf5_layers import FileLayer, NetxMeaning
from hw_models import ConversionError, DenseProjection, LifPopulation, SparseProjection
from hw_models.projections import MAX_DELAY


def delay_last_spikes(chain: Chain) -> None:
    """Delays of the last layer's spikes, which no projection follows."""
    leaving, last = chain.leaving, chain.source
    if leaving is None:
        return
    into = [p for p in chain.projections if p.target == last.name]
    at_rest = not last.bias.any() and len(into) == 1 and isinstance(into[0], DenseProjection)
    if at_rest:
        dense = into[0]
        before = 0 if dense.delays is None else dense.delays.astype(np.int64)
        chain.projections[chain.projections.index(dense)] = DenseProjection(
            source=dense.source,
            target=dense.target,
            weights=dense.weights,
            weight_exponent=dense.weight_exponent,
            delays=np.broadcast_to(before + leaving[:, None], dense.weights.shape),
            name=dense.name,
        )
        chain.notes.append(
            f"{last.name}: the last layer's delays are those of what arrives at it, which comes to"
            " the same."
        )
        return
    places = np.arange(last.n_neurons)
    chain.populations.append(
        LifPopulation(
            name=f"{last.name} delayed",
            shape=last.shape,
            current_decay=4095,
            voltage_decay=4096,
            threshold=1,
        )
    )
    chain.projections.append(
        SparseProjection(
            source=last.name,
            target=chain.source.name,
            pre=places,
            post=places,
            weights=np.full(len(places), 2),
            delays=leaving,
        )
    )
    chain.notes.append(
        f"{chain.source.name}: neurons that repeat the spikes of {last.name} as late as the last"
        " layer's delays say, and one step later."
    )


NETX_MAX_DELAY = 62
DELAY = "delay"


@dataclass(frozen=True, kw_only=True, eq=False)
class Delays:
    """Steps, int64; None for none.

    Parameters
    ----------
    arriving : shape (n_post, n_pre)
        Of the layer's synapses.
    leaving : shape (n_post,)
        Of its spikes.
    """

    arriving: np.ndarray | None = None
    leaving: np.ndarray | None = None


def dense_delays(
    layer: FileLayer, synapses: tuple[int, int], meaning: NetxMeaning, notes: list[str]
) -> Delays:
    """Delays of a dense layer with ``(n_post, n_pre)`` synapses."""
    if DELAY not in layer.values:
        return Delays()
    given = _steps(layer, meaning, notes)
    n_post, n_pre = synapses
    if given.ndim == 2:
        if given.shape != synapses:
            raise ConversionError(
                f"{layer.where}.delay: shape {given.shape}; weights have {synapses}"
            )
        return Delays(arriving=given)
    is_trained = meaning is NetxMeaning.AS_TRAINED
    if given.size in (1, n_post):
        if is_trained:
            return _left(np.broadcast_to(given.reshape(-1), n_post))
        return _arrived(np.broadcast_to(given.reshape(-1, 1), synapses))
    if given.size == n_pre:  # as netx has it; SLAYER writes no such thing
        return _arrived(np.broadcast_to(given.reshape(1, -1), synapses))
    raise ConversionError(
        f"{layer.where}.delay: {given.size} delays; {n_post} (neurons), {n_pre} (inputs), 1 or"
        f" {synapses} are supported"
    )


def conv_delays(
    layer: FileLayer, shape: tuple[int, ...], meaning: NetxMeaning, notes: list[str]
) -> Delays:
    """Delays of a convolution or pooling, one for each channel of ``shape``."""
    if DELAY not in layer.values:
        return Delays()
    if meaning is NetxMeaning.AS_LOADED:
        if layer.numbers(DELAY).any():
            notes.append(f"{layer.where}: netx drops its delays, and so they are dropped here.")
        return Delays()
    given = _steps(layer, meaning, notes).reshape(-1)
    if given.size not in (1, shape[0]):
        raise ConversionError(
            f"{layer.where}.delay: {given.size} delays; 1 or {shape[0]} (channels) are supported"
        )
    if given.any():
        notes.append(f"{layer.where}: its delays, which netx drops, are kept.")
    per_channel = np.broadcast_to(given, shape[0])
    return _left(np.repeat(per_channel, math.prod(shape[1:])))


def total(leaving: np.ndarray | None, arriving: np.ndarray | None) -> np.ndarray | None:
    """Delays of synapses ``(n_post, n_pre)`` (or those of their sources alone)."""
    if leaving is None or arriving is None:
        return arriving if leaving is None else leaving
    return leaving + arriving


def _steps(layer: FileLayer, meaning: NetxMeaning, notes: list[str]) -> np.ndarray:
    given = layer.numbers(DELAY)
    longest = int(given.max())
    if meaning is NetxMeaning.AS_LOADED and longest > NETX_MAX_DELAY:
        notes.append(f"{layer.where}: delays up to {longest}; netx clamps them to 62.")
        given = given.clip(None, NETX_MAX_DELAY)
    elif longest > NETX_MAX_DELAY:
        notes.append(f"{layer.where}: delays up to {longest} are kept; netx clamps them to 62.")
    if given.min() < 0 or given.max() > MAX_DELAY:
        raise ConversionError(
            f"{layer.where}.delay: {int(given.min())}..{longest}; 0..{MAX_DELAY} is supported"
        )
    return given


def _left(delays: np.ndarray) -> Delays:
    return Delays(leaving=delays) if delays.any() else Delays()


def _arrived(delays: np.ndarray) -> Delays:
    return Delays(arriving=delays) if delays.any() else Delays()
