"""Eligibility of a pair of spikes by their distance: without and with a negative lobe."""

import runpy
from pathlib import Path

import numpy as np

from ssdp_neuro import plot
from ssdp_neuro.plot.palette import NEUTRAL, series_colour

EXAMPLE = Path(__file__).parents[2] / "examples/06_precise_timing.py"


def draw():
    example = runpy.run_path(str(EXAMPLE))
    delays = np.arange(-12, 16)
    figure = plot.new_figure(4.8, 2.8)
    axes = figure.subplots()
    for place, (name, marker) in enumerate({"LIF": "o", "ALIF": "+", "STDP-LIF": "."}.items()):
        sums = [example["pair"](example["NEURONS"][name], delay) for delay in delays]
        axes.plot(
            delays,
            sums,
            color=series_colour(place),
            marker=marker,
            fillstyle="none",
            linewidth=0.8,
            label=name,
        )
    axes.axhline(0, color=NEUTRAL, linewidth=0.8)
    axes.text(-5.2, -1.1, "refractory\nperiod: 5 steps", ha="right", fontsize=9)
    axes.set_xlabel("step of the target's spike less that of the source's")
    axes.set_ylabel("summed eligibility")
    axes.legend(loc="lower right")
    return figure
