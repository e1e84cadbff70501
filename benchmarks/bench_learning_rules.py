"""The chip's learning engine against Lava's model: the same rules, one run.

    python -m benchmarks.bench_learning_rules --rounds 3

Spike trains of both ends are given, so that learning is all that is timed. Contestants take turns
(A B C A B C), each in a process of its own; building and compiling are outside of every time.
Times are the process's own processor time, so that a busy machine favours nobody. The weights
and tags of Lava's model are compared with the engine's after the first steps.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from benchmarks.rounds import THREAD_SWITCHES
from hw_models import LearningRule, RandomStream
from ssdp_neuro.rules.ready_rules import pair_stdp, reward_modulated_stdp

COMMAND = "python -m benchmarks.bench_learning_rules"
IMPULSE, TAU, SCALE, REWARD, REWARD_EVERY = 16, 10, 0.25, 40, 10
OURS, COUNTER, LAVA = CONTESTANTS = "engine, Lava's numbers", "engine", "Lava's model"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A rule, its size, and what was promised: ratio to Lava, microseconds a step."""

    title: str
    n_pre: int
    n_post: int
    rate: float
    n_steps: int
    lava_steps: int
    targets: dict[str, float]
    has_tags: bool = False

    def rule(self, stream: RandomStream) -> LearningRule:
        if self.has_tags:
            return reward_modulated_stdp(0.5, 0.5, 0.125, 1, TAU, random_stream=stream)
        return pair_stdp(SCALE, SCALE, TAU, TAU, IMPULSE, random_stream=stream)

    def data(self) -> dict[str, Any]:
        """Weights, spike trains, and what targets send: their trace, and a reward at times."""
        rng = np.random.default_rng(5)
        weights = rng.integers(-100, 101, (self.n_post, self.n_pre))
        pre, post = (
            rng.random((self.n_steps, size)) < self.rate for size in (self.n_pre, self.n_post)
        )
        sent = None
        if self.has_tags:
            sent = np.zeros((self.n_steps, 3, self.n_post), dtype=np.int64)
            trace = np.zeros(self.n_post)
            for step in range(self.n_steps):
                trace = np.minimum(trace * np.exp(-1 / TAU) + 64 * post[step], 127)
                sent[step, 0] = trace
            sent[REWARD_EVERY - 1 :: REWARD_EVERY, 1] = REWARD
        return {"weights": weights, "pre": pre, "post": post, "sent": sent}


CASES = {
    "pair 100x100": Case(
        title="pair STDP, 100 x 100, 5 %",
        n_pre=100,
        n_post=100,
        rate=0.05,
        n_steps=1000,
        lava_steps=200,
        targets={LAVA: 1500, "us": 0.6},
    ),
    "pair 1024x1024": Case(
        title="pair STDP, 1024 x 1024, 2 %",
        n_pre=1024,
        n_post=1024,
        rate=0.02,
        n_steps=300,
        lava_steps=20,
        targets={"us": 6},
    ),
    "tags 784x400": Case(
        title="reward-modulated STDP with tags, 784 to 400, 5 %",
        n_pre=784,
        n_post=400,
        rate=0.05,
        n_steps=100,
        lava_steps=10,
        targets={LAVA: 500},
        has_tags=True,
    ),
}


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


def lava(case: Case) -> dict[str, Any]:
    """Lava's fixed-point LearningDense, called step by step without runtime or messages."""
    from hw_models import lava_processes  # noqa: F401, I001 makes Lava importable
    from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
    from lava.proc.dense.process import LearningDense
    from lava.proc.io.source import RingBuffer
    from lava.utils.weightutils import SignMode

    from hw_models.lava_processes.direct_run import DirectRun

    data, rule = case.data(), case.rule(RandomStream.LAVA)
    names = ("x1",) if case.has_tags else ("x1", "y1")
    traces = {}
    for name in names:
        traces[f"{name}_impulse"] = getattr(rule, name).impulse
        traces[f"{name}_tau"] = getattr(rule, name).tau
    kind = Loihi3FLearningRule if case.has_tags else Loihi2FLearningRule
    equations = {name: rule.equation(name) or None for name in ("dw", "dt")}
    dense = LearningDense(
        weights=data["weights"],
        learning_rule=kind(**equations, **traces, t_epoch=1, rng_seed=rule.seed),
        sign_mode=SignMode.MIXED,
        num_weight_bits=9,
    )
    ports = {"s_in": data["pre"], "s_in_bap": data["post"]}
    zeros = np.zeros_like(data["post"], dtype=np.int64)
    for k in range(3):
        ports[f"s_in_y{k + 1}"] = zeros if data["sent"] is None else data["sent"][:, k]
    sources = []
    for name, values in ports.items():
        sources.append(RingBuffer(data=np.ascontiguousarray(values.T.astype(np.int32))))
        sources[-1].s_out.connect(getattr(dense, name))
    run = DirectRun([*sources, dense])

    def steps() -> None:
        for _ in range(case.lava_steps):
            run.step()

    steps()
    model = run.model(dense)
    digest = digest_of(model.weights, model.tag_1)
    seconds = timed(steps, case.lava_steps, 3)
    return {
        "per_step": seconds,
        "digest": digest,
        "versions": {"lava-nc": metadata.version("lava-nc")},
    }


def digest_of(*arrays: np.ndarray) -> str:
    whole = b"".join(np.ascontiguousarray(array, dtype=np.int64).tobytes() for array in arrays)
    return hashlib.sha256(whole).hexdigest()[:16]


def timed(run: Callable[[], object], n_steps: int, repeats: int) -> list[float]:
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        seconds.append((time.process_time() - started) / n_steps)
    return seconds


def measure(contestant: str, name: str) -> dict[str, Any]:
    case = CASES[name]
    if contestant == LAVA:
        return lava(case)
    return engine(case, RandomStream.LAVA if contestant == OURS else RandomStream.COUNTER)


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
    results: dict[str, list[Any]] = {contestant: [] for contestant in CONTESTANTS}
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
        if contestant == LAVA:
            same = {r["digest"] for r in (*found, *results[OURS])}
            entry["contestants"][contestant]["identical"] = len(same) == 1
            entry["contestants"][contestant]["compared_steps"] = case.lava_steps
    ours = entry["contestants"][OURS]
    for row in entry["contestants"].values():
        for key in ("best", "median"):
            row[f"ratio_{key}"] = row[f"{key}_us_per_step"] / ours[f"{key}_us_per_step"]
    return entry


def markdown(record: dict[str, Any]) -> str:
    place = record["machine"]
    lines = [
        f"# The learning engine beside Lava's model, {place['date']}",
        "",
        f"`{record['command']}`",
        "",
        f"{place['cpu']}, {place['cores']} cores, Python {place['python']}; load"
        f" {place['load']:.1f} at the start, {record['load_at_end']:.1f} at the end.",
        f"{record['rounds']} interleaved rounds, 1 thread, microseconds per step. Ratios are to"
        f" `{OURS}`, which draws one number for all synapses as Lava does and is equal to it;"
        f" `{COUNTER}` draws one for each.",
        "",
        "| rule | by | best | median | runs | ratio, best | ratio, median | weights and tags |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for entry in record["cases"]:
        for name, row in entry["contestants"].items():
            same = ""
            if "identical" in row:
                word = "identical" if row["identical"] else "**DIFFERENT**"
                same = f"{word} after {row['compared_steps']} steps"
            lines.append(
                f"| {entry['case']} | {name} | {row['best_us_per_step']:.4g}"
                f" | {row['median_us_per_step']:.4g} | {row['timed_runs']}"
                f" | {row['ratio_best']:.4g} | {row['ratio_median']:.4g} | {same} |"
            )
    lines += ["", "| rule | wanted | found, best | median | |", "|---|---|---|---|---|"]
    for entry in record["cases"]:
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
    versions = {}
    for entry in record["cases"]:
        for row in entry["contestants"].values():
            versions |= row["versions"]
    lines += ["", *(f"- {note}" for note in record["notes"])]
    lines += ["", "Versions: " + ", ".join(f"{k} {v}" for k, v in sorted(versions.items()))]
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
