"""Accuracy under spike-time jitter and event noise, with and without the rule.

    python -m benchmarks.fashion_robustness --folder FOLDER --runs RUNS --out benchmarks/results

RUNS is what ``benchmarks.fashion_rules`` has trained; nothing is trained here, and no network
has seen a disturbed sample before.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.fashion_report import paired_t_p
from benchmarks.fashion_rules import tables
from benchmarks.machine import machine
from hw_models.atomic_file import write_whole
from ssdp_neuro.data import DataSettings, Disturbed, load
from ssdp_neuro.decision import accuracy
from ssdp_neuro.training import load_model

RULES = ("none", "ssdp", "da-ssdp")
DISTURBANCES: tuple[dict[str, float], ...] = (
    {},
    {"jitter": 1.0},
    {"jitter": 2.0},
    {"lost": 0.5},
    {"added": 0.05},
    {"added": 0.1},
)
BATCH = 250


def measured(model: Any, data: Any, n_samples: int) -> float:
    """Accuracy in percent on the first samples."""
    decided = [
        model.decide(data.spikes(np.arange(start, min(start + BATCH, n_samples))))
        for start in range(0, n_samples, BATCH)
    ]
    return 100 * accuracy(np.concatenate(decided), np.asarray(data.labels)[:n_samples])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="the four idx files")
    parser.add_argument("--runs", type=Path, required=True, help="folders of trained runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--samples", type=int, default=1000, help="test samples")
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    test = load(
        DataSettings.from_table(tables(str(arguments.folder), "none", 0, {}, 1)["data"])
    ).test
    found: dict[str, dict[str, list[float]]] = {}
    for disturbance in DISTURBANCES:
        name = ", ".join(f"{key} {value:g}" for key, value in disturbance.items()) or "none"
        data = Disturbed(dataset=test, seed=1, **disturbance) if disturbance else test
        found[name] = {
            rule: [
                measured(
                    load_model(arguments.runs / f"{rule}-{seed}" / "best.safetensors"),
                    data,
                    arguments.samples,
                )
                for seed in arguments.seeds
            ]
            for rule in RULES
        }
        print(name, {rule: round(float(np.mean(v)), 2) for rule, v in found[name].items()})
    if arguments.out is not None:
        where = machine()
        base = arguments.out / f"fashion_robustness_{where['date']}"
        write_whole(base.with_suffix(".md"), record(found, arguments, where).encode())
        described = {"accuracy": found, "samples": arguments.samples, "machine": where}
        write_whole(base.with_suffix(".json"), (json.dumps(described, indent=1) + "\n").encode())


def record(found: dict[str, dict[str, list[float]]], arguments: Any, where: dict[str, Any]) -> str:
    """The record in Markdown."""
    lines = [
        "# Jitter and noise on Fashion-MNIST, with and without the rule",
        "",
        "`python -m benchmarks.fashion_robustness --folder FOLDER --runs RUNS --out"
        f" benchmarks/results`, {where['date']}, {where['cpu']}, one thread.",
        "",
        "The networks of fashion_rules, in PyTorch's real numbers; accuracy in percent on the first"
        f" {arguments.samples} test samples, mean ± sd over seeds"
        f" {', '.join(map(str, arguments.seeds))}. `jitter`: standard deviation in steps;"
        " `lost`: share of spikes left out; `added`: spikes per input and step.",
        "",
        "| disturbance | " + " | ".join(RULES) + " | ssdp - none | da-ssdp - none |",
        "|---|---|---|---|---|---|",
    ]
    for name, by_rule in found.items():
        values = {rule: np.array(v) for rule, v in by_rule.items()}
        cells = [f"{v.mean():.2f} ± {v.std(ddof=1):.2f}" for v in values.values()]
        for rule in RULES[1:]:
            difference = values[rule] - values["none"]
            cells.append(f"{difference.mean():+.2f} (p = {paired_t_p(difference):.2f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    tests = 2 * len(found)
    lines += [
        "",
        f"{tests} differences are tested, each by Student's paired t; none corrected.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
