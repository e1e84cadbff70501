"""The grid of a layer that changes its output least, on calibration data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from conversions.conversion_report import GridChoice
from conversions.quantization.error_feedback import round_with_feedback
from conversions.quantization.grid_proposals import (
    Range,
    ScaleForm,
    covering_steps,
    settle,
    whole_steps,
)
from conversions.quantization.layer_grid import LayerGrid
from conversions.quantization.synapses import ScaledSynapses
from conversions.quantization.trial import Trial

# shares of the largest weight that are covered; below half, too much saturates
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


def best_grid(
    trial: Trial, form: ScaleForm, tried: Callable[[float], None] = lambda share: None
) -> LayerGrid:
    """The grid of least mismatch to the model.

    A grid on which every weight is whole needs no search. Otherwise it is chosen how much of
    the weights' range saturates, then weights are rounded with regard to what arrives, if
    that misses less still. More is not chosen by the data: neurons with a coverage or a
    threshold of their own missed less on them, but more on others.

    Parameters
    ----------
    trial
        The layer, fed by what was converted before it.
    form
        Whether neurons may have their own scales.
    tried
        Is told which share of the grids has been tried.
    """
    layer = trial.layer
    known = Range.seen(layer, trial.model)
    whole = whole_steps(layer, ScaleForm.LAYER) or whole_steps(layer, form)
    if whole is not None:
        return settle(layer, whole, known)
    grids = [
        settle(
            layer,
            dataclasses.replace(covering_steps(layer, form, share), choice=GridChoice.CALIBRATED),
            known,
        )
        for share in COVERAGES
    ]
    missed = []
    for number, grid in enumerate(grids):
        tried(number / (len(grids) + 2))
        missed.append(trial.missed(grid))
    best = grids[missed.index(min(missed))]
    tried(len(grids) / (len(grids) + 2))
    rounded = _with_feedback(trial, best)
    return rounded if trial.missed(rounded) < min(missed) else best


def _with_feedback(trial: Trial, grid: LayerGrid) -> LayerGrid:
    rounded = {
        s.projection.name: round_with_feedback(s, trial.layer, grid, _sent(trial, s))
        for s in trial.layer.synapses
    }
    return dataclasses.replace(grid, rounded=rounded)


def _sent(trial: Trial, synapses: ScaledSynapses) -> np.ndarray:
    """What the source sends, ``(B, T, n_pre)``: spikes, or the numbers that they are digits of."""
    if not synapses.lower:
        return trial.recordings.arriving(synapses.projection.source)
    digits = [
        np.ldexp(trial.recordings.arriving(projection.source).astype(np.float64), -less)
        for projection, less in synapses.digits
    ]
    return np.sum(digits, axis=0)
