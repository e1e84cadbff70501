"""Figures of a comparison: accuracy, agreement by layer, confusion, one sample's spikes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from conversions.comparison.comparison_result import Comparison
from conversions.comparison.presentation import heading
from conversions.execution import Executor
from ssdp_neuro.plot import confusion, energy, network, new_figure, raster, shares
from ssdp_neuro.plot.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LAYERS = 6  # of one sample's rasters


def accuracy_figure(found: Comparison) -> Axes:
    """Accuracy by executor: a dot for each run, a bar for the mean.

    All are of the same samples: who saw fewer than the engine is left out.
    """
    whole = [executor for executor in found.executors if not found.is_partial(executor)]
    values = {executor.value: found.accuracies(executor) for executor in whole}
    return shares(values, label="accuracy", digits=2)


def agreement_figure(found: Comparison, agreement: Callable[..., dict[str, float]]) -> Axes:
    """By layer, a share in which executors do as the engine: one of the comparison's methods."""
    others = [executor for executor in found.executors if executor is not Executor.ENGINE]
    by_layer = {
        layer: {heading(found, executor): agreement(executor)[layer] for executor in others}
        for layer in found.layers
    }
    return shares(by_layer, label="as in the engine", digits=2)


def confusion_figure(found: Comparison) -> Axes:
    """Class against decision in the engine, all runs together."""
    labels = np.concatenate([run.labels for run in found.runs])
    decided = np.concatenate([run.parts[Executor.ENGINE].decisions for run in found.runs])
    return confusion(labels, decided, class_names=[str(c) for c in range(found.n_classes)])


def network_figure(found: Comparison) -> Axes:
    """The network, with what a sample does in it on average."""
    return network(found.network, found.engine_run)


def energy_figure(found: Comparison) -> Axes:
    """Energy of a sample by population."""
    return energy(found.energies, label="dynamic energy of a sample")


def raster_figure(found: Comparison) -> Figure:
    """One sample, layer by layer: in PyTorch's real numbers and below it in the engine."""
    layers = list(found.layers)[:MOST_LAYERS]
    panels = [(layer, executor) for layer in layers for executor in found.example]
    figure = new_figure(WIDTH, 0.5 + 1.05 * len(panels))
    grid = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (layer, executor) in zip(grid, panels, strict=True):
        other = next((e for e in found.example if e is not executor), executor)
        raster(found.example[executor][layer], against=found.example[other][layer], ax=axes)
        axes.set(xlabel="")
        axes.set_title(f"{layer}, {executor.value}", fontsize=9)
    grid[-1].set_xlabel("step")
    return figure
