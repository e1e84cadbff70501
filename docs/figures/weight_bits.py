"""Accuracy against the bits of a weight, read and trained on, of the newest record."""

import json
from pathlib import Path

import numpy as np

from ssdp_neuro import plot
from ssdp_neuro.plot.palette import BLUE, NEUTRAL, VERMILION

RECORDS = Path(__file__).parents[2] / "benchmarks/results"


def draw():
    (*_, path) = sorted(RECORDS.glob("weight_bits_*.json"))
    record = json.loads(path.read_text(encoding="utf-8"))
    figure = plot.new_figure(3.7 * len(record["cases"]), 2.8)
    panels = figure.subplots(1, len(record["cases"]), squeeze=False)[0]
    for axes, case in zip(panels, record["cases"], strict=True):
        for how, colour, marker, line in (
            ("trained on", BLUE, "o", "-"),
            ("read", VERMILION, "s", "--"),
        ):
            values = np.array([case["accuracy"][f"{how} {bits}"] for bits in record["bits"]])
            axes.plot(
                record["bits"],
                values.mean(axis=1),
                color=colour,
                marker=marker,
                linestyle=line,
                label=how,
            )
        axes.axhline(10, color=NEUTRAL, linewidth=0.8)
        axes.text(5, 12, "chance", ha="center", fontsize=9)
        axes.set_title(case["title"])
        axes.set_xticks(record["bits"])
        axes.set_xlabel("bits of a weight")
        axes.set_ylim(0, 105)
    panels[0].set_ylabel("accuracy, %")
    panels[0].legend(loc="lower right")
    return figure
