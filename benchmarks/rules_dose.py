"""What a rule of synchrony adds or harms beside an optimizer, from no dose to the published one.

    nice -n 19 python -m benchmarks.rules_dose [--regimes "few labels" noisy]

The digits of scikit-learn, 64-128-10: small enough for ten seeds of every dose. Each rule stands
beside random changes of the same size. Nothing is chosen: every run is measured once, on the test,
after its last epoch. Three regimes: all training samples; ten of each class, others for every
seed; spikes lost, shifted and added in training and test. Writes a page and all numbers to
``benchmarks/results``; regimes that are not asked for stay as the day's record has them.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from ssdp_neuro.data import DataSettings, DataSplit, Disturbed, few_of_each, load
from ssdp_neuro.training import config_of, fit

RESULTS = Path(__file__).with_name("results")
SEEDS = range(10)
PUBLISHED = 1.5e-3
DOSES = (PUBLISHED / 100, PUBLISHED / 10, PUBLISHED / 3, PUBLISHED)
RULES = ("ssdp", "da-ssdp", "random")
EPOCHS = {"all labels": 6, "few labels": 40, "noisy": 6}
DATA = {"name": "digits", "n_steps": 12, "window": 8, "validation": 0, "seed": 0}
FEW = 10  # of each class
NOISE = {"jitter": 1.0, "lost": 0.3, "added": 0.02}
T_975, T_800 = 2.262, 0.883  # Student's t of 9 degrees of freedom


@functools.cache
def everything() -> DataSplit:
    return load(DataSettings(**DATA))


def samples(regime: str, seed: int) -> DataSplit:
    """What is learned and tested."""
    split = everything()
    if regime == "few labels":
        return dataclasses.replace(split, train=few_of_each(split.train, FEW, seed=seed))
    if regime == "noisy":
        train, test = (
            Disturbed(dataset=part, seed=key, **NOISE)
            for key, part in enumerate((split.train, split.test))
        )
        return dataclasses.replace(split, train=train, test=test)
    return split


def trained(regime: str, rule: str, dose: float, seed: int) -> float:
    """Accuracy on the test in percent."""
    constants = {"a_plus": dose, "a_baseline": dose / 15, "sigma": 1.0} if dose else {}
    config: dict[str, Any] = {
        "data": DATA,
        "model": {"hidden": [128], "voltage_decay": 512, "sharpness": 2.0},
        "rule": {"kind": rule, "layers": ["all"], "warm_up_steps": 40, **constants},
        "optimizer": {"learning_rate": 4e-3},
        "training": {
            "epochs": EPOCHS[regime],
            "batch_size": 32,
            "seed": seed,
            "threads": 1,
            "device": "cpu",
        },
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a rule at a high dose may silence neurons
        found = fit(config_of(config), data=samples(regime, seed), show_progress=False)
    assert found.test_accuracy is not None
    return 100 * found.test_accuracy


def measured(regime: str) -> dict[str, list[float]]:
    rows = {"none": [trained(regime, "none", 0.0, seed) for seed in SEEDS]}
    for rule in RULES:
        for dose in DOSES:
            title = f"{rule} {dose:g}"
            rows[title] = [trained(regime, rule, dose, seed) for seed in SEEDS]
            print(f"{regime}, {title}: {np.mean(rows[title]):.2f}", flush=True)
    return rows


def table(rows: dict[str, list[float]]) -> list[str]:
    none, n = np.array(rows["none"]), len(SEEDS)
    lines = [
        f"Without a rule: {none.mean():.2f} ± {none.std(ddof=1):.2f}.",
        "",
        "| rule, a_plus | share | accuracy | less none, 95 % interval | smallest effect |",
        "|---|---|---|---|---|",
    ]
    for name, values in rows.items():
        if name == "none":
            continue
        gain = np.array(values) - none
        error = gain.std(ddof=1) / np.sqrt(n)
        rule, dose = name.split()
        lines.append(
            f"| {rule}, {dose} | {float(dose) / PUBLISHED:.2g} | {np.mean(values):.2f} ±"
            f" {np.std(values, ddof=1):.2f} | {gain.mean():+.2f} ± {T_975 * error:.2f}"
            f" | {(T_975 + T_800) * error:.2f} |"
        )
    return lines


def page(record: dict[str, Any]) -> str:
    m, n = record["machine"], len(SEEDS)
    lines = [
        f"# The dose of a rule of synchrony beside an optimizer, {m['date']}",
        "",
        f"`python -m benchmarks.rules_dose`; {m['cpu']}, Python {m['python']}. Digits of"
        " scikit-learn, 64-128-10, 12 steps, 450 test samples; accuracy in percent,"
        f" mean ± standard deviation over seeds 0 to {n - 1}; differences paired by seed; share of"
        " the published amplitude. The"
        f" smallest effect is that which {n} seeds would show in four of five studies (two-sided,"
        " 5 %, not corrected for the number of rows). Each regime may be a run of its own"
        " (`--regimes`).",
    ]
    for regime, rows in record["accuracy"].items():
        lines += ["", f"## {regime.capitalize()}, {EPOCHS[regime]} epochs", ""]
        if regime == "few labels":
            lines += [f"{FEW} training samples of each class, others for every seed.", ""]
        if regime == "noisy":
            said = ", ".join(f"{name} {value:g}" for name, value in NOISE.items())
            lines += [f"Spikes of training and test disturbed: {said}.", ""]
        lines += table(rows)
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regimes", nargs="+", choices=EPOCHS, default=list(EPOCHS))
    asked = parser.parse_args().regimes
    about = machine()
    stem = RESULTS / f"rules_dose_{about['date']}"
    stored = stem.with_suffix(".json")
    known = json.loads(stored.read_text())["accuracy"] if stored.exists() else {}
    for regime in EPOCHS:
        if regime not in asked:
            continue
        known[regime] = measured(regime)
        record = {"machine": about, "seeds": list(SEEDS), "accuracy": known}
        stored.write_text(json.dumps(record, indent=1) + "\n")
        stem.with_suffix(".md").write_text(page(record))


if __name__ == "__main__":
    main()
