"""The cortical microcircuit in the chip's integers: rates, irregularity, and time.

    uv run --with-requirements benchmarks/peers/requirements.txt \\
        python -m benchmarks.microcircuit --scale 0.1 1 --brian 0.1

Each case is a scale and a background; Brian 2, a C++ program in real numbers, takes turns with
the engine where it is asked for. Commands with the same ``--json`` add up. A quick look:
``--scale 0.02 --seconds 0.2``.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from benchmarks.microcircuit import engine
from benchmarks.microcircuit.activity import activity
from benchmarks.microcircuit.parameters import POPULATIONS, STEP_MS, Scale
from benchmarks.microcircuit.report import markdown
from ssdp_neuro.engine.core_use import available_cores

COMMAND = (
    "uv run --with-requirements benchmarks/peers/requirements.txt python -m benchmarks.microcircuit"
)
BACKGROUNDS = ("poisson", "dc")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def activities(
    spikes: dict[str, np.ndarray], scale: Scale, n_quiet: int, n_steps: int
) -> dict[str, Any]:
    """By population, over the steps behind the first ones."""
    return {
        name: activity(spikes[name], int(size), n_quiet, n_steps)._asdict()
        for name, size in zip(POPULATIONS, scale.sizes, strict=True)
    }


class Brian:
    """The program of a case: built by the first run."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        say(f"Brian 2: writing and compiling {settings} ...")
        command = [sys.executable, "-m", "benchmarks.microcircuit.brian"]
        command += [json.dumps(settings), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"Brian 2 failed:\n{done.stderr[-3000:]}")
        self.program = folder / "program"
        self.about = json.loads((folder / "about.json").read_text())
        with np.load(folder / "spikes.npz", allow_pickle=False) as arrays:
            self.spikes = {name: arrays[name] for name in arrays.files}

    def run(self) -> float:
        """Run it again; seconds of its main loop."""
        subprocess.run(
            [self.program / "main"], cwd=self.program, check=True, stdout=subprocess.DEVNULL
        )
        seconds, _ = (self.program / "results" / "last_run_info.txt").read_text().split()
        return float(seconds)


def measured(case: dict[str, Any], n_rounds: int, with_brian: bool, n_quiet: int) -> dict[str, Any]:
    """One case: what it took to build, how it fires, and how long its rounds took."""
    scale, is_poisson = Scale(case["scale"]), case["is_poisson"]
    n_steps = case["n_steps"]
    say(f"scale {scale.share:g}, {'Poisson' if is_poisson else 'constant'} background")
    built = engine.build(scale, case["seed"], is_poisson)
    record: dict[str, Any] = {**case, "built": built.numbers}
    with tempfile.TemporaryDirectory() as folder:
        brian = Brian(case, Path(folder)) if with_brian else None
        rounds, peer_s, shared = [], [], []
        given = (built, scale, case["seed"], is_poisson, n_steps)
        for number in range(n_rounds):
            run = engine.run(*given)
            rounds.append(run.numbers)
            if not is_poisson and available_cores() > 1:
                shared.append(engine.run(*given, available_cores()).numbers["times_real_time"])
            if brian is not None:
                peer_s.append(brian.run())
            say(
                f"round {number + 1} of {n_rounds}: {run.numbers}, all cores {shared[-1:]},"
                f" Brian 2 {peer_s[-1:]} s"
            )
    record["engine"] = {
        "rounds": rounds,
        **{name: statistics.median(one[name] for one in rounds) for name in rounds[0]},
        "activity": activities(run.spikes, scale, n_quiet, n_steps),
    }
    if shared:
        record["engine"] |= {
            "threads": available_cores(),
            "rounds_threads": shared,
            "times_real_time_threads": statistics.median(shared),
        }
    if brian is not None:
        model_s = n_steps * STEP_MS / 1000
        record["brian2"] = {
            "rounds_s": peer_s,
            "times_real_time": statistics.median(peer_s) / model_s,
            "activity": activities(brian.spikes, scale, n_quiet, n_steps),
            **brian.about,
        }
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, nargs="+", default=[0.1])
    parser.add_argument("--background", nargs="+", choices=BACKGROUNDS, default=BACKGROUNDS)
    parser.add_argument("--brian", type=float, nargs="*", default=[], help="scales with a peer")
    parser.add_argument("--seconds", type=float, default=5.0, help="of the model, that count")
    parser.add_argument("--before", type=float, default=0.5, help="seconds that do not")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file for the record, with a .md beside it")
    parser.add_argument("--note", action="append", default=[], help="kept in the record")
    given = parser.parse_args()
    n_quiet = round(given.before * 1000 / STEP_MS)
    record: dict[str, Any] = {"commands": [], "machine": machine(), "notes": [], "cases": []}
    if given.json and given.json.exists():  # commands of one day add up
        record = json.loads(given.json.read_text())
    record["commands"].append(f"{COMMAND} {shlex.join(sys.argv[1:])}")
    record["notes"] += given.note
    for share in given.scale:
        for background in given.background:
            case = {
                "scale": share,
                "is_poisson": background == "poisson",
                "seed": given.seed,
                "n_steps": n_quiet + round(given.seconds * 1000 / STEP_MS),
            }
            load = os.getloadavg()[0]
            made = measured(case, given.rounds, share in given.brian, n_quiet)
            made |= {"load": load, "seconds": given.seconds, "before": given.before}
            record["cases"] = [
                one
                for one in record["cases"]
                if (one["scale"], one["is_poisson"]) != (share, case["is_poisson"])
            ]
            record["cases"].append(made)
            text = markdown(record)
            if given.json:  # case by case: a long run that is stopped leaves what it has
                given.json.write_text(json.dumps(record, indent=1) + "\n")
                given.json.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
