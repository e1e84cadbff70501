"""Models whose output is the potential of neurons that could fire."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from conversions.pytorch.network.wiring import Wiring
from conversions.real_network import RealReset
from conversions.real_network.potential_readout import can_be_shown, shown_name


def heard_layers(wired: Wiring) -> set[str]:
    """Layers that another one listens to, or a maximum."""
    heard = {link.source for given in wired.arriving.values() for link in given.links}
    return heard | {gate.source for gate in wired.gates.values()}


def read_as_potentials(
    wired: Wiring, sent: dict[str, np.ndarray], shown: set[str], spiking: set[str]
) -> tuple[dict[str, np.ndarray], list[str], list[str]]:
    """Make readouts of the layers that are shown, where that changes nothing.

    Parameters
    ----------
    wired
        Readings of its layers may be changed.
    sent
        What each layer sent in the model's own run, by path.
    shown
        Layers whose potential the model decides by.
    spiking
        Layers whose spikes it decides by.

    Returns
    -------
    sent
        Without the layers that are readouts now.
    beside
        Layers that fire, whose potential a readout beside them can have.
    notes
        For the report.
    """
    notes, beside, heard = [], [], heard_layers(wired)
    for path in sorted(shown & set(sent)):
        layer = wired.layers[path]
        dynamics, fired = layer.reading.dynamics, bool(sent[path].any())
        counts = path in spiking or path in heard or dynamics.reset is not RealReset.NONE
        if fired and counts and can_be_shown(dynamics):
            beside.append(path)
            notes.append(
                f"{path}: the model decides by the potential of these neurons, which fire; the"
                f" readout {shown_name(path)} beside them has it."
            )
            continue
        if counts and (fired or path in spiking or path in heard):
            continue  # v of the neurons themselves, after each reset
        never = "" if dynamics.reset is RealReset.NONE else ", as none fired on the samples"
        notes.append(
            f"{path}: the model decides by its potential and not its spikes, so it is a readout"
            f" that never fires{never}."
        )
        silent = replace(
            dynamics, threshold=math.inf, threshold_rise=0.0, reset=RealReset.ZERO, refractory=0
        )
        layer.reading = replace(layer.reading, dynamics=silent, spikes_output=None)
        sent = {name: numbers for name, numbers in sent.items() if name != path}
    return sent, beside, notes
