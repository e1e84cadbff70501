"""What neurons hold: their currents and membrane potentials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import FixedPointNetwork, InputError
from ssdp_neuro.engine.results import RunResult
from ssdp_neuro.plot.palette import SERIES, series_colour
from ssdp_neuro.plot.selection import neurons_in, sample_spikes
from ssdp_neuro.plot.style import drawing, ink_of, legend_above, thousands, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 4
ROW = 0.05  # of the height of the axes, for the spikes of a neuron above them


def potentials(
    run: RunResult,
    population: str,
    variable: str = "v",
    *,
    network: FixedPointNetwork | None = None,
    neurons: Iterable[int] | None = None,
    sample: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """The probed u or v of a few neurons, step by step, their spikes above.

    Parameters
    ----------
    run
        With that probe: ``simulate(..., probes=[(population, variable)])``.
    population, variable
        What was probed; ``u`` or ``v``.
    network
        The network that ran: gives v its thresholds, dashed; of neurons whose threshold rises
        with a spike, the one at rest, and the legend says so.
    neurons
        At most six; the first four if not given.
    sample
        Of a batch.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    InputError
        If this was not probed, or the neurons are too many.
    RangeError, TypeMismatchError
        If there is no such sample or neuron.
    UnknownNameError
        If there is no such population.
    MissingExtraError
        If matplotlib is not installed.

    Notes
    -----
    Values are those after the step's update and reset, so a neuron that fires is at its
    reset value, and never seen above the threshold.
    """
    recorded = run.probe(population, variable)
    spikes = sample_spikes(run, population, sample)
    values = recorded if run.n_samples is None else recorded[sample]
    size = values.shape[1]
    shown = neurons_in(range(min(FEW, size)) if neurons is None else neurons, size, "neurons")
    if len(shown) > len(SERIES):
        raise InputError(f"neurons: {len(shown)} given; allowed up to {len(SERIES)}")
    thresholds, label = None, "threshold"
    if network is not None and variable == "v":
        lif: Any = network.population(population)
        thresholds = np.broadcast_to(lif.threshold.astype(np.int64) << 6, size)[shown]
        if np.broadcast_to(lif.threshold_rise, size)[shown].any():
            label = "threshold at rest"
    with drawing(ax) as axes:
        if thresholds is not None:
            _draw_thresholds(axes, thresholds, label)
        for place, neuron in enumerate(shown):
            colour = series_colour(place)
            axes.plot(values[:, neuron], color=colour, label=f"neuron {neuron}")
            fired = spikes.step[spikes.neuron == neuron]
            axes.plot(
                fired,
                np.full(fired.shape, 1.0 + ROW * (place + 0.7)),
                "|",
                color=colour,
                markersize=6,
                clip_on=False,
                transform=axes.get_xaxis_transform(),
            )
        axes.set(xlabel="step", ylabel=f"{variable}, 1/64 of a weight step")
        axes.set_xlim(-0.5, run.n_steps - 0.5)
        whole_ticks(axes.xaxis)
        thousands(axes.yaxis)
        legend_above(axes, ROW * (len(shown) + 0.3))
    return axes


def _draw_thresholds(axes: Axes, thresholds: np.ndarray, label: str) -> None:
    """One dashed line for all, or one in the colour of each."""
    if len(set(thresholds.tolist())) == 1:
        axes.axhline(int(thresholds[0]), color=ink_of(axes), ls="--", lw=1, label=label)
        return
    if label != "threshold":  # that dashes are thresholds is plain, that they rise is not
        axes.plot([], [], color=ink_of(axes), ls="--", lw=1, label=label)
    for place, level in enumerate(thresholds):
        axes.axhline(int(level), color=series_colour(place), ls="--", lw=1)
