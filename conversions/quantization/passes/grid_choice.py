"""The grid of every layer: its scale, thresholds, exponents and mantissas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conversions.quantization.grid_proposals import (
    Range,
    ScaleForm,
    covering_steps,
    settle,
    whole_steps,
)
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid, trained_grid
from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.state import ConversionState
from conversions.quantization.recordings import Recordings
from conversions.quantization.search import best_grid
from conversions.quantization.trial import Trial
from ssdp_neuro.progress import Progress

# spikes (of sources and layer, samples times steps times neurons) that a trial looks at
TRIAL_SIZE = 1e7


def choose_grids(state: ConversionState) -> tuple[ConversionState, str]:
    """Choose grids from the input on, each layer fed by those before it."""
    recordings = part = None
    if state.calibration is not None:
        recordings = Recordings.of(state.network, state.when, state.calibration, state.before)
        neurons = sum(spikes.shape[2] for spikes in recordings.before.values())
        affordable = int(TRIAL_SIZE / (recordings.n_steps * neurons))
        part = recordings.part(max(1, min(recordings.n_samples, affordable)))
    grids: dict[str, LayerGrid] = {}
    with Progress(state.progress, "converting") as bar:
        for number, layer in enumerate(in_order(list(state.layers))):

            def tried(share: float, done: int = number, name: str = layer.name) -> None:
                bar.update(done + share, len(state.layers), f"layers: {name}")

            trial = None if part is None else Trial(layer, part, state.bias)
            grids[layer.name] = grid = _grid(layer, trial, state.scales, tried)
            if part is not None and trial is not None:
                part.after[layer.name] = trial.spikes(grid)
    rounded = [layer.name for layer in state.layers if not grids[layer.name].is_exact(layer)]
    changed = f"weights of {', '.join(rounded)} rounded" if rounded else ""
    return replace(state, grids=grids, recordings=recordings), changed


def _grid(
    layer: Layer, trial: Trial | None, scales: ScaleForm | None, tried: Callable[[float], None]
) -> LayerGrid:
    if layer.dynamics.grid is not None:
        return trained_grid(layer)
    if trial is not None:
        return best_grid(trial, scales or ScaleForm.NEURON, tried)
    form = scales or ScaleForm.LAYER
    proposal = whole_steps(layer, form) or covering_steps(layer, form)
    return settle(layer, proposal, Range.unknown(layer))


def in_order(layers: list[Layer]) -> list[Layer]:
    """Layers, each after its sources; a loop begins with the one that is listed first."""
    waiting, order = list(layers), []
    while waiting:
        names = {layer.name for layer in waiting}
        ready = [layer for layer in waiting if not (set(layer.sources) - {layer.name}) & names]
        order.append((ready or waiting)[0])
        waiting.remove(order[-1])
    return order


GRIDS = ConversionPass(
    name="grids",
    description="weights become mantissas and thresholds registers, on the scale that costs least",
    rounds=True,
    apply=choose_grids,
)
