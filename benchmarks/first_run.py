"""From nothing to the first spikes: fresh processes with an empty and a warm kernel cache.

    uv run python -m benchmarks.first_run --rounds 5

A process imports the library, makes a network and simulates it twice; another is the command
``ssdp-neuro simulate``. Each starts once with an empty cache and once with what the one before
left there. Times are seconds on the clock; CPU seconds beside them say what a busy machine
added. What the library reports as the time of a run is kept, too: compiling is no part of it.
Python may keep its byte code, as it does unless someone forbids it; without, each process would
compile every module it imports again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

COMMAND = "uv run python -m benchmarks.first_run"
SIMULATE = """
import json, sys, time
started = time.perf_counter()
import numpy as np
import hw_models
import ssdp_neuro
imported = time.perf_counter()
network = hw_models.load(sys.argv[1])
spikes = np.random.default_rng(0).random((20, 100)) < 0.1
made = time.perf_counter()
ssdp_neuro.simulate(network, spikes, n_steps=20).spike_counts("cell")
first = time.perf_counter()
ssdp_neuro.simulate(network, spikes, n_steps=20).spike_counts("cell")
second = time.perf_counter()
times = {"import": imported - started, "first call": first - made, "second call": second - first}
print(json.dumps(times | {"numba": "numba" in sys.modules}))
"""
MAKE = """
import sys
import numpy as np
from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation, save
cell = LifPopulation(name="cell", shape=(10,), current_decay=1024, voltage_decay=128, threshold=900)
weights = np.random.default_rng(0).integers(-64, 128, (10, 100)) * 2
synapses = DenseProjection(source="eye", target="cell", weights=weights)
eye = InputPopulation(name="eye", shape=(100,))
save(FixedPointNetwork(populations=[eye, cell], projections=[synapses]), sys.argv[1])
"""
REPORTED = re.compile(r"steps in ([0-9.e-]+) s")


def timed(arguments: list[str], cache: Path) -> tuple[float, float, str]:
    """Seconds on the clock and of the processor, and what was printed."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, done.stdout


def in_process(network: Path, cache: Path) -> dict[str, float]:
    """One process that simulates the network twice."""
    wall, used, printed = timed([sys.executable, "-c", SIMULATE, str(network)], cache)
    return {"wall": wall, "cpu": used, **json.loads(printed)}


def by_command(network: Path, cache: Path) -> dict[str, float]:
    """``ssdp-neuro simulate``, and the time that it says the run took."""
    program = str(Path(sys.executable).with_name("ssdp-neuro"))
    wanted = ["simulate", str(network), "--steps", "20", "--rate", "0.1"]
    wall, used, printed = timed([program, *wanted], cache)
    found = REPORTED.search(printed)
    if found is None:
        raise RuntimeError(f"{program}: no time in {printed!r}")
    return {"wall": wall, "cpu": used, "reported": float(found[1])}


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Of each number."""
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def measured(n_rounds: int) -> dict[str, Any]:
    """By way and state of the cache: medians, and every round."""
    ways = {"in process": in_process, "command": by_command}
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "network.h5"
        timed([sys.executable, "-c", MAKE, str(network)], Path(folder) / "unused")
        for number in range(n_rounds):
            for way, run in ways.items():
                cache = Path(folder) / f"{way} {number}"
                for state in ("empty", "warm"):
                    found.setdefault(f"{way}, {state}", []).append(run(network, cache))
                    print(f"{way}, {state}: {found[f'{way}, {state}'][-1]}", file=sys.stderr)
    return {case: {"median": medians(rounds), "rounds": rounds} for case, rounds in found.items()}


def markdown(record: dict[str, Any]) -> str:
    """The record as a page."""
    about = record["machine"]
    lines = [
        f"# First run, {about['date']}",
        "",
        f"`{record['command']}`",
        "",
        f"{about['cpu']}, {about['cores']} cores, Python {about['python']}; load"
        f" {about['load']:.1f} at the start, {record['load_at_end']:.1f} at the end. A 100-10"
        f" network, 20 steps; medians of {record['rounds']} fresh processes, in seconds.",
        "",
        "| | whole process | CPU | import | first call | second call | reported run |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, numbers in record["cases"].items():
        median = numbers["median"]
        names = ("wall", "cpu", "import", "first call", "second call", "reported")
        cells = [f"{median[name]:.3g}" if name in median else "" for name in names]
        lines.append(" | ".join([f"| {case} cache", *cells]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for the record, with a .md beside it")
    given = parser.parse_args()
    record = {
        "command": " ".join([COMMAND, *sys.argv[1:]]),
        "machine": machine(),
        "rounds": given.rounds,
        "cases": measured(given.rounds),
        "load_at_end": os.getloadavg()[0],
    }
    text = markdown(record)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(record, indent=1) + "\n")
        given.json.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    main()
