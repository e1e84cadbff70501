"""Models whose output is the potential of neurons that could fire."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from torch import nn

from conversions.pytorch.network.wiring import Wiring
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.tracing import Trace
from conversions.pytorch.trace.values import (
    Combination,
    Largest,
    Mapped,
    Opaque,
    Spikes,
    Total,
    Value,
)
from conversions.real_network import RealReset
from conversions.real_network.potential_readout import can_be_shown
from hw_models import ConversionError


def shown_potentials(found: Trace) -> set[str]:
    """Layers whose potential (or current) the model returns, and whose spikes it does not."""
    spikes, states = set(), set()
    seen: set[int] = set()
    waiting = list(found.outputs)
    while waiting:
        for value in _values(found.tape, waiting.pop()):
            if value.start in seen:
                continue
            seen.add(value.start)
            if isinstance(value, Spikes):
                spikes.add(value.population)
            elif isinstance(value, Opaque) and not value.given.size:
                states.add(value.path)
            else:
                waiting += _given(value)
    return (states & set(found.layers)) - spikes


def check_ending(found: Trace, model: nn.Module) -> None:
    """Refuse layers of PyTorch with weights of their own between the neurons and the output.

    Raises
    ------
    ConversionError
        If there is one that is not linear; names its path.
    """
    modules = dict(model.named_modules())
    seen: set[int] = set()
    waiting = list(found.outputs)
    while waiting:
        for value in _values(found.tape, waiting.pop()):
            if value.start in seen:
                continue
            seen.add(value.start)
            if isinstance(value, Opaque) and value.given.size and _weighs(modules.get(value.path)):
                raise ConversionError(
                    f"{found.tape.place(value)}: {value.operation} comes between the last neurons"
                    " and the model's output; supported there are linear layers, and sums, means"
                    " and maxima over the steps"
                )
            if not isinstance(value, Spikes):
                waiting += _given(value)


def _weighs(module: nn.Module | None) -> bool:
    own = type(module).__module__.split(".")[0] == "torch"
    return module is not None and own and any(True for _ in module.parameters(recurse=False))


def unheard(wired: Wiring) -> list[str]:
    """Layers that no other one listens to, nor a maximum."""
    heard = {link.source for given in wired.arriving.values() for link in given.links}
    heard |= {gate.source for gate in wired.gates.values()}
    return [path for path in wired.layers if path not in heard]


def read_as_potentials(
    wired: Wiring, sent: dict[str, np.ndarray], shown: set[str]
) -> tuple[dict[str, np.ndarray], list[str], list[str]]:
    """Make readouts of the layers that are shown, where that changes nothing.

    Parameters
    ----------
    wired
        Readings of its layers may be changed.
    sent
        What each layer sent in the model's own run, by path.
    shown
        As of :func:`shown_potentials`.

    Returns
    -------
    sent
        Without the layers that are readouts now.
    beside
        Layers that fire, whose potential a readout beside them can have.
    notes
        For the report.
    """
    notes, beside = [], []
    for path in sorted(shown & set(unheard(wired)) & set(sent)):
        layer = wired.layers[path]
        dynamics, fired = layer.reading.dynamics, bool(sent[path].any())
        if dynamics.reset is not RealReset.NONE and fired and can_be_shown(dynamics):
            beside.append(path)
            notes.append(
                f"{path}: the model returns the potential of these neurons, which fire; the"
                f" readout {path} potential beside them has it."
            )
            continue
        if dynamics.reset is not RealReset.NONE and fired:
            notes.append(
                f"{path}: the model returns the potential of these neurons, but they fire and are"
                " reset; the report's decisions are by their spikes, v is the potential."
            )
            continue
        never = "" if dynamics.reset is RealReset.NONE else ", as none fired on the samples"
        notes.append(
            f"{path}: the model returns its potential and not its spikes, so it is a readout that"
            f" never fires{never}."
        )
        silent = replace(dynamics, threshold=math.inf, reset=RealReset.ZERO, refractory=0)
        layer.reading = replace(layer.reading, dynamics=silent, spikes_output=None)
        sent = {name: numbers for name, numbers in sent.items() if name != path}
    return sent, beside, notes


def _values(tape: Tape, cells: np.ndarray) -> list[Value]:
    return [value for value, _ in tape.values_of(np.unique(cells))]


def _given(value: Value) -> list[np.ndarray]:
    if isinstance(value, Combination):
        return [cells.reshape(-1) for _, cells in value.parts]
    if isinstance(value, (Mapped, Total, Largest, Opaque)):
        return [value.given.reshape(-1)]
    return []
