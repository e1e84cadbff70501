"""Delays of a layer in a file: of what it sends, or of what arrives at it.

SLAYER's blocks delay what a neuron sends. The file has a delay for each neuron; netx gives it
to all synapses that end at the neuron instead, which comes to the same for neurons that start
at rest and get nothing but spikes, and gives those of a convolution to nobody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from conversions.netx_file.hdf5_layers import FileLayer
from conversions.netx_file.meaning import NetxMeaning
from hw_models import ConversionError
from hw_models.projections import MAX_DELAY

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
