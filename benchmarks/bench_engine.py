"""The engine against Lava, Brian 2 and PyTorch simulators: the same networks, one run.

    uv run --with-requirements benchmarks/peers/requirements.txt \\
        python -m benchmarks.bench_engine --rounds 5

Every time is that of a prepared network on prepared input: start-up, building and
compiling are outside. Engine and peers take turns (A B C A B C), each in a process of its
own. The spikes of every peer are compared with ours. Commands of one day that name the same
``--json`` add up to one record, so that a machine need not be quiet for long.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.alone import ALONE
from benchmarks.engine_report import markdown
from benchmarks.limits import limit_us
from benchmarks.machine import machine
from benchmarks.peers.__main__ import PEERS
from benchmarks.rounds import ENGINE, Case, measure_case
from benchmarks.workloads import WORKLOADS

COMMAND = (
    "uv run --with-requirements benchmarks/peers/requirements.txt python -m benchmarks.bench_engine"
)
LAVA = ("Lava", "Lava, product")
BRIAN = "Brian2 C++"
CASES = (
    Case(
        workload="W1 1%",
        n_threads=1,
        peers=(*LAVA, BRIAN, "norse", "sinabs"),
        lava_target=500,
        peer_target=15,
    ),
    Case(
        workload="W1 5%",
        n_threads=1,
        peers=(*LAVA, BRIAN, "norse", "sinabs"),
        lava_target=400,
        peer_target=40,
    ),
    Case(
        workload="W1 20%",
        n_threads=1,
        peers=(*LAVA, BRIAN, "norse", "sinabs"),
        lava_target=200,
        peer_target=60,
    ),
    Case(workload="W2", n_threads=1, peers=(*LAVA, BRIAN), lava_target=120, peer_target=2.8),
    Case(
        workload="W3",
        n_threads=1,
        peers=(*LAVA, "norse", "sinabs", "snntorch", "spikingjelly"),
        lava_target=1200,
        peer_target=15,
    ),
    Case(
        workload="W3",
        n_threads=2,
        peers=(*LAVA, "norse", "sinabs", "snntorch", "spikingjelly"),
        lava_target=1200,
        peer_target=15,
    ),
    Case(workload="W4", n_threads=1, peers=(*LAVA, BRIAN), lava_target=350, peer_target=2.5),
    Case(workload="C 34", n_threads=1, peers=("sinabs",), lava_target=0, peer_target=35),
    Case(workload="C 128", n_threads=1, peers=("sinabs",), lava_target=0, peer_target=30),
    Case(workload="D matrix", n_threads=1, peers=(BRIAN,), lava_target=0, peer_target=11),
    Case(workload="D list", n_threads=1, peers=(BRIAN,), lava_target=0, peer_target=11),
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = list(dict.fromkeys(case.workload for case in CASES)) + list(ALONE)
    parser.add_argument("--workload", nargs="+", choices=names, default=names, metavar="NAME")
    peers = [peer for peer in PEERS if peer != ENGINE]
    parser.add_argument("--peers", nargs="*", choices=peers, default=peers, metavar="PEER")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for the record, with a .md beside it")
    parser.add_argument("--note", action="append", default=[], help="kept in the record")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    record = begun(given.json) or {"machine": machine(), "cases": [], "alone": {}, "commands": []}
    record["notes"] = list(dict.fromkeys([*record.get("notes", []), *given.note]))
    record["commands"].append(f"{COMMAND} {shlex.join(sys.argv[1:])}")

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    for name in given.workload:
        if name in ALONE:
            record["alone"][name] = ALONE[name](given.rounds)
            say(f"{name}: {record['alone'][name]}")
    for case in CASES:
        if case.workload in given.workload:
            chosen = tuple(peer for peer in case.peers if peer in given.peers)
            case = dataclasses.replace(case, peers=chosen)
            load = os.getloadavg()[0]
            with tempfile.TemporaryDirectory() as folder:
                made = measure_case(case, given.rounds, Path(folder), say)
            limit = limit_us(WORKLOADS[case.workload]()) if case.n_threads == 1 else None
            made |= {"load": load, "rounds": given.rounds, "limit_us_per_step": limit}
            record["cases"] = [one for one in record["cases"] if one["case"] != made["case"]]
            record["cases"].append(made)
    order = [case.name for case in CASES]
    record["cases"].sort(key=lambda made: order.index(made["case"]))
    text = markdown(record)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(record, indent=1) + "\n")
        given.json.with_suffix(".md").write_text(text)


def begun(path: Path | None) -> dict[str, Any] | None:
    """The record that an earlier command of this day has begun, to which cases are added."""
    if path is None or not path.exists():
        return None
    record = json.loads(path.read_text())
    about = machine()
    for field in ("cpu", "date"):
        if record["machine"][field] != about[field]:
            raise SystemExit(f"{path}: {field} {record['machine'][field]!r}, here {about[field]!r}")
    return record


if __name__ == "__main__":
    main()
