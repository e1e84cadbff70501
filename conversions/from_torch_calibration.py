"""Calibration data of a conversion, and the grids chosen by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from conversions.from_torch_layers import convert_stage
from conversions.report import GridChoice
from conversions.scaling import best_grid, candidate_grids, spike_mismatch
from hw_models import Chip, FixedPointNetwork, InputError, InputPopulation
from hw_models.weight_grid import WeightGrid, covering_grid
from ssdp_neuro.training import SpikingNetwork, Stage
from ssdp_neuro.training.network import as_spikes, weight_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Spikes that a model is known to see, with or without their classes.

    Parameters
    ----------
    spikes
        float32 of 0 and 1, ``(B, T, *input_shape)``.
    labels
        Integers ``(B,)``, or None.
    """

    spikes: torch.Tensor
    labels: np.ndarray | None = None

    def run(self, model: SpikingNetwork) -> dict[str, np.ndarray]:
        """Spikes of every layer of neurons by name, bool ``(B, T, N)``."""
        with torch.no_grad():
            recorded = model.record(self.spikes)
        return {name: fired.flatten(2).numpy() != 0 for name, fired in recorded.items()}


def calibration_of(given: Any, model: SpikingNetwork) -> Calibration | None:
    """Check what the user gave: None, spikes, or a pair of spikes and labels.

    Raises
    ------
    InputError
        If it does not fit the model.
    """
    if given is None:
        return None
    spikes, labels = given if isinstance(given, tuple) else (given, None)
    array = np.asarray(spikes)
    if array.ndim < 3 or array.shape[2:] != model.input_shape or 0 in array.shape:
        raise InputError(
            f"calibration: spikes of shape {array.shape};"
            f" (B, T, {', '.join(map(str, model.input_shape))}) is needed"
        )
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise InputError("calibration: spikes other than 0 and 1")
    if labels is not None:
        labels = np.asarray(labels)
        if labels.shape != array.shape[:1] or labels.dtype.kind not in "iu":
            raise InputError(
                f"calibration: labels of shape {labels.shape} and dtype {labels.dtype};"
                f" integers of shape ({len(array)},) are needed"
            )
    return Calibration(spikes=as_spikes(array), labels=labels)


def choose_grids(
    parts: list[Stage], chip: Chip, data: Calibration | None, before: dict[str, np.ndarray]
) -> tuple[dict[str, WeightGrid], dict[str, GridChoice]]:
    """Grids by name of the neurons, and why these.

    From input to output, each layer fed by the spikes of the layers converted so far, so
    that one can make up for what the last one lost.

    Parameters
    ----------
    parts
        Stages of the model.
    chip
        Registers.
    data
        Calibration data, or None.
    before
        Spikes of the model on them, by name of the neurons.
    """
    grids: dict[str, WeightGrid] = {}
    choices: dict[str, GridChoice] = {}
    arriving = None if data is None else data.spikes.numpy() != 0
    for stage in parts:
        name = stage.neurons_path
        settings: dict[str, Any] = {
            "real_threshold": stage.neurons.threshold,
            "current_decay": stage.neurons.current_decay,
            "chip": chip,
        }
        if stage.neurons.grid is not None:
            grids[name], choices[name] = stage.neurons.grid, GridChoice.TRAINED
        elif arriving is None:
            grids[name] = covering_grid(weight_of(stage.synapses), **settings)
            choices[name] = GridChoice.COVERING
        else:
            grids[name] = _calibrated(stage, settings, arriving, before[name])
            choices[name] = GridChoice.CALIBRATED
        if arriving is not None:
            arriving = emitted(stage, grids[name], arriving)
    return grids, choices


def _calibrated(
    stage: Stage, settings: dict[str, Any], arriving: np.ndarray, wanted: np.ndarray
) -> WeightGrid:
    def mismatch(grid: WeightGrid) -> float:
        return spike_mismatch(emitted(stage, grid, arriving).reshape(wanted.shape), wanted)

    return best_grid(candidate_grids(weight_of(stage.synapses), **settings), mismatch)


def emitted(stage: Stage, grid: WeightGrid, arriving: np.ndarray) -> np.ndarray:
    """Spikes of a stage alone on a grid, in the engine; bool ``(B, T, *shape)`` in and out."""
    from ssdp_neuro import simulate

    n_samples, n_steps = arriving.shape[:2]
    source = InputPopulation(name="arriving", shape=arriving.shape[2:])
    projection, population = convert_stage(stage, grid, source)
    alone = FixedPointNetwork(populations=[source, population], projections=[projection])
    run = simulate(alone, arriving, n_steps=n_steps)
    return run.raster(population.name).reshape(n_samples, n_steps, *population.shape)
