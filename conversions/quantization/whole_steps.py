"""Steps of which every weight of a layer is a whole number: nothing has to be rounded then.

Networks that were quantized elsewhere have them, and small ones made by hand.
"""

from __future__ import annotations

import numpy as np

from conversions.quantization.grid_proposals import ScaleForm, Steps, shared_by
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import ON_GRID
from conversions.report import GridChoice

PARTS = range(1, 9)  # the smallest weight may be that many steps


def whole_steps(layer: Layer, form: ScaleForm) -> Steps | None:
    """The smallest steps that divide all weights and cover them; None if there are none.

    Parameters
    ----------
    layer
        Its weights.
    form
        Whether neurons may have steps of their own.
    """
    smallest = np.zeros(layer.n_neurons)  # as the inverse, so that 0 is "no weight"
    for synapses in layer.synapses:
        sizes = np.abs(synapses.weights)
        inverse = np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0)
        smallest = np.maximum(smallest, synapses.largest(inverse))
    smallest = shared_by(layer, form, smallest)
    if not smallest.any():
        return None
    largest_inverse = np.where(smallest > 0, smallest, smallest.max())
    steps = np.full(layer.n_neurons, np.nan)
    for parts in PARTS:
        quantum = 1.0 / (largest_inverse * parts)
        missing = np.isnan(steps) & ~_indivisible(layer, form, quantum)
        steps = np.where(missing, quantum, steps)
        if not np.isnan(steps).any():
            return _finest(layer, form, steps)
    return None


def _indivisible(layer: Layer, form: ScaleForm, quantum: np.ndarray) -> np.ndarray:
    bad = np.zeros(layer.n_neurons)
    for synapses in layer.synapses:
        counts = synapses.weights / synapses.spread(quantum)
        bad = np.maximum(bad, synapses.largest(np.abs(counts - np.rint(counts))))
    return shared_by(layer, form, bad) > ON_GRID


def _finest(layer: Layer, form: ScaleForm, quantum: np.ndarray) -> Steps | None:
    """As many mantissas for a quantum as there is room for."""
    needed, even = np.zeros(layer.n_neurons), False
    for synapses in layer.synapses:
        needed = np.maximum(needed, synapses.steps_needed(layer.bits))
        even |= not synapses.one_sign
    each = 2 if even else 1
    room = np.floor(quantum / (each * shared_by(layer, form, needed)) * (1 + 1e-9))
    if (room < 1).any():
        return None
    return Steps(
        steps=quantum / (each * room),
        coverage=np.ones(layer.n_neurons),
        choice=GridChoice.EXACT,
        parts=room,
    )
