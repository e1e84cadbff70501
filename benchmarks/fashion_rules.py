"""What a rule of synchrony adds on Fashion-MNIST, beside its controls, over seeds.

    python -m benchmarks.fashion_rules --folder FOLDER --runs RUNS
    python -m benchmarks.fashion_rules --folder FOLDER --runs RUNS --out benchmarks/results

FOLDER holds the four idx files; RUNS gets a folder for every run, which is resumed if it was
stopped and not repeated if it is there. With ``--out`` the record is written. Nothing was
chosen by the test samples: each run is measured on them once, at its best validation epoch.
``--network recurrent`` gives the hidden layer synapses to itself, as in the SSDP paper.
``--tune`` trains with other amplitudes, on another seed, and shows validation accuracies only.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.fashion_report import record
from benchmarks.machine import machine
from hw_models.atomic_file import write_whole
from ssdp_neuro.training import fit
from ssdp_neuro.training.run.config import config_of

NETWORKS = ("feed-forward", "recurrent")
RULES = (
    "none",
    "ssdp",
    "da-ssdp",
    "gate-at-one",
    "constant",
    "random",
    "shuffled-latencies",
)
CONSTANTS = {"a_plus": 1.5e-5, "a_baseline": 1.0e-6, "sigma": 1.0}
TUNING_SEED, TUNING_LIMIT = 100, 16_000  # fewer samples: to find the order of magnitude
TUNED = [{**CONSTANTS, "a_plus": a, "a_baseline": a / 15} for a in (1.5e-3, 1.5e-4, 1.5e-5)]


def tables(
    folder: str,
    rule: str,
    seed: int,
    constants: dict[str, float],
    epochs: int,
    limit: int = 0,
    network: str = NETWORKS[0],
) -> dict[str, dict[str, Any]]:
    """The config of a run: 784-1024-10, the chip's neurons, 8 steps, evenly spaced spikes."""
    return {
        "data": {
            "name": "fashion-mnist",
            "folder": folder,
            "n_steps": 8,
            "encoding": "regular",
            "seed": 0,
            "train_limit": limit,
        },
        "model": {
            "kind": network,
            "hidden": [1024],
            "voltage_decay": 512,
            "sharpness": 2.0,
        },
        "rule": {"kind": rule, "layers": ["all"], "warm_up_steps": 422, **constants},
        "optimizer": {"learning_rate": 2e-3},
        "training": {
            "epochs": epochs,
            "batch_size": 256,
            "seed": seed,
            "threads": 1,
            "amp": True,
            "keep": 1,
            "device": "cpu",
        },
    }


def run(
    arguments: Any, rule: str, seed: int, constants: dict[str, float], name: str, limit: int = 0
) -> Any:
    """Train, or take what is there; the run's result as a table."""
    if arguments.network != NETWORKS[0]:
        name = f"{arguments.network}-{name}"
    folder = arguments.runs / name
    result = folder / "result.json"
    if not result.exists():
        config = tables(
            str(arguments.folder),
            rule,
            seed,
            constants,
            arguments.epochs,
            limit,
            arguments.network,
        )
        fit(config_of(config), out=folder, resume=folder.exists(), show_progress=False)
    found = json.loads(result.read_text(encoding="utf-8"))
    say(f"{name}: validation {found['validation_accuracy']:.4f}")
    return found


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="the four idx files")
    parser.add_argument("--runs", type=Path, required=True, help="a folder for every run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES))
    parser.add_argument("--network", choices=NETWORKS, default=NETWORKS[0])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--tune", action="store_true", help="try amplitudes, on another seed")
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    torch.set_float32_matmul_precision("medium")  # products of bfloat16 where the CPU has them
    if arguments.tune:
        run(arguments, "none", TUNING_SEED, {}, "tune-none", TUNING_LIMIT)
        for rule in ("ssdp", "da-ssdp"):
            for constants in TUNED:
                name = f"tune-{rule}-{constants['a_plus']:g}"
                run(arguments, rule, TUNING_SEED, constants, name, TUNING_LIMIT)
        return
    found: dict[str, list[dict[str, Any]]] = {rule: [] for rule in arguments.rules}
    for seed in arguments.seeds:  # all rules of a seed first: a run that is stopped is still fair
        for rule in arguments.rules:
            constants = {} if rule == "none" else CONSTANTS
            found[rule].append(run(arguments, rule, seed, constants, f"{rule}-{seed}"))
    accuracies = {
        rule: 100 * np.array([result["test_accuracy"] for result in results])
        for rule, results in found.items()
    }
    text = record(accuracies, found, arguments.seeds, CONSTANTS, machine())
    print(text)
    if arguments.out is not None:
        stem = "fashion_rules"
        if arguments.network != NETWORKS[0]:
            stem += f"_{arguments.network}"
        write_whole(arguments.out / f"{stem}_{machine()['date']}.md", text.encode())


if __name__ == "__main__":
    main()
