"""The grid of a layer that changes its output least, on calibration data."""

from __future__ import annotations

import dataclasses

import numpy as np

from conversions.quantization.error_feedback import fed_back
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
from conversions.quantization.whole_steps import whole_steps
from conversions.report import GridChoice

# shares of the largest weight that are covered; below half, too much saturates
COVERAGES = (1.0, 0.93, 0.86, 0.79, 0.72, 0.65, 0.58, 0.5)


def best_grid(trial: Trial, form: ScaleForm) -> LayerGrid:
    """The grid of least mismatch to the model.

    A grid on which every weight is whole needs no search. Otherwise steps are chosen by the
    spikes that each scale's neurons miss, then weights are rounded with regard to what
    arrives, if that misses fewer still.

    Parameters
    ----------
    trial
        The layer, fed by what was converted before it.
    form
        Whether neurons may have their own scales.
    """
    layer = trial.layer
    seen = MARGIN * np.abs(trial.potentials).max(axis=(0, 1))
    known = Range(potential=seen)
    if not layer.dynamics.is_readout:
        known = Range(potential=np.maximum(seen, layer.thresholds))
    whole = whole_steps(layer, ScaleForm.LAYER) or whole_steps(layer, form)
    if whole is not None:
        return settled(layer, whole, known)
    proposals = [
        dataclasses.replace(covering_steps(layer, form, coverage), choice=GridChoice.CALIBRATED)
        for coverage in COVERAGES
    ]
    grids = [settled(layer, proposal, known) for proposal in proposals]
    missed = np.array([trial.missed(grid) for grid in grids])
    totals = missed.sum(axis=1)
    best = grids[int(totals.argmin())]
    if form is ScaleForm.NEURON and not layer.dynamics.is_readout:
        mixed = settled(layer, _mixed(layer, proposals, missed), known)
        best = _better(trial, best, mixed)
    return _better(trial, best, _fed_back(trial, best))


def _better(trial: Trial, one: LayerGrid, other: LayerGrid) -> LayerGrid:
    first, second = (float(trial.missed(grid).sum()) for grid in (one, other))
    return other if second < first else one


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


def _fed_back(trial: Trial, grid: LayerGrid) -> LayerGrid:
    sent = {name: trial.recordings.arriving(name) for name in trial.layer.sources}
    rounded = {
        s.projection.name: fed_back(s, trial.layer, grid, sent[s.projection.source])
        for s in trial.layer.synapses
    }
    return dataclasses.replace(grid, rounded=rounded)
