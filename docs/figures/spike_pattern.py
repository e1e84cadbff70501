"""Spikes of one neuron over training by e-prop, and where they should be."""

import runpy
from pathlib import Path

import numpy as np

from ssdp_neuro import plot
from ssdp_neuro.plot.palette import BLUE, VERMILION

EXAMPLE = Path(__file__).parents[2] / "examples/06_precise_timing.py"


def draw():
    example = runpy.run_path(str(EXAMPLE))
    spikes, distances = zip(*example["learning"](101), strict=True)
    epoch, step = np.nonzero(np.array(spikes))
    figure = plot.new_figure(4.8, 3.6)
    above, below = figure.subplots(2, 1, height_ratios=(3, 1))
    for target in example["TARGETS"]:
        above.axvline(target, color=VERMILION, linewidth=0.8)
    above.plot(step, epoch, linestyle="none", marker=".", markersize=3, color=BLUE)
    above.set_xlim(0, example["N_STEPS"])
    above.invert_yaxis()
    above.set_xlabel("step (lines: wanted spikes)")
    above.set_ylabel("epoch")
    below.plot(distances, color=BLUE)
    below.set_xlabel("epoch")
    below.set_ylabel("distance")
    return figure
