"""Building, reading, learning and converting, each beside what it is measured against.

    python -m benchmarks.bench_reading_and_learning --rounds 5

What is timed and what stands beside it take turns in one process, on one thread. Times are the
processor's, not the clock's: other programs may run. Memory is what NumPy allocates at most
during a call, beside the arrays that the call leaves.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ssdp_neuro
from benchmarks.machine import machine
from benchmarks.rounds import THREAD_SWITCHES
from hw_models import (
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    Rounding,
    SparseProjection,
    ThirdFactor,
    load,
    save,
)
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.readiness import make_ready
from ssdp_neuro.engine.spike_input import spike_input

REPEATS = 3  # of a round
N_SOURCES, FAN_OUT = 20_000, 100
BUILD_GOAL, MEMORY_GOAL = 10, 1.5


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing timed, and what stands beside it.

    Parameters
    ----------
    scale
        What seconds are multiplied by to be in ``unit``.
    goal
        In ``unit``; None for none.
    memory
        Bytes that ``ours`` leaves, if its memory is measured.
    """

    what: str
    beside: str
    ours: Callable[[], Any]
    other: Callable[[], Any]
    unit: str
    scale: float
    goal: float | None = None
    memory: int | None = None


def layered(sizes: tuple[int, ...], third_factor: ThirdFactor) -> FixedPointNetwork:
    """Dense layers; the last one learns, rounding stochastically."""
    rng = np.random.default_rng(0)
    distance = np.arange(16)
    rule = DaSsdpParams(
        latency_bits=4,
        latency_shift=2,
        silent_latency=15,
        kernel=np.rint(255 * np.exp(-(distance**2) / 8)).astype(int),
        potentiation=200,
        depression=20,
        shift=15,
        rounding=Rounding.STOCHASTIC,
        third_factor=third_factor,
        warm_up=20 if third_factor is ThirdFactor.DOPAMINE else 0,
        weight_low=-127,
        weight_high=127,
    )
    populations: list[Any] = [InputPopulation(name="in", shape=sizes[:1])]
    projections = []
    for n_pre, n_post in itertools.pairwise(sizes):
        source, name = populations[-1].name, f"layer {len(populations)}"
        populations.append(
            LifPopulation(
                name=name,
                shape=(n_post,),
                current_decay=2048,
                voltage_decay=256,
                threshold=900 if sizes[0] > 500 else 300,
            )
        )
        weights = rng.integers(-100, 105, (n_post, n_pre))
        learns = rule if len(populations) == len(sizes) else None
        projections.append(
            DenseProjection(source=source, target=name, weights=weights, plasticity=learns)
        )
    return FixedPointNetwork(populations=populations, projections=projections)


def learning_rows() -> Iterator[Row]:
    """``learn`` beside ``simulate`` of the same samples."""
    for sizes, n_steps, n_samples, goal in (
        ((784, 512, 10), 32, 3000, 45.0),
        ((64, 32, 10), 16, 10_000, 8.0),
    ):
        for factor in (ThirdFactor.TEACHER, ThirdFactor.REWARD, ThirdFactor.DOPAMINE):
            network = layered(sizes, factor)
            make_ready(network)
            rng = np.random.default_rng(1)
            spikes = rng.integers(0, 20, (n_samples, n_steps, sizes[0]), dtype=np.uint8) == 0
            given = spike_input(network, spikes, n_steps)
            told = {
                ThirdFactor.TEACHER: {"labels": rng.integers(0, sizes[-1], n_samples)},
                ThirdFactor.REWARD: {"rewards": rng.integers(-128, 129, n_samples)},
                ThirdFactor.DOPAMINE: {"losses": rng.integers(0, 1000, n_samples)},
            }[factor]
            teaching = ssdp_neuro.Teaching(**told)
            yield Row(
                what=f"learn, {'-'.join(map(str, sizes))}, {n_steps} steps, {factor.value}",
                beside="simulate, the same samples",
                ours=lambda n=network, g=given, t=teaching, s=n_steps: ssdp_neuro.learn(
                    n, g, t, n_steps=s
                ),
                other=lambda n=network, g=given, s=n_steps: ssdp_neuro.simulate(
                    n, g, s, n_threads=1
                ),
                unit="us a sample",
                scale=1e6 / n_samples,
                goal=goal,
            )


def reading_rows() -> Iterator[Row]:
    """Results of a batch beside the run, and the run from a raster beside one from events."""
    network = layered((784, 512, 10), ThirdFactor.CONSTANT)
    make_ready(network)
    spikes = np.random.default_rng(2).random((256, 32, 784)) < 0.05
    given = spike_input(network, spikes, 32)

    def run(source: Any) -> Any:
        return ssdp_neuro.simulate(network, source, 32, n_threads=1)

    result = run(given)
    n_spikes = result.counts.spikes["layer 1"]
    for name in ("spike_counts", "first_spikes", "raster"):
        yield Row(
            what=f"{name} of {n_spikes} spikes",
            beside="simulate, which made them",
            ours=lambda name=name: getattr(result, name)("layer 1"),
            other=lambda: run(given),
            unit="ns a spike",
            scale=1e9 / n_spikes,
            goal=None if name == "raster" else 2.0,
        )
    yield Row(
        what="raster in, counts out: 784-512-10, 256 x 32 steps",
        beside="simulate from events",
        ours=lambda: run(spikes).spike_counts("layer 2"),
        other=lambda: run(given),
        unit="us a sample",
        scale=1e6 / 256,
    )


def building_rows(folder: Path) -> Iterator[Row]:
    """Listed synapses, beside a copy of their arrays."""
    rng = np.random.default_rng(3)
    n = N_SOURCES * FAN_OUT
    pre = np.repeat(np.arange(N_SOURCES, dtype=np.int32), FAN_OUT)
    post = rng.integers(0, N_SOURCES // FAN_OUT, (N_SOURCES, FAN_OUT), dtype=np.int32)
    post = (post + np.arange(FAN_OUT, dtype=np.int32) * (N_SOURCES // FAN_OUT)).reshape(-1)
    columns = {"pre": pre, "post": post, "weights": rng.integers(-128, 128, n, dtype=np.int16)}

    def make(of: dict[str, Any]) -> SparseProjection:
        return SparseProjection(source="a", target="b", **of)

    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="a", shape=(N_SOURCES,)),
            LifPopulation(
                name="b", shape=(N_SOURCES,), current_decay=0, voltage_decay=0, threshold=10
            ),
        ],
        projections=[make(columns)],
    )
    place = folder / "network.h5"
    save(network, place)
    by_target, shuffled = np.lexsort((pre, post)), rng.permutation(n)
    n_bytes = sum(column.nbytes for column in columns.values())
    plan = Plan(network)
    plan_bytes = plan.synapses.packed.nbytes + plan.synapses.row_start.nbytes
    for what, ours, goal, memory in (
        ("SparseProjection, sorted", lambda: make(columns), BUILD_GOAL, n_bytes),
        ("SparseProjection, by target", _reordered(make, columns, by_target), None, n_bytes),
        ("SparseProjection, shuffled", _reordered(make, columns, shuffled), None, n_bytes),
        ("plan", lambda: Plan(network), BUILD_GOAL, plan_bytes),
        ("load", lambda: load(place), BUILD_GOAL, n_bytes),
        ("save", lambda: save(network, place), None, None),
    ):
        yield Row(
            what=f"{what}, {n} synapses",
            beside="copies of their arrays",
            ours=ours,
            other=lambda: [column.copy() for column in columns.values()],
            unit="ns a synapse",
            scale=1e9 / n,
            goal=goal,
            memory=memory,
        )


def _reordered(make: Any, columns: dict[str, Any], order: np.ndarray) -> Callable[[], Any]:
    of = {name: column[order] for name, column in columns.items()}
    return lambda: make(of)


def converting_rows() -> Iterator[Row]:
    """``from_torch`` with calibration, beside the model on the same samples."""
    import snntorch
    import torch

    import conversions

    torch.set_num_threads(1)
    torch.manual_seed(0)

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = torch.nn.Linear(784, 512), torch.nn.Linear(512, 10)
            self.hidden_lif, self.out_lif = snntorch.Leaky(beta=0.9), snntorch.Leaky(beta=0.9)

        def forward(self, spikes: Any) -> Any:
            hidden, out = self.hidden_lif.init_leaky(), self.out_lif.init_leaky()
            fired = []
            for step in range(spikes.shape[1]):
                sent, hidden = self.hidden_lif(self.hidden(spikes[:, step]), hidden)
                made, out = self.out_lif(self.out(sent), out)
                fired.append(made)
            return torch.stack(fired, 1)

    model = Model()
    with torch.no_grad():
        model.hidden.weight *= 2
        calibration = (torch.rand(256, 32, 784) < 0.1).float()
        yield Row(
            what="from_torch, 784-512-10, 256 x 32 for calibration",
            beside="the model, once",
            ours=lambda: conversions.from_torch(model, calibration=calibration, progress=False),
            other=lambda: model(calibration),
            unit="s",
            scale=1.0,
            goal=1.0,
        )


def measured(row: Row, n_rounds: int) -> dict[str, Any]:
    """Best and median of both, turn by turn."""
    times: dict[str, list[float]] = {"ours": [], "other": []}
    row.ours(), row.other()
    for _ in range(n_rounds * REPEATS):
        for key, seconds in times.items():
            started = time.process_time()
            getattr(row, key)()
            seconds.append((time.process_time() - started) * row.scale)
    ratios = [a / b for a, b in zip(times["ours"], times["other"], strict=True)]
    found = {
        "what": row.what,
        "beside": row.beside,
        "unit": row.unit,
        "goal": row.goal,
        "best": min(times["ours"]),
        "median": statistics.median(times["ours"]),
        "best_beside": min(times["other"]),
        "median_ratio": statistics.median(ratios),
        "peak_memory": None,
    }
    if row.memory is not None:
        tracemalloc.start()
        kept = row.ours()
        found["peak_memory"] = tracemalloc.get_traced_memory()[1] / row.memory
        tracemalloc.stop()
        del kept
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="folder for a JSON and a Markdown file")
    arguments = parser.parse_args()
    if any(os.environ.get(switch) != "1" for switch in THREAD_SWITCHES):  # read at an import
        alone = {**os.environ, **dict.fromkeys(THREAD_SWITCHES, "1")}
        command = [sys.executable, "-m", "benchmarks.bench_reading_and_learning", *sys.argv[1:]]
        raise SystemExit(subprocess.run(command, env=alone, check=False).returncode)
    record: dict[str, Any] = {"machine": machine(), "rounds": arguments.rounds, "rows": []}
    with tempfile.TemporaryDirectory() as folder:
        for rows in (
            learning_rows(),
            reading_rows(),
            building_rows(Path(folder)),
            converting_rows(),
        ):
            for row in rows:
                record["rows"].append(measured(row, arguments.rounds))
                done = record["rows"][-1]
                print(f"{done['what']}: {done['best']:.3g} {row.unit}", file=sys.stderr, flush=True)
    text = markdown(record)
    print(text)
    if arguments.out is not None:
        name = f"reading_and_learning_{record['machine']['date']}"
        (arguments.out / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        (arguments.out / f"{name}.md").write_text(text)


def markdown(record: dict[str, Any]) -> str:
    place = record["machine"]
    lines = [
        f"# Building, reading, learning and converting, {place['date']}",
        "",
        f"`python -m benchmarks.bench_reading_and_learning --rounds {record['rounds']}`",
        "",
        f"{place['cpu']}, {place['cores']} cores, Python {place['python']}; load"
        f" {place['load']:.1f}. Processor time of one thread, best and median of"
        f" {record['rounds'] * REPEATS} turns; the ratio is the median of paired turns.",
        "",
        "| what | best | median | goal | unit | beside | best of that | ratio | peak memory |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        goal = "" if row["goal"] is None else f"{row['goal']:g}"
        memory = "" if row["peak_memory"] is None else f"{row['peak_memory']:.2f} x"
        cells = [
            row["what"],
            f"{row['best']:.3g}",
            f"{row['median']:.3g}",
            goal,
            row["unit"],
            row["beside"],
            f"{row['best_beside']:.3g}",
            f"{row['median_ratio']:.2f}",
            memory,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
