"""Accuracy against the bits of a latency code, with its controls, of the newest record."""

import json
from pathlib import Path

import numpy as np

from ssdp_neuro import plot
from ssdp_neuro.plot.palette import BLUE, NEUTRAL, VERMILION

RECORDS = Path(__file__).parents[2] / "benchmarks/results"
CODES = ["1 bit, early or late", "3 bits", "4 bits", "5 bits", "8 bits"]


def draw():
    (*_, path) = sorted(RECORDS.glob("latency_bits_*.json"))
    accuracy = json.loads(path.read_text(encoding="utf-8"))["accuracy"]
    figure = plot.new_figure(4.8, 3.2)
    axes = figure.subplots()
    for place, colour, marker in (("anywhere", BLUE, "o"), ("in its half", VERMILION, "s")):
        rows = accuracy[place]
        kernel = [next(v for name, v in rows.items() if name.endswith(code)) for code in CODES]
        axes.errorbar(
            np.arange(len(CODES)),
            np.mean(kernel, axis=1),
            np.std(kernel, axis=1, ddof=1),
            color=colour,
            marker=marker,
            capsize=2,
            label=f"kernel, latencies {place}",
        )
        for control, style in (("flat kernel", "--"), ("shuffled latencies", ":")):
            axes.axhline(
                np.mean(rows[control]),
                color=colour,
                linestyle=style,
                linewidth=1.0,
                label=control if place == "anywhere" else None,
            )
    axes.axhline(100 / 3, color=NEUTRAL, linewidth=0.8)
    axes.text(4.1, 100 / 3 + 1.5, "chance", ha="right", fontsize=9)
    axes.set_xticks(range(len(CODES)), [code.split()[0] for code in CODES])
    axes.set_xlabel("bits of a latency code")
    axes.set_ylabel("accuracy, %")
    axes.set_ylim(0, 112)
    axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.57))
    return figure
