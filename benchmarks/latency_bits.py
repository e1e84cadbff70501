"""Where latencies alone carry the class: the task of examples/07_latency_code.py, seed by seed.

    python -m benchmarks.latency_bits

Writes a page and all numbers to ``benchmarks/results``; half a minute. The figure of
docs/explanation/latency_kernel.md is made of them.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np

from benchmarks.machine import machine

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


def measured() -> dict[str, dict[str, dict[str, list[float]]]]:
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
    return {"accuracy": bits, "jitter": jitter}


def cell(shares: list[float]) -> str:
    return f"{np.mean(shares):.1f} ± {np.std(shares, ddof=1):.1f}"


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
        ]
    )


def main() -> None:
    record = {"machine": machine(), "seeds": list(SEEDS), **measured()}
    stem = f"latency_bits_{record['machine']['date']}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(page(record))


if __name__ == "__main__":
    main()
