"""Interleaved rounds: engine and peers in turn, each in a process of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.measurement import Measurement, load

ENGINE = "engine"
SLOW_SECONDS, SLOW_ROUNDS = 40, 2  # a peer that takes so long is measured in so many rounds
TIMEOUT_SECONDS = 900
THREAD_SWITCHES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A workload, the threads that engine and peers may use, and what was promised.

    Parameters
    ----------
    lava_target, peer_target
        How many times faster than the faster way of Lava (0: not measured), and than the
        fastest other peer.
    """

    workload: str
    n_threads: int
    peers: tuple[str, ...]
    lava_target: float
    peer_target: float

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"{self.workload}, {self.n_threads} thread{'s' * (self.n_threads > 1)}"


def measure_case(case: Case, n_rounds: int, folder: Path, say: Callable[[str], None]) -> Any:
    """All rounds of a case; a JSON-ready record, with an entry for each peer."""
    times: dict[str, list[float]] = {}
    last: dict[str, Measurement] = {}
    took: dict[str, float] = {}
    for number in range(n_rounds):
        for peer in (ENGINE, *case.peers):
            if took.get(peer, 0) > SLOW_SECONDS and number >= SLOW_ROUNDS:
                continue
            started = time.perf_counter()
            last[peer] = run_peer(peer, case, folder)
            took[peer] = time.perf_counter() - started
            times.setdefault(peer, []).extend(last[peer].seconds_per_step)
        best = ", ".join(f"{peer} {min(seconds) * 1e6:.4g}" for peer, seconds in times.items())
        say(f"{case.name}, round {number + 1} of {n_rounds}, best us per step: {best}")
    ours = times[ENGINE]
    return {
        "case": case.name,
        "workload": case.workload,
        "threads": case.n_threads,
        "lava_target": case.lava_target,
        "peer_target": case.peer_target,
        "peers": {
            peer: {
                "best_us_per_step": min(seconds) * 1e6,
                "median_us_per_step": statistics.median(seconds) * 1e6,
                "timed_runs": len(seconds),
                "ratio_best": min(seconds) / min(ours),
                "ratio_median": statistics.median(seconds) / statistics.median(ours),
                "versions": dict(last[peer].versions),
                **agreement(last[ENGINE], last[peer]),
            }
            for peer, seconds in times.items()
        },
    }


def run_peer(peer: str, case: Case, folder: Path) -> Measurement:
    """Measure a peer once, in its own process, and read what it wrote."""
    place = folder / f"{case.name} {peer}".replace(" ", "_").replace("%", "").replace(",", "")
    place.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.peers"]
    command += [peer, case.workload, str(case.n_threads), str(place)]
    threads = dict.fromkeys(THREAD_SWITCHES, str(case.n_threads))
    done = subprocess.run(
        command,
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode:
        raise SystemExit(f"{peer} on {case.name} failed:\n{done.stderr[-3000:]}")
    return load(place)


def agreement(ours: Measurement, theirs: Measurement) -> dict[str, Any]:
    """Spikes of both over what the peer ran: their numbers, and the share in common (Jaccard)."""
    n_ours = n_theirs = n_common = 0
    for name, given in theirs.events.items():
        mine = ours.events[name]
        mine = mine[(mine[:, 0] < theirs.n_samples) & (mine[:, 1] < theirs.n_steps)]
        n_ours += len(mine)
        n_theirs += len(given)
        n_common += len(rows(mine) & rows(given))
    return {
        "compared_steps": theirs.n_steps,
        "compared_samples": theirs.n_samples,
        "spikes_engine": n_ours,
        "spikes_peer": n_theirs,
        "identical": n_ours == n_theirs == n_common,
        "jaccard": n_common / (n_ours + n_theirs - n_common),
    }


def rows(events: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, events.tolist()))


def fastest(peers: dict[str, Any], among: Iterable[str]) -> str | None:
    """The peer of the best time; None if there are none."""
    return min(among, key=lambda peer: peers[peer]["best_us_per_step"], default=None)
