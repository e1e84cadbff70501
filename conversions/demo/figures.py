"""The demo's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from conversions.demo.result import DemoResult
from conversions.report_pages.svg_figures import DARK, GREY, NEW, OLD, blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POPULATION_COLOURS = {"input": GREY, "hidden": OLD, "output": NEW}


def raster_figure(result: DemoResult) -> Figure:
    """One digit, pixels to output, after learning; the output before it as well."""
    example, n_steps = result.example, result.settings.n_steps
    figure = blank(8.5, 5.6)
    grid = figure.add_gridspec(4, 2, width_ratios=(1, 4), height_ratios=(3, 5, 1.6, 1.6))
    picture = figure.add_subplot(grid[0, 0])
    picture.imshow(example.image, cmap="Greys", vmin=0, vmax=1)
    picture.set(xticks=[], yticks=[], title=f"a held-out {example.label}")
    panels = [
        ("input", "pixels", example.rasters["input"]),
        ("hidden", "hidden", example.rasters["hidden"]),
        ("output", "output,\nbefore learning", example.before),
        ("output", "output,\nafter learning", example.rasters["output"]),
    ]
    for row, (name, label, raster) in enumerate(panels):
        axes = figure.add_subplot(grid[row, 1])
        steps, neurons = np.nonzero(raster)
        is_output = name == "output"
        colour = DARK if is_output else POPULATION_COLOURS[name]
        axes.scatter(
            steps,
            neurons,
            s=40 if is_output else 14,
            c=[NEW if is_output and neuron == example.label else colour for neuron in neurons],
            marker="|",
            linewidths=1.4,
        )
        axes.set(xlim=(-0.7, n_steps - 0.3), ylim=(-1, raster.shape[1]))
        axes.set_xticks(range(0, n_steps, 5))
        axes.set_ylabel(label, rotation=0, ha="right", va="center")
        if is_output:
            axes.set_yticks([0, raster.shape[1] - 1])
        if row < len(panels) - 1:
            axes.set_xticklabels([])
    axes.set_xlabel("step")
    return figure


def latency_figure(result: DemoResult) -> Figure:
    """Distribution of first spikes on the held-out digits, by population."""
    n_steps = result.settings.n_steps
    figure = blank(7.5, 2.8)
    axes = figure.add_subplot()
    edges = np.arange(n_steps + 1) - 0.5
    for name, steps in result.first_spikes.items():
        counts, _ = np.histogram(steps, bins=edges)
        share = counts / max(counts.sum(), 1)
        colour = POPULATION_COLOURS[name]
        axes.stairs(share, edges, color=colour, linewidth=1.6, label=name)
        if steps.size:
            axes.axvline(float(np.median(steps)), color=colour, linestyle=":", linewidth=1.2)
    axes.set(xlabel="step of the first spike", ylabel="share of neurons that fired")
    axes.set_xlim(-0.5, n_steps - 0.5)
    axes.set_xticks(range(0, n_steps, 5))
    axes.legend(frameon=False, title="dotted: median")
    return figure


def accuracy_figure(result: DemoResult) -> Figure:
    """Accuracy before and after learning, old classes beside new ones."""
    names = ["no learning"]
    accuracies = [result.before]
    for found in result.learning:
        which = "each digit" if found.rehearsed else "each new digit"
        names.append(f"{found.shots} of\n{which}")
        accuracies.append(found.accuracy)
    first_new = result.settings.n_trained_classes
    series = [
        (f"digits 0-{first_new - 1}", OLD, [a.trained or 0.0 for a in accuracies]),
        (f"digits {first_new}-9", NEW, [a.new or 0.0 for a in accuracies]),
        ("all", DARK, [a.everything for a in accuracies]),
    ]
    figure = blank(7.5, 3.0)
    axes = figure.add_subplot()
    places = np.arange(len(names))
    for offset, (label, colour, values) in zip((-0.27, 0.0, 0.27), series, strict=True):
        bars = axes.bar(places + offset, [100 * v for v in values], 0.25, color=colour, label=label)
        axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=1)
    axes.set_xticks(places, names)
    axes.set(ylabel="accuracy on held-out digits, %", ylim=(0, 110))
    axes.set_yticks(range(0, 101, 20))
    axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure
