"""Figures of a comparison: accuracy, agreement by layer, confusion, one sample's spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from conversions.comparison.presentation import heading
from conversions.comparison.result import Comparison
from conversions.comparison.runners import Runner
from conversions.report_pages.svg_figures import DARK, GREY, NEW, OLD, blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {Runner.FLOAT: GREY, Runner.QUANTIZED: OLD, Runner.ENGINE: NEW, Runner.LAVA: DARK}


def accuracy_figure(found: Comparison) -> Figure:
    """Accuracy by executor: a dot for each run, a line for the mean.

    All are of the same samples: who saw fewer than the engine has no dot.
    """
    figure = blank(7.5, 2.6)
    axes = figure.add_subplot()
    names = []
    for place, runner in enumerate(found.runners):
        if found.is_partial(runner):
            names.append(heading(found, runner).replace(" (", "\n(").replace(")", ", not shown)"))
            continue
        names.append(runner.value)
        values = 100 * found.accuracies(runner)
        spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
        axes.hlines(values.mean(), place - 0.28, place + 0.28, color=COLOURS[runner])
        axes.scatter(place + spread, values, s=22, color=COLOURS[runner], zorder=3)
        axes.annotate(f"{values.mean():.2f}", (place + 0.3, values.mean()), va="center", fontsize=8)
    axes.set_xticks(range(len(found.runners)), names)
    axes.set_xlim(-0.5, len(found.runners) - 0.3)
    axes.set_ylabel("accuracy, %")
    return figure


def agreement_figure(found: Comparison) -> Figure:
    """By layer, how much of what an executor does is as in the engine."""
    figure = blank(7.5, 2.6)
    layers = list(found.layers)
    panels = (
        ("spikes with a counterpart, %", found.spike_agreement),
        ("first spikes in the same step, %", found.latency_agreement),
    )
    for axes, (title, agreement) in zip(figure.subplots(1, 2), panels, strict=True):
        for runner in found.runners:
            if runner is not Runner.ENGINE:
                values = [100 * agreement(runner)[name] for name in layers]
                name = heading(found, runner)
                axes.plot(layers, values, "o-", color=COLOURS[runner], label=name)
        axes.set_title(title, fontsize=9)
        axes.margins(x=0.15)
    axes.legend(frameon=False, fontsize=8)
    return figure


def confusion_figure(found: Comparison) -> Figure:
    """Class against decision in the engine, all runs together; the last column: undecided."""
    table = found.confusion(Runner.ENGINE)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    size = 2.2 + 0.26 * found.n_classes
    figure = blank(size + 0.6, size)
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Greys", vmin=0, vmax=1)
    if found.n_classes <= 20:
        for (row, column), count in np.ndenumerate(table):
            if count:
                colour = "white" if share[row, column] > 0.5 else DARK
                axes.text(
                    column, row, str(count), ha="center", va="center", fontsize=6, color=colour
                )
    labels = [str(c) for c in range(found.n_classes)]
    axes.set_xticks(range(found.n_classes + 1), [*labels, "none"])
    axes.set_yticks(range(found.n_classes), labels)
    axes.set(xlabel="decision", ylabel="class")
    return figure


def raster_figure(found: Comparison) -> Figure:
    """One sample in PyTorch's real numbers and in the engine, layer by layer."""
    pair = found.example
    layers = list(found.layers)
    figure = blank(8.5, 1.2 + 1.5 * len(layers))
    grid = figure.subplots(len(layers), 2, squeeze=False, sharex=True)
    for row, name in enumerate(layers):
        for column, runner in enumerate((Runner.FLOAT, Runner.ENGINE)):
            axes = grid[row, column]
            mine = pair[runner][name]
            other = pair[Runner.ENGINE if column == 0 else Runner.FLOAT][name]
            for spikes, colour in ((mine & other, DARK), (mine & ~other, NEW)):
                steps, neurons = np.nonzero(spikes)
                axes.scatter(steps, neurons, s=10, c=colour, marker="|", linewidths=1.2)
            axes.set(xlim=(-0.7, found.n_steps - 0.3), ylim=(-1, found.layers[name]))
            if row == 0:
                axes.set_title(runner.value, fontsize=9)
        grid[row, 0].set_ylabel(name)
    for axes in grid[-1]:
        axes.set_xlabel("step")
    return figure
