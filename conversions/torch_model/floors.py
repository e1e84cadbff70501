"""Lower bounds of membrane potentials, which the chip has not: whether they can be reached."""

from __future__ import annotations

import numpy as np

from conversions.torch_model.linear_maps import sparse
from conversions.torch_model.wiring import Wiring


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
