"""Accuracy against the bits of a latency code, with its controls, of the newest record."""

import json
from pathlib import Path

import numpy as np

from ssdp_neuro import plot
from ssdp_neuro.plot.palette import BLUE, NEUTRAL, PURPLE, VERMILION

RECORDS = Path(__file__).parents[2] / "benchmarks/results"
CODES = {
    1: "of 1 bit, early or late",
    3: "of 3 bits",
    4: "of 4 bits",
    5: "of 5 bits",
    8: "latency codes of 8 bits",
}
PLACES = {
    "anywhere": "an input fires anywhere in the time",
    "in its half": "it keeps to the same half of the time",
}


def draw():
    (*_, path) = sorted(RECORDS.glob("latency_bits_*.json"))
    record = json.loads(path.read_text(encoding="utf-8"))
    figure = plot.new_figure(7.4, 3.0)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (place, title) in zip(panels, PLACES.items(), strict=True):
        accuracy = record["accuracy"][place]
        series = {
            "latency kernel": (BLUE, "o", "-", [accuracy[name] for name in CODES.values()]),
            "flat kernel": (VERMILION, "s", "--", [accuracy["flat kernel"]] * len(CODES)),
            "shuffled latencies": (
                PURPLE,
                "^",
                ":",
                [record["shuffled"][place][str(bits)] for bits in CODES],
            ),
        }
        for shift, (name, (colour, marker, line, values)) in enumerate(series.items()):
            axes.errorbar(
                np.arange(len(CODES)) + 0.06 * (shift - 1),
                np.mean(values, axis=1),
                np.std(values, axis=1, ddof=1),
                color=colour,
                marker=marker,
                linestyle=line,
                capsize=2,
                label=name,
            )
        axes.axhline(100 / 3, color=NEUTRAL, linewidth=0.8)
        axes.text(2.5, 100 / 3 + 1.5, "chance", ha="center", fontsize=9)
        axes.set_title(title)
        axes.set_xticks(range(len(CODES)), [str(bits) for bits in CODES])
        axes.set_xlabel("bits of a latency code")
        axes.set_ylim(0, 108)
    panels[0].set_ylabel("accuracy, %")
    panels[0].legend(loc="center right", bbox_to_anchor=(1.0, 0.62))
    return figure
