"""Spikes of a run: rasters, rates, first spikes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import InputError, ShapeError
from hw_models.arrays import integer_array
from hw_models.integers import integer
from ssdp_neuro.engine.results import RunResult
from ssdp_neuro.plot.palette import VERMILION, series_colour
from ssdp_neuro.plot.selection import (
    SampleSpikes,
    neurons_in,
    populations_of,
    sample_spikes,
    samples_of,
)
from ssdp_neuro.plot.style import (
    drawing,
    drawing_panels,
    ink_of,
    legend_above,
    legend_name,
    whole_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_VECTOR_MARKS = 400
"""Spikes beyond which the marks of a raster are pixels also in a vector file."""
LATEST = 2**31 - 1  # step
MARKS = ((10_000, 0.7, 0.7), (MOST_VECTOR_MARKS, 2.0, 1.0), (100, 3.5, 1.4), (0, 5.0, 1.4))
"""From how many spikes on marks may be how low, and how thick they are; points."""


def raster(
    spikes: RunResult | np.ndarray,
    population: str | None = None,
    *,
    sample: int = 0,
    against: RunResult | np.ndarray | None = None,
    highlight: Iterable[int] = (),
    color: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """A mark for every spike of a population, steps to the right and neurons upwards.

    Parameters
    ----------
    spikes
        A run, or bool ``(T, N)``.
    population
        Of the run; not needed if it has only one.
    sample
        Of a batch.
    against
        Another run of the same, or bool ``(T, N)``: spikes without a counterpart there
        are drawn in vermilion.
    highlight
        Neurons whose spikes are drawn in vermilion.
    color
        Of the other spikes; by default that of the letters.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    RangeError, TypeMismatchError
        If there is no such sample or neuron.
    InputError
        If the population isn't named, or an array holds other than 0 and 1.
    UnknownNameError
        If there is no such population.
    ShapeError
        If an array has other axes, or the two have other sizes.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> fired = np.zeros((4, 3), dtype=bool)
    >>> fired[[0, 3], [1, 2]] = True
    >>> raster(fired).collections[0].get_offsets().tolist()
    [[0.0, 1.0], [3.0, 2.0]]
    """
    shown = sample_spikes(spikes, population, sample)
    marked = np.isin(shown.neuron, neurons_in(highlight, shown.size, "highlight"))
    if against is not None:
        other = sample_spikes(against, population, sample)
        if other[2:] != shown[2:]:
            raise ShapeError(
                f"against: (steps, neurons) {other[2:]}; those of the spikes are {shown[2:]}"
            )
        marked |= ~np.isin(shown.places, other.places)
    with drawing(ax) as axes:
        _mark(axes, shown, ~marked, color or ink_of(axes))
        if marked.any():
            _mark(axes, shown, marked, VERMILION)
        axes.set(xlim=(-0.5, shown.n_steps - 0.5), ylim=(-0.5, shown.size - 0.5))
        axes.set(xlabel="step", ylabel="neuron" if population is None else f"{population}, neuron")
        for axis, most in ((axes.xaxis, 8), (axes.yaxis, 5)):
            whole_ticks(axis, most)
    return axes


def rasters(
    run: RunResult,
    populations: Iterable[str] | None = None,
    *,
    sample: int = 0,
    against: RunResult | None = None,
    figure: Figure | None = None,
) -> list[Axes]:
    """A raster for each population of one sample, one below the other over the same steps.

    Parameters
    ----------
    run, sample, against
        As of :func:`raster`.
    populations
        Names, from above; all if not given.
    figure
        Empty, with a constrained layout; a new pyplot figure if not given.

    Raises
    ------
    SsdpError
        As :func:`raster`.
    """
    names = populations_of(run, populations)
    heights = [_panel_height(run.sizes[name]) for name in names]
    with drawing_panels(figure, rasters_height(run, names)) as owner:
        panels = owner.subplots(
            len(names), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
        )[:, 0]
        for place, (name, axes) in enumerate(zip(names, panels, strict=True)):
            colour = series_colour(place)
            raster(run, name, sample=sample, against=against, color=colour, ax=axes)
            axes.set(ylabel="neuron")
            axes.set_title(f"{name} ({run.sizes[name]:,})", fontsize=9)
            if place < len(names) - 1:
                axes.set_xlabel("")
                axes.tick_params(labelbottom=False)
        owner.align_ylabels(panels)
    return list(panels)


def rates(
    run: RunResult, populations: Iterable[str] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Share of the neurons that fire, step by step, on average over the samples.

    Parameters
    ----------
    run
        With at least one sample.
    populations
        Names; all if not given.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    InputError
        If the run has no samples.
    UnknownNameError
        If there is no such population.
    MissingExtraError
        If matplotlib is not installed.
    """
    names = populations_of(run, populations)
    n_samples = samples_of(run)
    steps = np.arange(run.n_steps)
    with drawing(ax) as axes:
        for place, name in enumerate(names):
            counts = np.bincount(run.events(name)["step"], minlength=run.n_steps)
            share = counts / (n_samples * run.sizes[name])
            axes.plot(steps, 100 * share, color=series_colour(place), label=legend_name(name))
        axes.set(xlabel="step", ylabel="neurons that fire, %")
        axes.set_xlim(-0.5, run.n_steps - 0.5)
        axes.set_ylim(bottom=0)
        whole_ticks(axes.xaxis)
        legend_above(axes)
    return axes


def latencies(
    first_spikes: RunResult | Mapping[str, Any],
    populations: Iterable[str] | None = None,
    *,
    n_steps: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """When neurons fire first: the share of those that fire, by step; medians are dotted.

    The legend says how many stay silent.

    Parameters
    ----------
    first_spikes
        A run, all samples of it; or by population the steps of first spikes, integers of any
        shape, ``n_steps`` and more for silence.
    populations
        Names; all if not given.
    n_steps
        Steps of a sample; needed with a mapping.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    InputError
        If the run has no samples, or ``n_steps`` is missing.
    RangeError, TypeMismatchError
        If a step is negative or no integer.
    UnknownNameError
        If there is no such population.
    MissingExtraError
        If matplotlib is not installed.
    """
    if isinstance(first_spikes, RunResult):
        samples_of(first_spikes)
        names = populations_of(first_spikes, populations)
        by_name = {name: first_spikes.first_spikes(name) for name in names}
        n_steps = first_spikes.n_steps
    else:
        if n_steps is None:
            raise InputError("latencies: n_steps is needed with steps by population")
        n_steps = integer("n_steps", n_steps, 1, LATEST)
        by_name = {
            name: integer_array(
                f"first spikes of {name!r}", first_spikes[name], 0, LATEST, np.int64
            )
            for name in populations or first_spikes
        }
    edges = np.arange(n_steps + 1) - 0.5
    with drawing(ax) as axes:
        for place, (name, given) in enumerate(by_name.items()):
            steps, colour = given.ravel(), series_colour(place)
            fired = steps[steps < n_steps]
            share = np.bincount(fired, minlength=n_steps) / max(fired.size, 1)
            silent = 1 - fired.size / max(steps.size, 1)
            label = legend_name(f"{name}, {silent:.0%} silent" if silent else name)
            axes.stairs(100 * share, edges, color=colour, linewidth=1.6, label=label)
            if fired.size:
                axes.axvline(float(np.median(fired)), color=colour, linestyle=":", linewidth=1.2)
        axes.set(xlabel="step of the first spike", ylabel="of those that fire, %")
        axes.set_xlim(-0.5, n_steps - 0.5)
        axes.set_ylim(bottom=0)
        whole_ticks(axes.xaxis)
        legend_above(axes)
    return axes


def _mark(axes: Axes, spikes: SampleSpikes, chosen: np.ndarray, colour: Any) -> None:
    """Vertical marks, as high as a neuron has room; few ones may reach beyond it.

    Where very many overlap they are pale, so that the shade tells how many there are.
    """
    n_marks = int(chosen.sum())
    extent = axes.get_window_extent()
    width, height = (72 / axes.figure.dpi * side for side in (extent.width, extent.height))
    fewest, lowest, line = next(level for level in MARKS if n_marks >= level[0])
    mark = float(np.clip(0.75 * height / spikes.size, lowest, 9.0))
    covered = n_marks * mark * line / (width * height)
    axes.scatter(
        spikes.step[chosen],
        spikes.neuron[chosen],
        s=mark**2,
        color=colour,
        marker="|",
        linewidths=line,
        alpha=min(1.0, 1.0 / covered) if fewest == MARKS[0][0] else None,
        rasterized=bool(spikes.step.size > MOST_VECTOR_MARKS),
    )


def rasters_height(run: RunResult, populations: Iterable[str]) -> float:
    """Inches that :func:`rasters` needs."""
    return sum(_panel_height(run.sizes[name]) for name in populations) + 0.5


def _panel_height(size: int) -> float:
    """Inches for a population: more for more neurons, within reason."""
    return float(np.clip(0.4 + 0.13 * np.log2(max(size, 1)), 0.6, 1.7))
