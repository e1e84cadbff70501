"""The demo's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conversions.demo.demo_result import DemoResult
from ssdp_neuro.plot import latencies, new_figure, raster, shares
from ssdp_neuro.plot.palette import BLUE, GREEN, NEUTRAL, VERMILION
from ssdp_neuro.plot.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def image_figure(result: DemoResult) -> Figure:
    """The digit that the rasters are of."""
    figure = new_figure(1.3, 1.3)
    axes = figure.add_subplot()
    axes.imshow(result.example.image, cmap="Greys", vmin=0, vmax=1)
    axes.set_axis_off()
    return figure


def raster_figure(result: DemoResult) -> Figure:
    """One digit, pixels to output, after learning; the output before it as well."""
    example = result.example
    panels = [
        ("pixels", example.rasters["input"], 1.3),
        ("hidden", example.rasters["hidden"], 2.0),
        ("output, before learning", example.before, 0.9),
        ("output, after learning", example.rasters["output"], 0.9),
    ]
    heights = [height for _, _, height in panels]
    figure = new_figure(WIDTH, sum(heights) + 1.0)
    grid = figure.subplots(len(panels), 1, sharex=True, gridspec_kw={"height_ratios": heights})
    for axes, (label, spikes, _) in zip(grid, panels, strict=True):
        own = [example.label] if label.startswith("output") else []
        raster(spikes, highlight=own, ax=axes)
        axes.set(xlabel="")
        axes.set_title(label, fontsize=9)
    grid[-1].set_xlabel("step")
    figure.align_ylabels(grid)
    return figure


def latency_figure(result: DemoResult) -> Axes:
    """Distribution of first spikes on the held-out digits, by population."""
    return latencies(result.first_spikes, n_steps=result.settings.n_steps)


def kernel_figure(result: DemoResult) -> Axes:
    """Accuracy where only latencies tell the classes, by what learned."""
    values = {one.condition: one.shares for one in result.latencies}
    ax = shares(values, label="accuracy", colors=dict.fromkeys(values, BLUE))
    ax.axvline(100 / 3, color=NEUTRAL, linewidth=0.8)  # chance
    return ax


def accuracy_figure(result: DemoResult) -> Axes:
    """Accuracy before and after learning, old classes beside new ones."""
    first_new = result.settings.n_trained_classes
    names = (f"digits 0-{first_new - 1}", f"digits {first_new}-9", "all")
    groups = {"no learning": result.before}
    for found in result.learning:
        which = "each digit" if found.rehearsed else "each new digit"
        groups[f"{found.shots} of\n{which}"] = found.accuracy
    values = {
        group: dict(zip(names, (one.trained or 0.0, one.new or 0.0, one.everything), strict=True))
        for group, one in groups.items()
    }
    colours = dict(zip(names, (BLUE, VERMILION, GREEN), strict=True))
    return shares(values, label="accuracy on held-out digits", colors=colours)
