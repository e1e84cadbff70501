"""The grid of a layer that changes its output least, on calibration data."""

from __future__ import annotations

import dataclasses

import numpy as np

from conversions.quantization.grid_proposals import (
    MARGIN,
    Range,
    ScaleForm,
    Steps,
    covering_steps,
    settled,
)
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.quantization.trial import Trial
from conversions.report import GridChoice

# shares of the largest weight that are covered; below half, too much saturates
COVERAGES = (1.0, 0.93, 0.86, 0.79, 0.72, 0.65, 0.58, 0.5)


def best_grid(trial: Trial, form: ScaleForm) -> LayerGrid:
    """The grid of least mismatch to the model.

    Parameters
    ----------
    trial
        The layer, fed by what was converted before it.
    form
        Whether neurons may have their own scales.
    """
    layer = trial.layer
    seen = MARGIN * np.abs(trial.potentials).max(axis=(0, 1))
    if layer.dynamics.is_readout:
        return _best_readout(trial, Range(potential=seen))
    known = Range(potential=np.maximum(seen, layer.thresholds))
    tried: list[tuple[int, LayerGrid]] = []
    for scales in ScaleForm if form is ScaleForm.NEURON else (ScaleForm.LAYER,):
        proposals = _proposals(layer, scales)
        missed = []
        for proposal in proposals:
            grid = settled(layer, proposal, known)
            missed.append(trial.missed(grid))
            tried.append((int(missed[-1].sum()), grid))
        if scales is ScaleForm.NEURON:
            grid = settled(layer, _mixed(layer, proposals, np.array(missed)), known)
            tried.append((int(trial.missed(grid).sum()), grid))
    return min(tried, key=lambda pair: pair[0])[1]


def _proposals(layer: Layer, form: ScaleForm) -> list[Steps]:
    return [
        dataclasses.replace(covering_steps(layer, form, coverage), choice=GridChoice.CALIBRATED)
        for coverage in COVERAGES
    ]


def _mixed(layer: Layer, proposals: list[Steps], missed: np.ndarray) -> Steps:
    """For each scale the proposal under which its own neurons missed least."""
    if layer.shares_channels:
        channels = missed.reshape(len(missed), layer.neurons.shape[0], -1)
        missed = np.repeat(channels.sum(axis=2), channels.shape[2], axis=1)
    best, everyone = missed.argmin(axis=0), np.arange(layer.n_neurons)
    return dataclasses.replace(
        proposals[0],
        steps=np.array([p.steps for p in proposals])[best, everyone],
        coverage=np.array([p.coverage for p in proposals])[best, everyone],
    )


def _best_readout(trial: Trial, known: Range) -> LayerGrid:
    def error(grid: LayerGrid) -> float:
        return float(np.square(trial.readout(grid) - trial.potentials).sum())

    grids = [settled(trial.layer, p, known) for p in _proposals(trial.layer, ScaleForm.LAYER)]
    return min(grids, key=error)
