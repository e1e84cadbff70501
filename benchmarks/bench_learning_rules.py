"""The chip's learning engine against Lava and Brian 2: the same rules, one run.

    uv run --with-requirements benchmarks/peers/requirements.txt \\
        python -m benchmarks.bench_learning_rules --rounds 3

Spike trains of both ends are given, so that learning is all that is timed. Contestants take turns
(A B C A B C), each in a process of its own; building and compiling are outside of every time.
Times are the process's own processor time; of Lava with its runtime, which is several processes,
and of Brian 2's main loop they are what a clock says. Weights and tags of Lava are compared with
the engine's after the first steps. Brian 2 takes part in pair STDP where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning_rule_cases import (
    BRIAN,
    CASES,
    CONTESTANTS,
    COUNTER,
    LAVA,
    MODEL,
    OURS,
    Case,
    digest_of,
    timed,
)
from benchmarks.machine import machine
from benchmarks.rounds import THREAD_SWITCHES
from hw_models import RandomStream

COMMAND = (
    "uv run --with-requirements benchmarks/peers/requirements.txt"
    " python -m benchmarks.bench_learning_rules"
)


def engine(case: Case, stream: RandomStream) -> dict[str, Any]:
    """Whole calls of ``PlasticSynapses.run`` on prepared trains, after a first one."""
    from ssdp_neuro import PlasticSynapses

    data = case.data()
    synapses = PlasticSynapses(case.rule(stream), data["weights"])
    n = case.lava_steps
    first = [None if data[k] is None else data[k][:n] for k in ("pre", "post", "sent")]
    synapses.run(*first)
    digest = digest_of(synapses.weights, synapses.tag_1)
    trains = (data["pre"], data["post"], data["sent"])
    seconds = timed(lambda: synapses.run(*trains), case.n_steps, 4 if case.has_tags else 12)
    return {"per_step": seconds, "digest": digest, "versions": {"numpy": np.__version__}}


def measure(contestant: str, name: str) -> dict[str, Any]:
    """What one process measures."""
    case = CASES[name]
    if contestant in (LAVA, MODEL):
        from benchmarks.peers import lava_learning

        return lava_learning.in_runtime(case) if contestant == LAVA else lava_learning.alone(case)
    if contestant == BRIAN:
        from benchmarks.peers import brian2_learning

        return brian2_learning.measure(case)
    return engine(case, RandomStream.LAVA if contestant == OURS else RandomStream.COUNTER)


def contestants_of(case: Case) -> list[str]:
    """Those that can take part."""
    has_brian = importlib.util.find_spec("brian2") is not None and not case.has_tags
    return [one for one in CONTESTANTS if one != BRIAN or has_brian]


def in_own_process(contestant: str, name: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_learning_rules", "--one", contestant, name],
        env={**os.environ, **dict.fromkeys(THREAD_SWITCHES, "1")},
        capture_output=True,
        text=True,
        timeout=900,
    )
    if done.returncode:
        raise SystemExit(f"{contestant} on {name} failed:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measured_rounds(name: str, n_rounds: int) -> dict[str, Any]:
    case = CASES[name]
    results: dict[str, list[Any]] = {one: [] for one in contestants_of(case)}
    for number in range(n_rounds):
        for contestant, found in results.items():
            found.append(in_own_process(contestant, name))
        best = {c: min(s for r in found for s in r["per_step"]) for c, found in results.items()}
        text = ", ".join(f"{c} {seconds * 1e6:.4g}" for c, seconds in best.items())
        print(f"{name}, round {number + 1}, best us: {text}", file=sys.stderr, flush=True)
    entry: dict[str, Any] = {"case": case.title, "targets": case.targets, "contestants": {}}
    for contestant, found in results.items():
        per_step = [second * 1e6 for result in found for second in result["per_step"]]
        entry["contestants"][contestant] = {
            "best_us_per_step": min(per_step),
            "median_us_per_step": statistics.median(per_step),
            "timed_runs": len(per_step),
            "versions": found[0]["versions"],
        }
        if contestant == BRIAN:
            entry["contestants"][contestant]["correlation"] = found[0]["correlation"]
        if contestant in (LAVA, MODEL):
            same = {r["digest"] for r in (*found, *results[OURS])}
            entry["contestants"][contestant]["identical"] = len(same) == 1
            entry["contestants"][contestant]["compared_steps"] = case.lava_steps
    ours = entry["contestants"][OURS]
    for row in entry["contestants"].values():
        for key in ("best", "median"):
            row[f"ratio_{key}"] = row[f"{key}_us_per_step"] / ours[f"{key}_us_per_step"]
    return entry


def tables(entries: list[dict[str, Any]]) -> list[str]:
    """Lines of two tables: times and ratios, and what was wanted."""
    lines = [
        "| rule | by | best | median | runs | ratio, best | ratio, median | weights and tags |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for entry in entries:
        for name, row in entry["contestants"].items():
            same = ""
            if "identical" in row:
                word = "identical" if row["identical"] else "**DIFFERENT**"
                same = f"{word} after {row['compared_steps']} steps"
            if "correlation" in row:
                same = f"changes correlate by {row['correlation']:.3f}"
            lines.append(
                f"| {entry['case']} | {name} | {row['best_us_per_step']:.4g}"
                f" | {row['median_us_per_step']:.4g} | {row['timed_runs']}"
                f" | {row['ratio_best']:.4g} | {row['ratio_median']:.4g} | {same} |"
            )
    lines += ["", "| rule | wanted | found, best | median | |", "|---|---|---|---|---|"]
    for entry in entries:
        for against, target in entry["targets"].items():
            rows = entry["contestants"]
            if against == "us":
                row, what = rows[OURS], f"at most {target:g} us"
                found = [row["best_us_per_step"], row["median_us_per_step"]]
                met = found[0] <= target
            elif against in rows:
                row, what = rows[against], f"{target:g} times {against}"
                found = [row["ratio_best"], row["ratio_median"]]
                met = found[0] >= target
            else:
                continue
            word = "met" if met else "**missed**"
            lines.append(f"| {entry['case']} | {what} | {found[0]:.4g} | {found[1]:.4g} | {word} |")
    return lines


def versions_of(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Of all who took part."""
    rows = [row for entry in entries for row in entry["contestants"].values()]
    return {name: version for row in rows for name, version in row["versions"].items()}


RATIOS_OF = (
    f"Ratios are to `{OURS}`, which draws one number for all synapses as Lava does and is equal to"
    f" it; `{COUNTER}` draws one for each."
)


def markdown(record: dict[str, Any]) -> str:
    place = record["machine"]
    lines = [
        f"# The learning engine beside Lava and Brian 2, {place['date']}",
        "",
        f"`{record['command']}`",
        "",
        f"{place['cpu']}, {place['cores']} cores, Python {place['python']}; load"
        f" {place['load']:.1f} at the start, {record['load_at_end']:.1f} at the end.",
        f"{record['rounds']} interleaved rounds, 1 thread, microseconds per step. {RATIOS_OF}",
        "",
        *tables(record["cases"]),
        "",
        *(f"- {note}" for note in record["notes"]),
    ]
    versions = sorted(versions_of(record["cases"]).items())
    lines += ["", "Versions: " + ", ".join(f"{k} {v}" for k, v in versions)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES), metavar="NAME")
    parser.add_argument("--json", type=Path, help="file for the record, with a .md beside it")
    parser.add_argument("--note", action="append", default=[], help="kept in the record")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(*given.one)))
        return
    record: dict[str, Any] = {
        "command": " ".join([COMMAND, *sys.argv[1:]]),
        "machine": machine(),
        "rounds": given.rounds,
        "notes": given.note,
        "cases": [],
    }
    for name in given.case:
        record["cases"].append(measured_rounds(name, given.rounds))
    record["load_at_end"] = os.getloadavg()[0]
    text = markdown(record)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(record, indent=1) + "\n")
        given.json.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    main()
