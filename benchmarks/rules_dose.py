"""What a rule of synchrony adds or harms beside an optimizer, from no dose to the published one.

    nice -n 19 python -m benchmarks.rules_dose

The digits of scikit-learn, 64-128-10: small enough for ten seeds of every dose. Each rule stands
beside random changes of the same size. Nothing is chosen: every run is measured once, on the test,
after its last epoch. Writes a page and all numbers to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from ssdp_neuro.training import config_of, fit

RESULTS = Path(__file__).with_name("results")
SEEDS = range(10)
PUBLISHED = 1.5e-3
DOSES = (PUBLISHED / 100, PUBLISHED / 10, PUBLISHED / 3, PUBLISHED)
RULES = ("ssdp", "da-ssdp", "random")
T_975, T_800 = 2.262, 0.883  # Student's t of 9 degrees of freedom


def trained(rule: str, dose: float, seed: int) -> float:
    """Accuracy on the test in percent."""
    constants = {"a_plus": dose, "a_baseline": dose / 15, "sigma": 1.0} if dose else {}
    config: dict[str, Any] = {
        "data": {"name": "digits", "n_steps": 12, "window": 8, "validation": 0, "seed": 0},
        "model": {"hidden": [128], "voltage_decay": 512, "sharpness": 2.0},
        "rule": {"kind": rule, "layers": ["all"], "warm_up_steps": 40, **constants},
        "optimizer": {"learning_rate": 4e-3},
        "training": {"epochs": 6, "batch_size": 32, "seed": seed, "threads": 1, "device": "cpu"},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a rule at a high dose may silence neurons
        found = fit(config_of(config), show_progress=False)
    assert found.test_accuracy is not None
    return 100 * found.test_accuracy


def measured() -> dict[str, list[float]]:
    rows = {"none": [trained("none", 0.0, seed) for seed in SEEDS]}
    for rule in RULES:
        for dose in DOSES:
            rows[f"{rule} {dose:g}"] = [trained(rule, dose, seed) for seed in SEEDS]
            print(f"{rule} {dose:g}: {np.mean(rows[f'{rule} {dose:g}']):.2f}", flush=True)
    return rows


def page(record: dict[str, Any]) -> str:
    m, rows = record["machine"], record["accuracy"]
    none, n = np.array(rows["none"]), len(SEEDS)
    lines = [
        f"# The dose of a rule of synchrony beside an optimizer, {m['date']}",
        "",
        f"`python -m benchmarks.rules_dose`; {m['cpu']}, Python {m['python']}. Digits of"
        " scikit-learn, 64-128-10, 12 steps, six epochs, 450 test samples; accuracy in percent,"
        f" mean ± standard deviation over seeds 0 to {n - 1}; differences paired by seed; share of"
        " the published amplitude. The"
        f" smallest effect is that which {n} seeds would show in four of five studies (two-sided,"
        " 5 %, not corrected for the number of rows).",
        "",
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
    return "\n".join([*lines, ""])


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    record = {"machine": machine(), "seeds": list(SEEDS), "accuracy": measured()}
    stem = f"rules_dose_{record['machine']['date']}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(page(record))


if __name__ == "__main__":
    main()
