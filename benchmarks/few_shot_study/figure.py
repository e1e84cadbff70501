"""A study's figure: accuracy on all classes over the samples per class, by rule."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.few_shot_study.result import Measurement, Task
from benchmarks.few_shot_study.settings import Method
from hw_models.extras import missing_extra

COLOURS = {
    Method.NONE: "#9aa5ae",
    Method.SSDP: "#2f6f9f",
    Method.DA_SSDP: "#7d4ea0",
    Method.ERROR_SSDP: "#c8552b",
    Method.PAIR_STDP: "#4a8f5c",
    Method.REWARD_STDP: "#b89b2e",
    Method.SADP: "#d08fb0",
    Method.EPROP: "#5bb5c9",
    Method.PROTOTYPE: "#1c2126",
    Method.OFFLINE: "#5a6772",
}
TITLES = {
    Task.REHEARSED: "trained classes rehearsed",
    Task.CONTINUAL: "one new class after the other",
}


def figure_svg(found: Sequence[Measurement]) -> bytes:
    """An SVG with one column per data set and one row per kind of lesson.

    Lines are means over the seeds, bands one sample standard deviation; the dashed line is
    the last layer trained offline on all samples.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as missing:
        raise missing_extra("the figure", "matplotlib") from missing
    data_sets = list(dict.fromkeys(m.data for m in found))
    settings: Any = {"font.size": 9, "svg.hashsalt": "ssdp-neuro", "svg.fonttype": "none"}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(3.4 * len(data_sets) + 2.4, 5.6), layout="constrained")
        axes = figure.subplots(len(TITLES), len(data_sets), squeeze=False, sharey=True)
        for row, (task, title) in enumerate(TITLES.items()):
            for column, data in enumerate(data_sets):
                axis = axes[row, column]
                of_data = [m for m in found if m.data == data]
                for rule, colour in COLOURS.items():
                    _line(axis, of_data, task, rule, colour)
                ceiling = [m.everything for m in of_data if m.rule == Method.CEILING.value]
                if ceiling:
                    axis.axhline(100 * np.mean(ceiling), color="#1c2126", lw=0.8, ls="--")
                axis.set_xscale("log")
                shots = sorted({m.shots for m in of_data if m.task == Task.CONTINUAL.value})
                axis.set_xticks(shots, [str(k) for k in shots])
                axis.minorticks_off()
                axis.spines[["top", "right"]].set_visible(False)
                axis.set_title(f"{data}\n{title}" if row == 0 else title, fontsize=9)
                if column == 0:
                    axis.set_ylabel("accuracy, all classes (%)")
                if row == len(TITLES) - 1:
                    axis.set_xlabel("samples per class, K")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=8)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _line(axis: Any, of_data: Sequence[Measurement], task: Task, rule: Method, colour: str) -> None:
    same_for_both = (Method.NONE, Method.PROTOTYPE, Method.OFFLINE)
    source = Task.REHEARSED if rule in same_for_both else task
    if rule is Method.OFFLINE and task is Task.CONTINUAL:
        return
    rows = [m for m in of_data if m.rule == rule.value and m.task == source.value]
    shots = sorted({m.shots for m in rows})
    if not shots:
        return
    values = [100 * np.array([m.everything for m in rows if m.shots == k]) for k in shots]
    mean = np.array([v.mean() for v in values])
    spread = np.array([v.std(ddof=1) if len(v) > 1 else 0.0 for v in values])
    axis.plot(shots, mean, "o-", color=colour, ms=3, lw=1.4, label=rule.value)
    axis.fill_between(shots, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)
