"""A study's measurements as text: tables with mean and spread over the seeds, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks.few_shot_study.result import Measurement, Task
from benchmarks.few_shot_study.settings import Drift, Method


def cell(values: Sequence[float]) -> str:
    """Mean and sample standard deviation in percent; only the mean of one value.

    Examples
    --------
    >>> cell([0.5, 0.6]), cell([0.5]), cell([])
    ('55.0 ± 7.1', '50.0', '-')
    """
    if not values:
        return "-"
    mean = f"{100 * np.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * np.std(values, ddof=1):.1f}"


def tables(found: Sequence[Measurement]) -> str:
    """Markdown: one table per data set for lessons, one for continual learning, one for drift."""
    parts = []
    for data in dict.fromkeys(m.data for m in found):
        of_data = [m for m in found if m.data == data]
        parts.append(f"## {data}\n")
        for task, title in (
            (Task.REHEARSED, "New classes, trained ones rehearsed with as many samples"),
            (Task.CONTINUAL, "New classes one after the other, nothing rehearsed"),
        ):
            rows = [m for m in of_data if m.task == task.value]
            if rows:
                parts.append(f"### {title}\n\n{_by_shots(rows, of_data)}\n")
        rows = [m for m in of_data if m.task == Task.DRIFT.value]
        if rows:
            shots = rows[0].shots
            title = f"Drift of the input, {shots} drifted samples of each trained class"
            parts.append(f"### {title}\n\n{_by_drift(rows)}\n")
    return "\n".join(parts)


def to_json(found: Iterable[Measurement], about: dict[str, Any]) -> str:
    """What is known of the run, and every measurement."""
    rows = [m.to_dict() for m in found]
    return json.dumps({**about, "measurements": rows}, indent=1) + "\n"


def _by_shots(rows: Sequence[Measurement], of_data: Sequence[Measurement]) -> str:
    shots = sorted({m.shots for m in rows if m.rule != Method.CEILING.value})
    untaught = [
        m for m in of_data if m.rule == Method.NONE.value and m.task == Task.REHEARSED.value
    ]
    lines = [
        "| rule | " + " | ".join(f"K = {k}: all | trained | new" for k in shots) + " |",
        "|---|" + "---:|" * (3 * len(shots)),
    ]
    shown = list(rows)
    if rows[0].task == Task.CONTINUAL.value:
        shown += untaught
    for rule in Method:
        of_rule = [m for m in shown if m.rule == rule.value]
        if not of_rule:
            continue
        cells = []
        for k in shots:
            # the ceiling does not depend on K
            chosen = of_rule if rule is Method.CEILING else [m for m in of_rule if m.shots == k]
            cells += [
                cell([m.everything for m in chosen]),
                cell([m.trained for m in chosen]),
                cell([m.new for m in chosen if m.new is not None]),
            ]
        lines.append(f"| {rule.value} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _by_drift(rows: Sequence[Measurement]) -> str:
    lines = [
        "| rule | " + " | ".join(drift.value for drift in Drift) + " |",
        "|---|" + "---:|" * len(Drift),
    ]
    for rule in Method:
        cells = [
            cell([m.everything for m in rows if m.rule == rule.value and m.drift == drift.value])
            for drift in Drift
        ]
        if set(cells) != {"-"}:
            lines.append(f"| {rule.value} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
