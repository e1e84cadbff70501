"""Real data in which only the times of spikes tell the class, judged as the made task is.

    nice -n 19 python -m benchmarks.latency_data --folder FOLDER

FOLDER holds fsdd (Free Spoken Digit Dataset, five speakers), mit-bih (beats cut out), qtdb (as
spikes), nmnist (a subset), mnist-dvs (one digit) and dvs128-gesture (one clip of each). The codes
are chosen so that an input fires once in a sample, or never where nothing comes to it: counts are
who fired, and loudness, height and number of events are lost. What the usual codes of the same
samples say by their counts stands in a row of its own.

- words: 32 bands; an input fires when its band has had a quarter, half or three quarters of all
  that it gets in the word (96 inputs), ten digits; the same forwards against backwards in time;
- beats: 16 levels of the deviation from the median, as shares of its largest; an input fires at
  the last rise through its level before the peak or the first fall after it (32 inputs), normal
  against ventricular beats of patients who were never seen;
- waves: four channels of spikes, five shares (20 inputs): the time around an R peak forwards
  against backwards; and the segment of a beat in which the last of 104 steps lies;
- movements: groups of columns and rows, three shares, by a clock that counts events: which of its
  three movements the camera makes, the first of them forwards against backwards, a digit that goes
  to the left or to the right, an arm that circles one way or the other.

Constants of each rule are the best of as many candidates, drawn at random, on a part of the
training data (other words, patients, recordings); then ten other seeds, which draw the training
samples, first weights and rounding, on the test. Writes a page and all numbers to
``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.latency_data import hearts, movements, words
from benchmarks.latency_data.real_set import RealSet, Task
from benchmarks.machine import machine
from conversions.demo.latency_study import FLAT, N_STEPS, SHIFTS, learned_share, ridge_share

RESULTS = Path(__file__).parents[1] / "results"
SEEDS, TUNING_SEEDS = range(10), (100, 101)
PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
N_CANDIDATES = 32
RANGES = {
    "sigma": (4.0, 8.0, 12.0, 16.0, 24.0),
    "amplitude": (0.01, 0.02, 0.04, 0.08, 0.15, 0.3),
    "threshold": (30, 60, 120, 240),
    "voltage_decay": (64, 128, 256, 512),
    "teacher_latency": (30, 40, 50, 60, 70),
}
RULES: dict[str, dict[str, Any]] = {
    "latency codes of 8 bits": {},
    "flat kernel": {"sigma": FLAT},
    "shuffled latencies": {"shuffled": True},
}
KERNEL = next(iter(RULES))
HOW_TO = "constants of the how-to page"  # docs/how-to/latencies.md, for any data
HOW_TO_CONSTANTS: dict[str, Any] = {
    "bits": 5,
    "sigma": 16.0,
    "amplitude": 0.3,
    "threshold": 60,
    "voltage_decay": 256,
    "teacher_latency": 60,
    "epochs": 3,
}
CONTROLS = ("flat kernel", "shuffled latencies")
READERS = ("who fired", "counts", "latencies", "counts of the usual code")
TASKS: dict[str, Task] = {**words.TASKS, **hearts.TASKS, **movements.TASKS}
GROUPS = {"Words": words.TASKS, "Heart beats": hearts.TASKS, "Movements": movements.TASKS}
T_975 = 2.262  # Student's t of 9 degrees of freedom


def candidates() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [{k: rng.choice(v).item() for k, v in RANGES.items()} for _ in range(N_CANDIDATES)]


def measured(data: RealSet, shots: int, epochs: int) -> dict[str, Any]:
    """Accuracies in percent by condition and seed, and what was chosen."""
    tuning = {seed: data.samples(seed, shots, tuning=True) for seed in TUNING_SEEDS}
    final = {seed: data.samples(seed, shots, tuning=False) for seed in SEEDS}
    rows: dict[str, list[float]] = {}
    chosen: dict[str, Any] = {}
    for name, fixed in RULES.items():
        tried = [{**one, **fixed, "epochs": epochs} for one in candidates()]
        scores = [
            np.mean([learned_share(task, seed, **one) for seed, task in tuning.items()])
            for one in tried
        ]
        chosen[name] = tried[int(np.argmax(scores))]
        for bits in SHIFTS if not fixed else (8,):
            title = name if bits == 8 else f"of {bits} bit{'s' * (bits > 1)}"
            rows[title] = [
                100 * learned_share(task, seed, bits=bits, **chosen[name])
                for seed, task in final.items()
            ]
            print(f"  {title:28} {cell(rows[title])}", flush=True)
    rows[HOW_TO] = [
        100 * learned_share(task, seed, **HOW_TO_CONSTANTS) for seed, task in final.items()
    ]
    print(f"  {HOW_TO:28} {cell(rows[HOW_TO])}", flush=True)
    for reader in READERS:
        values = data.values(reader)

        def share(seed: int, penalty: float, tuned: bool, values=values) -> float:
            seen, asked = data.drawn(seed, shots, tuning=tuned)
            return ridge_share(
                values[seen], data.labels[seen], values[asked], data.labels[asked], penalty
            )

        scores = [np.mean([share(s, p, True) for s in TUNING_SEEDS]) for p in PENALTIES]
        penalty = PENALTIES[int(np.argmax(scores))]
        chosen[f"ridge on {reader}"] = {"penalty": penalty}
        rows[f"ridge on {reader}"] = [100 * share(seed, penalty, False) for seed in SEEDS]
        print(f"  ridge on {reader:19} {cell(rows[f'ridge on {reader}'])}", flush=True)
    n_silent = int((data.latencies >= N_STEPS).sum())
    return {
        "accuracy": rows,
        "chosen": chosen,
        "tested": len(final[0].test),
        "inputs": data.latencies.shape[1],
        "silent": n_silent / data.latencies.size,
        "classes": final[0].n_classes,
    }


def cell(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def gain(rows: dict[str, list[float]], other: str) -> tuple[float, float]:
    """Of the kernel over another condition: mean and half of the 95 % interval, paired by seed."""
    difference = np.array(rows[KERNEL]) - np.array(rows[other])
    half = T_975 * difference.std(ddof=1) / np.sqrt(difference.size)
    return float(difference.mean()), float(half)


def learned(rows: dict[str, list[float]]) -> bool:
    """Whether the kernel is above both controls, each by its interval."""
    return all(mean > half for mean, half in (gain(rows, one) for one in CONTROLS))


def table(tasks: dict[str, Any]) -> list[str]:
    """Accuracies of some tasks, then differences."""
    accuracies = [t["accuracy"] for t in tasks.values()]

    def row(name: str, cells: list[str]) -> str:
        return f"| {name} | " + " | ".join(cells) + " |"

    lines = [row("condition", list(tasks)), "|---|" + "---|" * len(tasks)]
    lines.append(row("chance", [f"{100 / t['classes']:.0f}" for t in tasks.values()]))
    lines += [row(name, [cell(rows[name]) for rows in accuracies]) for name in accuracies[0]]
    for other in (*CONTROLS, "ridge on latencies", "ridge on counts of the usual code"):
        gains = [gain(rows, other) for rows in accuracies]
        lines.append(
            row(f"8 bits less {other}", [f"{mean:+.1f} ± {half:.1f}" for mean, half in gains])
        )
    lines.append(row("learned", ["yes" if learned(rows) else "no" for rows in accuracies]))
    return lines


def page(record: dict[str, Any]) -> str:
    m, tasks = record["machine"], record["tasks"]
    lines = [
        f"# Real data in which times tell the class, {m['date']}",
        "",
        f"`python -m benchmarks.latency_data`; {m['cpu']}, Python {m['python']}. What it says:"
        " [what the latency kernel is for](../../docs/explanation/latency_kernel.md#on-real-data)."
        " Accuracy in percent, mean ± standard deviation over seeds 0 to 9, which draw the training"
        f" samples; constants of each rule the best of {N_CANDIDATES} candidates on a part of the"
        " training data, those of fewer bits as of 8; those of the how-to page are the same for"
        " all, 5 bits, three epochs. Differences are paired by seed, with 95 % interval; learned:"
        " above a flat kernel and above shuffled latencies.",
        "",
        "An input fires once in a sample, or never where nothing comes to it. Words: 32 bands; a"
        " quarter, half, three quarters of a band's sound have come. Beats (MIT-BIH): 16 levels,"
        " last rise before the peak and first fall after it; normal and ventricular, unseen"
        " patients. Waves and segments (QTDB): four channels of spikes, a tenth to nine tenths of"
        " each in five shares; direction of the 104 steps around an R peak, and the segment of the"
        " last step. Movements: a quarter, half, three quarters of the events of two columns or"
        " rows (N-MNIST), four (MNIST-DVS, digit 0 to the left or right), eight (DVS128 gesture:"
        " turns of one person's arm, two clips to learn from, two of the other arm to be tested);"
        " steps are 104ths of a sample's events. The usual code: 32 bands of three neurons; send on"
        " delta, six sizes; spikes of each channel; events of each polarity in squares of pixels.",
    ]
    for title, group in GROUPS.items():
        lines += ["", f"## {title}", "", *table({name: tasks[name] for name in group})]
    lines += ["", "| task | inputs | silent | tested |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {t['inputs']} | {100 * t['silent']:.1f} % | {t['tested']} |"
        for name, t in tasks.items()
    ]
    lines += ["", "Chosen:", ""]
    for name, t in tasks.items():
        for rule in RULES:
            kept = {k: v for k, v in t["chosen"][rule].items() if k != "shuffled" and v != FLAT}
            lines.append(f"- {name}, {rule}: " + ", ".join(f"{k} {v:g}" for k, v in kept.items()))
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    tasks: dict[str, Any] = {}
    for name, (make, shots, epochs) in TASKS.items():
        print(name, flush=True)
        tasks[name] = measured(make(folder), shots, epochs)
    record = {"machine": machine(), "seeds": list(SEEDS), "tasks": tasks}
    stem = RESULTS / f"latency_data_{record['machine']['date']}"
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    stem.with_suffix(".md").write_text(page(record))


if __name__ == "__main__":
    main()
