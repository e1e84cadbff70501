"""Images in eight-bit integers: MNIST, digits and Fashion-MNIST, trained, then in every executor.

    python -m benchmarks.image_results --folder FOLDER --runs RUNS
    python -m benchmarks.image_results --folder FOLDER --runs RUNS --out benchmarks/results

FOLDER holds mnist and fashion-mnist, four idx files each; RUNS gets a folder for every run, which
is resumed if it was stopped and not repeated if it is there. As in ``event_results``: the last
epochs are on the chip's integers, validation samples choose the epoch, and the test is measured
once.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.event_report import record
from benchmarks.event_results import Case, run
from benchmarks.machine import machine
from hw_models.atomic_file import write_whole

CASES = (
    Case(title="MNIST", config="mnist_conv", folder="mnist", spans=1, floor_limit=10_000),
    Case(title="digits, 8 x 8 pixels", config="digits", folder="", spans=1),
    Case(
        title="Fashion-MNIST",
        config="fashion_mnist_rates",
        folder="fashion-mnist",
        spans=1,
        floor_limit=10_000,
    ),
)
NAME = "image_results"
COMMAND = f"python -m benchmarks.{NAME} --folder FOLDER --runs RUNS --out benchmarks/results"


def main() -> None:
    """Train, compare, print, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="of mnist and fashion-mnist")
    parser.add_argument("--runs", type=Path, required=True, help="a folder for every run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--lava", type=int, default=20, help="samples of each run for Lava")
    parser.add_argument("--only", nargs="+", help="some cases", choices=[c.name for c in CASES])
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    if arguments.out is not None:  # before the training, not after
        arguments.out.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for case in CASES:
        if arguments.only and case.name not in arguments.only:
            continue
        found.append(run(case, arguments.folder, arguments.runs, arguments.seeds, arguments.lava))
    where = machine()
    text = record(found, where, title="Images, trained and in integers", command=COMMAND)
    print(text)
    if arguments.out is not None:
        name = "_".join([NAME, *(arguments.only or [])])
        stem = arguments.out / f"{name}_{where['date']}"
        write_whole(stem.with_suffix(".md"), text.encode())
        told = {"machine": where, "cases": found}
        write_whole(stem.with_suffix(".json"), (json.dumps(told, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
