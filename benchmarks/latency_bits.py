"""Where latencies alone carry the class: the task of examples/07_latency_code.py, seed by seed.

    python -m benchmarks.latency_bits

Writes a page and all numbers to ``benchmarks/results``; half a minute. README's figure is made of
them, and so is what docs/how-to/latencies.md says of each constant.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from conversions.demo.latency_study import FLAT, SHIFTS, learned_accuracy, ridge_accuracy

RESULTS = Path(__file__).with_name("results")
EXAMPLE = Path(__file__).parents[1] / "examples/07_latency_code.py"
SEEDS = range(10)
JITTERS = (1.0, 3.0, 6.0, 12.0, 24.0)
JITTERED = (
    "latency codes of 8 bits",
    "kernel of 1 bit, a window",
    "flat kernel",
    "ridge on latencies",
)
PLACES = {"anywhere": False, "in its half": True}
CONSTANTS = {  # one at a time, the others as in the example
    "threshold": (30, 60, 120, 240, 480),
    "voltage_decay": (16, 64, 128, 256, 512, 1024, 4095),
    "sigma": (1, 2, 4, 8, 16, 32, 64),
    "amplitude": (0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.0),
    "teacher_latency": (0, 20, 40, 60, 80, 100, 111),
}

FRESH = range(200, 220)  # seeds on which nothing was looked at before
BETTER = {"sigma": 16.0, "amplitude": 0.3, "threshold": 60}  # by the table of constants
TOGETHER = {
    "constants of the example": (learned_accuracy, {}),
    "sigma 16, amplitude 0.3, threshold 60": (learned_accuracy, BETTER),
    "the same, codes of 5 bits": (learned_accuracy, {**BETTER, "bits": 5}),
    "the same, codes of 3 bits": (learned_accuracy, {**BETTER, "bits": 3}),
    "the same, flat kernel": (learned_accuracy, {**BETTER, "sigma": FLAT}),
    "the same, shuffled latencies": (learned_accuracy, {**BETTER, "shuffled": True}),
    "ridge on latencies": (ridge_accuracy, {"latencies": True}),
}


def shares(**settings) -> list[float]:
    return [100 * learned_accuracy(seed, **settings) for seed in SEEDS]


def measured() -> dict[str, dict]:
    conditions = runpy.run_path(str(EXAMPLE))["CONDITIONS"]
    bits = {
        place: {
            name: [100 * measure(seed, fine=fine, **settings) for seed in SEEDS]
            for name, (measure, settings) in conditions.items()
        }
        for place, fine in PLACES.items()
    }
    jitter = {
        name: {
            f"{steps:g}": [
                100 * conditions[name][0](seed, jitter=steps, **conditions[name][1])
                for seed in SEEDS
            ]
            for steps in JITTERS
        }
        for name in JITTERED
    }
    shuffled = {
        place: {str(width): shares(fine=fine, bits=width, shuffled=True) for width in SHIFTS}
        for place, fine in PLACES.items()
    }
    constants = {
        place: {
            name: {str(value): shares(fine=fine, **{name: value}) for value in values}
            for name, values in CONSTANTS.items()
        }
        for place, fine in PLACES.items()
    }
    together = {
        place: {
            name: [100 * measure(seed, fine=fine, **options) for seed in FRESH]
            for name, (measure, options) in TOGETHER.items()
        }
        for place, fine in PLACES.items()
    }
    return {
        "accuracy": bits,
        "shuffled": shuffled,
        "jitter": jitter,
        "constants": constants,
        "together": together,
    }


def cell(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def constant_lines(name: str, places: dict[str, dict]) -> list[str]:
    values = list(next(iter(places.values()))[name])
    return [
        f"| {name} | " + " | ".join(values) + " |",
        "|---|" + "---|" * len(values),
        *(
            f"| {place} | " + " | ".join(map(cell, rows[name].values())) + " |"
            for place, rows in places.items()
        ),
        "",
    ]


def page(record) -> str:
    m, accuracy, jitter = record["machine"], record["accuracy"], record["jitter"]
    differences = []
    for place in PLACES:
        kernel = np.array(accuracy[place]["latency codes of 8 bits"])
        for other in ("flat kernel", "shuffled latencies", "ridge on latencies"):
            gain = kernel - np.array(accuracy[place][other])
            half = 2.262 * gain.std(ddof=1) / np.sqrt(gain.size)  # t of 9 degrees of freedom
            differences.append(
                f"| 8 bits less {other}, {place} | {gain.mean():+.1f} | ± {half:.1f} |"
            )
    return "\n".join(
        [
            f"# Classes that differ in latencies only, {m['date']}",
            "",
            f"`python -m benchmarks.latency_bits`; {m['cpu']}, Python {m['python']}. The task is"
            " made for the rule:"
            " [what the latency kernel is for](../../docs/explanation/latency_kernel.md).",
            "Accuracy in percent, mean ± standard deviation over seeds 0 to 9; chance 33.3."
            " Constants were chosen on seeds 100 to 102.",
            "",
            "| condition | " + " | ".join(PLACES) + " |",
            "|---|---|---|",
            *(
                f"| {name} | " + " | ".join(cell(accuracy[place][name]) for place in PLACES) + " |"
                for name in accuracy["anywhere"]
            ),
            "",
            "| paired difference | mean | 95 % interval |",
            "|---|---|---|",
            *differences,
            "",
            "Jitter (standard deviation of a latency, steps of 112), latencies anywhere:",
            "",
            "| condition | " + " | ".join(next(iter(jitter.values()))) + " |",
            "|---|" + "---|" * len(JITTERS),
            *(
                f"| {name} | " + " | ".join(map(cell, row.values())) + " |"
                for name, row in jitter.items()
            ),
            "",
            "Shuffled latencies by the bits of a code:",
            "",
            "| bits | " + " | ".join(next(iter(record["shuffled"].values()))) + " |",
            "|---|" + "---|" * len(SHIFTS),
            *(
                f"| {place} | " + " | ".join(map(cell, row.values())) + " |"
                for place, row in record["shuffled"].items()
            ),
            "",
            "One constant at a time, the others as in the example (threshold 120,"
            " voltage_decay 256, sigma 8, amplitude 0.15, teacher_latency 60), codes of 8 bits:",
            "",
            *(line for name in CONSTANTS for line in constant_lines(name, record["constants"])),
            "Chosen by these tables, on seeds 200 to 219:",
            "",
            "| condition | " + " | ".join(PLACES) + " |",
            "|---|---|---|",
            *(
                f"| {name} | "
                + " | ".join(cell(record["together"][place][name]) for place in PLACES)
                + " |"
                for name in TOGETHER
            ),
            "",
        ]
    )


def main() -> None:
    record = {"machine": machine(), "seeds": list(SEEDS), **measured()}
    stem = f"latency_bits_{record['machine']['date']}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(page(record))


if __name__ == "__main__":
    main()
