"""Readouts of real data by every rule of the table: same spikes, samples and first weights.

    nice -n 19 python -m benchmarks.real_readouts --folder FOLDER

FOLDER holds fsdd (spoken digits), nmnist (recordings of an event camera) and mit-bih (heart beats
of patients, those of the test never seen). All inputs lead straight to one neuron of each class,
whose 8-bit weights learn from a few hundred samples, as many of each class, shown five times, in
three stages with halved changes.
Constants of each rule are the best of ``N_CANDIDATES`` drawn at random from ``RANGES``, on a
validation part of the training samples with seed 100; then five other seeds, which draw samples,
first weights and rounding, on the test. Every rule that is finished is written; a run of the same
day goes on where one was stopped. Writes a page and all numbers to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.few_shot_study.readers import nearest_prototype
from benchmarks.machine import machine
from benchmarks.readout_rules import (
    FLAT,
    ReadoutTask,
    Rule,
    by_class,
    dopamine_gated,
    eprop,
    error_gated,
    offline,
    prototypes,
    reward_gates,
    sadp,
    share_itself,
    stdp,
    ungated,
)
from ssdp_neuro import data

RESULTS = Path(__file__).with_name("results")
SEEDS, TUNING_SEED = range(5), 100
N_CANDIDATES = 32
STAGES = ((0, 3), (1, 1), (2, 1))  # what is added to every shift, and for how many epochs
PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4)


@dataclass(frozen=True)
class RealData:
    """A data set, how it is read, and how many samples of a class are learned and tested."""

    title: str
    settings: dict[str, Any]
    shots: int
    tested: int
    thresholds: tuple[int, ...]


SETS = {
    "fsdd": RealData("FSDD", {"n_steps": 25, "channels": 16}, 30, 25, (50, 100, 200, 400, 800)),
    "nmnist": RealData(
        "N-MNIST",
        {"n_steps": 20, "pool": 2, "validation": 0.2},
        30,
        15,
        (500, 1000, 2000, 4000, 8000),
    ),
    "mit-bih": RealData(
        "MIT-BIH",
        {"n_steps": 32, "usual": 8, "validation": 0.2},
        100,
        150,
        (30, 60, 120, 240, 480),
    ),
}
SSDP = {"amplitude": (0.003, 0.01, 0.03, 0.06, 0.12)}
KERNEL = {**SSDP, "sigma": (2.0, 4.0, 8.0, 16.0)}
STDP = {
    "shift": (22, 23, 24, 25, 26, 27, 28),
    "time_constant": (2.0, 4.0, 8.0),
    "depression": (0, 60, 128),
}
EPROP = {
    "shift": (15, 16, 17, 18, 19),
    "psi_shift": (11, 13, 15, 17),
    "wanted": (60, 120),
    "decay_shift": (2, 3),
}
# the rule, what its constants are drawn from beside the threshold, and what is fixed
RULES: dict[str, tuple[Rule, dict[str, tuple[Any, ...]], dict[str, Any]]] = {
    "error-gated SSDP": (Rule(error_gated), KERNEL, {}),
    "the same, flat kernel": (Rule(error_gated), SSDP, {"sigma": FLAT}),
    "the same, shuffled trains": (Rule(error_gated), KERNEL, {"shuffled": True}),
    "SSDP, no third factor": (Rule(ungated, read=by_class), KERNEL, {}),
    "DA-SSDP": (Rule(dopamine_gated, read=by_class), KERNEL, {}),
    "SADP, label gates": (
        Rule(sadp),
        {"shift": (12, 13, 14, 15, 16, 17), "bin_width": (1, 2, 4)},
        {"forced": True},
    ),
    "pair STDP, label gates": (Rule(stdp), STDP, {"forced": True}),
    "reward-modulated STDP": (Rule(stdp), STDP, {"gates": reward_gates}),
    "e-prop, LIF": (Rule(eprop), EPROP, {}),
    "e-prop, ALIF": (Rule(eprop), {**EPROP, "rise": (4, 16)}, {}),
    "e-prop, STDP-LIF": (Rule(eprop), {**EPROP, "refractory": (1, 2, 4)}, {}),
}
# without neurons that learn on the chip
OFF_CHIP = ("prototypes of latencies", "prototypes of counts", "offline, surrogate gradients")
RATES = ({"learning_rate": 0.003}, {"learning_rate": 0.01}, {"learning_rate": 0.03})
RIDGE = "ridge regression on counts"


@functools.cache
def parts_of(name: str, folder: Path) -> Any:
    """Training, validation and test."""
    settings = data.DataSettings(name=name, folder=str(folder / name), **SETS[name].settings)
    return data.load(settings)


def task_of(name: str, folder: Path, seed: int, *, tuning: bool = False) -> ReadoutTask:
    """Samples that a seed draws, and all that are tested."""
    split, one = parts_of(name, folder), SETS[name]
    shown = data.few_of_each(split.train, one.shots, seed=seed)
    asked = data.few_of_each(split.validation if tuning else split.test, one.tested, seed=0)
    arrays = []
    for part in (shown, asked):
        spikes, labels = data.to_arrays(part)
        arrays += [spikes.reshape(*spikes.shape[:2], -1), labels]
    return ReadoutTask(
        *arrays,
        stages=STAGES,
        voltage_decay=400,
        first_weights=(-20, 40),
        rng=np.random.default_rng([seed, 1]),
    )


def candidates(ranges: dict[str, tuple[Any, ...]], fixed: dict[str, Any]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        {**{k: rng.choice(v).item() for k, v in ranges.items()}, **fixed}
        for _ in range(N_CANDIDATES)
    ]


def prototypes_of_counts(task: ReadoutTask, seed: int) -> float:
    """Nearest mean of spike counts by direction; the share that is right."""
    shown, asked = (
        data.from_arrays(spikes, labels, n_classes=task.n_classes)
        for spikes, labels in ((task.spikes, task.labels), (task.test_spikes, task.test_labels))
    )
    return float(np.mean(nearest_prototype(shown, asked) == task.test_labels))


def ridge(task: ReadoutTask, seed: int, *, penalty: float) -> float:
    """Ridge regression on spike counts, in real numbers."""
    shown, asked = (
        np.column_stack([x.sum(1), np.ones(len(x))]).astype(float)
        for x in (task.spikes, task.test_spikes)
    )
    square = shown.T @ shown + penalty * np.eye(shown.shape[1])
    weights = np.linalg.solve(square, shown.T @ np.eye(task.n_classes)[task.labels])
    return float(np.mean((asked @ weights).argmax(1) == task.test_labels))


def tried(name: str, title: str) -> tuple[Rule, list[dict[str, Any]]]:
    """A row's rule and the candidates for its constants."""
    if title in RULES:
        rule, ranges, fixed = RULES[title]
        return rule, candidates({"threshold": SETS[name].thresholds, **ranges}, fixed)
    others: dict[str, tuple[Any, list[dict[str, Any]]]] = {
        OFF_CHIP[0]: (prototypes, [{}]),
        OFF_CHIP[1]: (prototypes_of_counts, [{}]),
        OFF_CHIP[2]: (offline, [{**one, "epochs": 30, "batch_size": 32} for one in RATES]),
        RIDGE: (ridge, [{"penalty": penalty} for penalty in PENALTIES]),
    }
    train, given = others[title]
    return Rule(train, read=share_itself), given


def measured(name: str, folder: Path, title: str) -> dict[str, Any]:
    """Accuracies of a rule by seed in percent, what was chosen, and its validation accuracy."""
    rule, given = tried(name, title)
    scores = [0.0]
    if len(given) > 1:
        scores = [
            100 * rule.learn(task_of(name, folder, TUNING_SEED, tuning=True), TUNING_SEED, **one)
            for one in given
        ]
    chosen = given[int(np.argmax(scores))]
    return {
        "accuracy": [
            100 * rule.learn(task_of(name, folder, seed), seed, **chosen) for seed in SEEDS
        ],
        "chosen": {k: v for k, v in chosen.items() if not callable(v)},
        "candidates": len(given),
        "validation": max(scores),
    }


def cell(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def page(record: dict[str, Any]) -> str:
    m, sets = record["machine"], {n: one for n, one in record["sets"].items() if one}
    head = " | ".join(SETS[name].title for name in sets)
    titles = list(dict.fromkeys(title for one in sets.values() for title in one))
    lines = [
        f"# Readouts of real data, {m['date']}",
        "",
        f"`python -m benchmarks.real_readouts`; {m['cpu']}, Python {m['python']}. What it says:"
        " [which rule when](../../docs/explanation/which_rule.md#real-data). Accuracy on the test"
        " in percent, mean ± standard deviation over seeds 0 to 4, which draw 300 training samples"
        " (shown five times, changes halved in the last two),"
        " first weights and rounding; constants the best of so many candidates on validation"
        " samples with seed 100.",
        "",
        "FSDD: five speakers, 48 channels, 25 steps, 250 test words of the ten digits. N-MNIST: 578"
        " channels, 20 steps, 100 test recordings (one is a point). MIT-BIH: N, S and V, 96"
        " channels, 32 steps, 450 beats, as many of each, of unseen patients; validation by"
        " patients too.",
        "",
        f"| rule | candidates | {head} |",
        "|---|---|" + "---|" * len(sets),
    ]
    for title in titles:
        cells = [cell(one[title]["accuracy"]) if title in one else "-" for one in sets.values()]
        n = next(one[title]["candidates"] for one in sets.values() if title in one)
        lines.append(f"| {title} | {n} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"| error-gated SSDP less, paired, 95 % interval | {head} |",
        "|---|" + "---|" * len(sets),
    ]
    for title in titles[1:]:
        cells = []
        for one in sets.values():
            if title not in one:
                cells.append("-")
                continue
            gain = np.array(one[titles[0]]["accuracy"]) - np.array(one[title]["accuracy"])
            half = 2.776 * gain.std(ddof=1) / np.sqrt(gain.size)  # t of 4 degrees of freedom
            cells.append(f"{gain.mean():+.1f} ± {half:.1f}")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += ["", "Chosen:", ""]
    for name, one in sets.items():
        for title, row in one.items():
            if row["chosen"]:
                said = ", ".join(f"{key} {value:g}" for key, value in row["chosen"].items())
                lines.append(f"- {SETS[name].title}, {title}: {said}")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    path = RESULTS / f"real_readouts_{machine()['date']}.json"
    record: dict[str, Any] = {"machine": machine(), "seeds": list(SEEDS), "sets": {}}
    if path.exists():  # what a run of today has finished is not repeated
        record = json.loads(path.read_text(encoding="utf-8"))
    for name in SETS:
        rows = record["sets"].setdefault(name, {})
        for title in (*RULES, *OFF_CHIP, RIDGE):
            if title in rows:
                continue
            rows[title] = measured(name, folder, title)
            print(f"{name:8} {title:30} {cell(rows[title]['accuracy'])}", flush=True)
            path.write_text(json.dumps(record, indent=1) + "\n")
            path.with_suffix(".md").write_text(page(record))


if __name__ == "__main__":
    main()
