"""Lava programs by from_lava and EngineCfg, against Lava's runtime and its models alone.

    python -m benchmarks.bench_from_lava --rounds 2 --json benchmarks/results

The programs are plain Lava code. Contestants take turns (A B C A B C), each in a process of
its own. "Per step" is a program that is read or compiled already, over many steps; "whole
run" starts from connected Processes and ends with the recorded spikes in hand: reading or
compiling, starting, 1000 steps, getting the spikes of the last 100, stopping. Imports are
outside of both, and so is the compilation of the engine's kernels, which are cached on disk.
"EngineCfg" runs the program as a whole in the engine; "with own Python" has one Process more, whose
model is plain Python beside Lava's, so every Process runs by its own model. The programs of
``lava_tutorials.py`` and ``lava_connections.py`` run by EngineCfg and by Lava's runtime only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from benchmarks.rounds import THREAD_SWITCHES

N, N_STEPS, RATE = 1000, 1000, 0.05
N_RECORDED = 100  # of the last steps: Lava's runtime hands its records over one by one
RUNTIME_STEPS, MODEL_STEPS, REPEATS, ENGINE_REPEATS = 200, 100, 3, 12
LAVA_TARGET = 400  # W1 at 5 % in research: the runtime's time per step over ours
PROGRAMS = {
    "LIF": "LIF 1000 (biased, 5 % fire in a step) - Dense 1000x1000 - LIF 1000",
    "RingBuffer": "RingBuffer 1000 (5 % in a step) - Dense 1000x1000 - LIF 1000",
}
CONTESTANTS = ("engine", "cfg", "own", "models", "runtime")
OF_TUTORIALS = ("cfg", "runtime")  # the first is what others are compared with


def build(program: str) -> tuple[list[Any], Any, Any]:
    """Connected Processes in the order of sending, the last neurons, and their sink."""
    import hw_models.lava_processes  # noqa: F401, I001 makes Lava importable
    from lava.proc.dense.process import Dense
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.proc.lif.process import LIF

    rng = np.random.default_rng(1)
    weights = 2 * rng.integers(-127, 128, (N, N))
    if program == "LIF":
        share = rng.uniform(RATE * 2 / 3, RATE * 4 / 3, N)  # of the threshold, in every step
        drive = np.rint(share * (300 << 6)).astype(int)
        first: Any = LIF(shape=(N,), du=4095, dv=0, vth=300, bias_mant=drive)
    else:
        first = Source(data=(rng.random((N, N_STEPS)) < RATE).astype(np.int32))
    dense, last = Dense(weights=weights), LIF(shape=(N,), du=409, dv=128, vth=24000)
    sink = Sink(shape=(N,), buffer=N_RECORDED)
    first.s_out.connect(dense.s_in)
    dense.a_out.connect(last.a_in)
    last.s_out.connect(sink.a_in)
    return [first, dense, last, sink], last, sink


def engine(program: str) -> dict[str, Any]:
    from conversions import from_lava

    _, last, sink = build(program)
    from_lava(last).run(2)  # loads the kernels
    started = time.perf_counter()
    read = from_lava(last)
    raster = read.run(N_STEPS).data(sink)
    whole = time.perf_counter() - started
    per_step = timed(lambda: read.run(N_STEPS), N_STEPS, ENGINE_REPEATS)
    return {"per_step": per_step, "whole": whole, "raster": raster}


def cfg(program: str) -> dict[str, Any]:
    """The changed line alone: EngineCfg, and the engine runs it all if it can."""
    _, last, sink, tag = built(program)
    return by_run(program, engine_cfg(tag), last, sink)


def built(program: str) -> tuple[list[Any], Any, Any, str]:
    """As of :func:`build`, and the tag of models."""
    if program in PROGRAMS:
        return (*build(program), "fixed_pt")
    last, sink, tag = of_both_kinds()[program][0]()
    return [], last, sink, tag


def of_both_kinds() -> dict[str, tuple[Any, str]]:
    """Networks of tutorials, and those of convolutions and delays: how to build, and titles."""
    from benchmarks.lava_connections import NETWORKS
    from benchmarks.lava_tutorials import TUTORIALS

    return {**TUTORIALS, **NETWORKS}


def own(program: str) -> dict[str, Any]:
    """EngineCfg with a Process of the user's beside: every Process by its own model."""
    _, last, sink = build(program)
    add_counter(last)
    return by_run(program, engine_cfg(), last, sink)


def engine_cfg(tag: str = "fixed_pt") -> Any:
    from conversions import EngineCfg

    return EngineCfg(select_tag=tag)


def add_counter(last: Any) -> None:
    from benchmarks.lava_counter.processes import SpikeCounter

    counter = SpikeCounter(shape=(N,))
    last.s_out.connect(counter.a_in)


def by_run(program: str, config: Any, last: Any, sink: Any) -> dict[str, Any]:
    from lava.magma.core.run_conditions import RunSteps

    _, warm, _, tag = built(program)
    warm.run(condition=RunSteps(2), run_cfg=engine_cfg(tag))  # loads the kernels
    warm.stop()
    started = time.perf_counter()
    last.run(condition=RunSteps(N_STEPS), run_cfg=config)
    raster = sink.data.get()
    whole = time.perf_counter() - started
    per_step = timed(lambda: last.run(RunSteps(N_STEPS)), N_STEPS)
    last.stop()
    return {"per_step": per_step, "whole": whole, "raster": raster}


def models(program: str) -> dict[str, Any]:
    """Lava's ProcessModels one after the other, without runtime or messages."""
    from hw_models.lava_processes.direct_run import DirectRun

    processes, _, sink = build(program)
    DirectRun(processes)  # Lava's search for models takes long, once
    started = time.perf_counter()
    run = DirectRun(processes)
    steps(run, N_STEPS)
    raster = run.model(sink).data.copy()
    whole = time.perf_counter() - started
    per_step = timed(lambda: steps(run, MODEL_STEPS), MODEL_STEPS)
    return {"per_step": per_step, "whole": whole, "raster": raster}


def steps(run: Any, n_steps: int) -> None:
    for _ in range(n_steps):
        run.step()


def runtime(program: str) -> dict[str, Any]:
    _, last, sink, tag = built(program)
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    config = Loihi2SimCfg(select_tag=tag)
    started = time.perf_counter()
    last.run(condition=RunSteps(N_STEPS), run_cfg=config)
    raster = sink.data.get()
    whole = time.perf_counter() - started
    per_step = timed(lambda: last.run(RunSteps(RUNTIME_STEPS), config), RUNTIME_STEPS)
    started = time.perf_counter()
    last.stop()
    return {
        "per_step": per_step,
        "whole": whole + time.perf_counter() - started,
        "raster": raster,
    }


def timed(run: Any, n_steps: int, repeats: int = REPEATS) -> list[float]:
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append((time.perf_counter() - started) / n_steps)
    return seconds


def measure(contestant: str, program: str) -> None:
    """In a process of its own: times and a digest of the spikes, as JSON on the last line."""
    result = globals()[contestant](program)
    raster = np.asarray(result.pop("raster")) != 0
    digest = np.packbits(raster).tobytes()
    print(json.dumps({**result, "spikes": int(raster.sum()), "digest": hash_of(digest)}))


def hash_of(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()[:16]


def in_own_process(contestant: str, program: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_from_lava", "--one", contestant, program],
        env={**os.environ, **dict.fromkeys(THREAD_SWITCHES, "1")},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise SystemExit(f"{contestant} on {program} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measured_rounds(program: str, title: str, n_rounds: int) -> dict[str, Any]:
    contestants = CONTESTANTS if program in PROGRAMS else OF_TUTORIALS
    results: dict[str, list[Any]] = {contestant: [] for contestant in contestants}
    for number in range(n_rounds):
        for contestant in contestants:
            results[contestant].append(in_own_process(contestant, program))
        print(f"{program}: round {number + 1} of {n_rounds}", file=sys.stderr, flush=True)
    entry: dict[str, Any] = {"program": title, "contestants": {}}
    for contestant, found in results.items():
        per_step = [second * 1e6 for result in found for second in result["per_step"]]
        whole = [result["whole"] for result in found]
        entry["contestants"][contestant] = {
            "best_us_per_step": min(per_step),
            "median_us_per_step": statistics.median(per_step),
            "best_whole_s": min(whole),
            "median_whole_s": statistics.median(whole),
            "spikes": found[0]["spikes"],
            "same_spikes": all(r["digest"] == results[contestants[0]][0]["digest"] for r in found),
        }
    ours = entry["contestants"][contestants[0]]
    for found in entry["contestants"].values():
        for key in ("best_us_per_step", "median_us_per_step", "best_whole_s", "median_whole_s"):
            found[f"ratio_{key}"] = found[key] / ours[key]
    return entry


def markdown(record: dict[str, Any]) -> str:
    place = record["machine"]
    lines = [
        f"# Lava programs in the engine, {place['date']}",
        "",
        f"`{record['command']}`",
        "",
        f"{place['cpu']}, {place['cores']} cores, Python {place['python']}, lava-nc"
        f" {record['lava-nc']}; load {place['load']:.1f} at the start,"
        f" {record['load_at_end']:.1f} at the end.",
        f"{record['rounds']} interleaved rounds, 1 thread. Ratios are to a program's first row;"
        f" wanted is {LAVA_TARGET} for Lava's runtime per step of the first two.",
        "",
        "| program | run by | us per step, best | median | ratio, best | ratio, median |"
        f" whole run of {N_STEPS} steps, s (median) | ratio | spikes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entry in record["programs"]:
        for name, found in entry["contestants"].items():
            same = "identical" if found["same_spikes"] else "DIFFERENT"
            lines.append(
                f"| {entry['program']} | {TITLES[name]} | {found['best_us_per_step']:.4g}"
                f" | {found['median_us_per_step']:.4g} | {found['ratio_best_us_per_step']:.3g}"
                f" | {found['ratio_median_us_per_step']:.3g} | {found['median_whole_s']:.3g}"
                f" | {found['ratio_median_whole_s']:.3g} | {found['spikes']} {same} |"
            )
    return "\n".join([*lines, *(f"\n{note}" for note in record["notes"])]) + "\n"


def programs(only: list[str] | None) -> list[tuple[str, str]]:
    """Names and titles of the programs to run."""
    known = {**PROGRAMS, **{name: title for name, (_, title) in of_both_kinds().items()}}
    return [(name, known[name]) for name in only or known]


TITLES = {
    "engine": "engine",
    "cfg": "EngineCfg",
    "own": "EngineCfg, with own Python",
    "models": "Lava's models alone",
    "runtime": "Lava's runtime",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", help="names of programs")
    parser.add_argument("--json", type=Path, help="file or folder of the record")
    parser.add_argument("--note", action="append", default=[], help="kept in the record")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        measure(*given.one)
        return
    record: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks.bench_from_lava", *sys.argv[1:]]),
        "machine": machine(),
        "lava-nc": metadata.version("lava-nc"),
        "rounds": given.rounds,
        "notes": given.note,
        "programs": [measured_rounds(*each, given.rounds) for each in programs(given.only)],
    }
    record["load_at_end"] = os.getloadavg()[0]
    text = markdown(record)
    print(text)
    if given.json and given.json.is_dir():
        given.json /= f"from_lava_{record['machine']['date']}.json"
    if given.json:
        given.json.write_text(json.dumps(record, indent=1) + "\n")
        given.json.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    main()
