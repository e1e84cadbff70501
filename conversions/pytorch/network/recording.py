"""The model's own run on calibration data, and whether what was read explains it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from conversions.linear_maps.algebra import sparse
from conversions.pytorch.model import dtype_of, rested_copy
from conversions.pytorch.network.wiring import Wiring, with_gates
from conversions.pytorch.trace.observer import ObservedLayer, Observer
from conversions.pytorch.trace.tracing import INPUT, Run
from conversions.real_network import NeuronDynamics
from conversions.real_network.multi_spike_neurons import counted_spikes
from hw_models import ConversionError


def floor_notes(path: str, wired: Wiring) -> list[str]:
    """What is otherwise without its lower bound in a layer; nothing if no input reaches it."""
    floor = wired.layers[path].reading.floor
    if floor is None:
        return []
    lowest = _lowest(path, wired)
    reaching = lowest < floor
    if not reaching.any():
        return []
    return [
        f"{path}: the potential's lower bound {float(np.max(floor)):g} (min_v_mem) is not kept, the"
        f" chip has none; {reaching.mean():.0%} of the neurons can get below it, and fire later"
        " after strong inhibition."
    ]


def _lowest(path: str, wired: Wiring) -> np.ndarray:
    """A bound of every neuron's potential from below, float64 ``(N,)``; -inf for none."""
    dynamics, arriving = wired.layers[path].reading.dynamics, wired.arriving[path]
    down = np.minimum(arriving.constant + dynamics.current_bias, 0.0)
    for link in arriving.links:
        synapses = sparse(link.map)
        source = wired.layers.get(link.source)
        most = 1 if source is None else source.reading.most_spikes
        down = down + most * np.bincount(
            synapses.post, np.minimum(synapses.weights, 0.0), len(down)
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        low = dynamics.gain * down / (1.0 - dynamics.current_kept) + np.minimum(dynamics.bias, 0)
        low = np.where(low < 0, low / (1.0 - dynamics.voltage_kept), 0.0)
    return np.minimum(low, dynamics.initial)


CHUNK = 256
"""Samples of one run; each starts from a model at rest."""

OwnNumbers = Callable[[Any, int, int], np.ndarray]
"""``(what the model returned, samples, steps) -> float64 (B, K)``."""

TIE = 1e-5
"""How near to threshold float32 may decide otherwise, in units of the layer's numbers."""


def record(
    model: nn.Module, run: Run, spikes: np.ndarray, read: OwnNumbers | None
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """What every layer of a model sends, and what numbers of classes it returns.

    Parameters
    ----------
    model
        Left as it is.
    spikes : bool or 0/1, shape (B, T, ...)
    read
        Finds the numbers of classes in what the model returned; None not to.

    Returns
    -------
    sent
        ``(B, T, N)`` by path, the input's spikes included.
    own
        What ``read`` found, float64 ``(B, K)``; None without it.
    """
    parts: list[dict[str, np.ndarray]] = []
    own: list[np.ndarray] = []
    for start in range(0, len(spikes), CHUNK):
        given = torch.from_numpy(np.array(spikes[start : start + CHUNK], dtype=np.float32))
        n_samples, n_steps = given.shape[:2]
        copied = rested_copy(model, n_samples, n_steps)
        observer = Observer(copied, n_samples, n_steps)
        with torch.no_grad():
            out = run(copied, given.to(dtype_of(copied)))
        if read is not None:
            own.append(read(out, n_samples, n_steps))
        sent = {
            path: layer.sent[0].numpy() for path, layer in observer.finish().items() if layer.sent
        }
        parts.append({INPUT: given.flatten(2).numpy(), **sent})
    sent = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return sent, np.concatenate(own) if own else None


def unexplained(wired: Wiring, sent: dict[str, np.ndarray]) -> list[str]:
    """Compare each layer's spikes with those that its reading makes of what arrives.

    Parameters
    ----------
    wired
        What was read.
    sent
        By path, as :func:`record` gives it; a few samples are enough.

    Returns
    -------
    list of str
        What a layer that says so in its notes does otherwise.

    Raises
    ------
    ConversionError
        If a layer that says nothing sends other spikes: then this version of the
        framework computes something else than its reader knows.
    """
    spikes = with_gates(sent, wired.gates)
    notes = []
    for path, layer in wired.layers.items():
        dynamics = layer.reading.dynamics
        notes += floor_notes(path, wired)
        if path not in sent or dynamics.grid is not None:
            continue  # on a grid the chip's integers are computed, not these real numbers
        currents = wired.arriving[path].of(spikes)
        share = _share_of_others(dynamics, layer.reading.most_spikes, currents, sent[path])
        if not share:
            continue
        kind = type(layer.module).__name__
        if not layer.reading.notes and not floor_notes(path, wired):
            raise ConversionError(
                f"{path}: {share:.2%} of the neurons of {kind} send other spikes than its reader"
                f" expects ({_summary(layer)}); this version of the framework computes something"
                " else. Supported are the versions named in the extra 'frameworks'; a reader of"
                " your own can be given to conversions.register_neuron"
            )
        notes.append(
            f"{path}: {share:.2%} of its neurons send other spikes on the samples looked at"
            " than the chip's neuron would, for the reason given above."
        )
    return notes


def _share_of_others(
    dynamics: NeuronDynamics, most: int, currents: np.ndarray, sent: np.ndarray
) -> float:
    """Share of neurons and samples that differ first where no rounding can be to blame."""
    sent = sent if most > 1 else sent != 0
    first = _first_difference(_sent_by(dynamics, currents, most), sent)
    if (first == sent.shape[1]).all():
        return 0.0
    margin = TIE * (dynamics.threshold + np.abs(dynamics.gain * currents).max(initial=0.0))
    excused = first == sent.shape[1]
    for side in (-1, 1):
        threshold = np.maximum(dynamics.threshold + side * margin, np.finfo(np.float64).tiny)
        moved = dataclasses.replace(dynamics, threshold=threshold)
        excused |= _first_difference(_sent_by(moved, currents, most), sent) > first
    return float((~excused).mean())


def _sent_by(dynamics: NeuronDynamics, currents: np.ndarray, most: int) -> np.ndarray:
    return counted_spikes(dynamics, currents, most) if most > 1 else dynamics.run(currents)[0]


def _first_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Step in which each neuron of each sample differs first, ``(B, N)``; T if never."""
    differs = one != other
    return np.where(differs.any(axis=1), differs.argmax(axis=1), differs.shape[1])


def _summary(layer: ObservedLayer) -> str:
    dynamics = layer.reading.dynamics
    return (
        f"voltage kept {_number(dynamics.voltage_kept)}, threshold {_number(dynamics.threshold)},"
        f" current kept {_number(dynamics.current_kept)}, reset {dynamics.reset.value!r}"
    )


def _number(values: np.ndarray) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
