"""A training step against other frameworks: the same network, batch and number of steps.

    python -m benchmarks.bench_training [--threads N] [--record benchmarks/results]

A step is forward, cross-entropy of the output's spike counts, backward and Adam. All take
turns, in each round in another order, and ratios are of medians: other work on the machine
then meets all alike.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarks.bench_da_ssdp_torch import peak_mib
from benchmarks.machine import machine
from benchmarks.training_peers import MAKERS, PACKAGES
from ssdp_neuro.training.memory_reuse import reuse_memory

BATCH = 256
DENSITY = 0.2  # share of input spikes
NETWORKS = {
    "784-1024-10": ((1024, 784), (10, 1024)),
    "16C3s2-32C3s2-10": ((16, 1, 3, 3), (32, 16, 3, 3), (10, 32 * 7 * 7)),
}
GAIN = {2: 1.5, 4: 2.5}  # of the weights, by their axes: about a tenth of the neurons fire


def training_step(
    name: str, weights: list[torch.Tensor], device: str
) -> Callable[[torch.Tensor, torch.Tensor], float]:
    """One step; its result is the mean spike count of an output neuron."""
    model, counts = MAKERS[name](weights)
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step(spikes: torch.Tensor, labels: torch.Tensor) -> float:
        optimizer.zero_grad()
        made = counts(spikes)
        torch.nn.functional.cross_entropy(made, labels).backward()
        optimizer.step()
        return float(made.detach().mean())

    return step


def measure(network: str, n_steps: int, names: list[str], rounds: int, device: str) -> Any:
    """Seconds and memory of every framework on one network; a JSON-ready record."""
    generator = torch.Generator().manual_seed(0)
    weights = [
        torch.randn(shape, generator=generator)
        * GAIN[len(shape)]
        * torch.Size(shape[1:]).numel() ** -0.5
        for shape in NETWORKS[network]
    ]
    shape = (784,) if len(NETWORKS[network][0]) == 2 else (1, 28, 28)
    spikes = (torch.rand(BATCH, n_steps, *shape, generator=generator) < DENSITY).float().to(device)
    labels = torch.randint(0, 10, (BATCH,), generator=generator).to(device)
    steps = {name: training_step(name, weights, device) for name in names}
    record: dict[str, Any] = {
        "network": network, "n_steps": n_steps, "batch": BATCH, "device": device, "peers": {},
    }  # fmt: skip
    counts = {}
    for name, step in steps.items():
        counts[name] = step(spikes, labels)
        step(spikes, labels)
    wall: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names if turn % 2 == 0 else names[::-1]:
            started, own = time.perf_counter(), time.process_time()
            steps[name](spikes, labels)
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(time.process_time() - own)
    first = names[0]
    for name, step in steps.items():
        record["peers"][name] = {
            "median_ms": 1e3 * statistics.median(wall[name]),
            "best_ms": 1e3 * min(wall[name]),
            "cpu_median_ms": 1e3 * statistics.median(cpu[name]),
            "ratio": statistics.median(wall[name]) / statistics.median(wall[first]),
            "cpu_ratio": statistics.median(cpu[name]) / statistics.median(cpu[first]),
            "peak_mib": peak_mib(lambda: step(spikes, labels), device),  # noqa: B023
            "mean_output_spikes": counts[name],
        }
        print(network, n_steps, name, record["peers"][name], flush=True)
    return record


def versions() -> dict[str, str]:
    found = {}
    for name, package in PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            continue
    return found


def report(results: dict[str, Any]) -> str:
    lines = [
        "# A training step against other frameworks",
        "",
        f"{results['machine']['date']}, {results['machine']['cpu']}, {results['machine']['cores']}"
        f" cores, {results['threads']} thread(s), load {results['machine']['load']:.1f} before the"
        f" run. By `{results['command']}`.",
        ", ".join(f"{name} {number}" for name, number in results["versions"].items()) + ".",
        "",
        f"Batch {BATCH}, input spikes at {DENSITY}; forward, cross-entropy of spike counts,"
        " backward, Adam. Medians of interleaved rounds; peak is memory beyond that before the"
        " step. All compute the same network (the spike counts say so), but SLAYER rounds its"
        " state. Ratios are to the first row, by elapsed time and by CPU time (which other work"
        " on the machine does not reach). Freed memory "
        + ("is" if results["memory_is_reused"] else "is not")
        + " kept for the next step (`reuse_memory` of this distribution), for all alike.",
    ]
    for record in results["records"]:
        lines += [
            "",
            f"## {record['network']}, T = {record['n_steps']}, {record['device']}",
            "",
            "| | step ms | ratio | CPU ms | ratio | peak MiB | output spikes |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, row in record["peers"].items():
            peak = "-" if row["peak_mib"] is None else f"{row['peak_mib']:.0f}"
            lines.append(
                f"| {name} | {row['median_ms']:.1f} | {row['ratio']:.2f} |"
                f" {row['cpu_median_ms']:.1f} | {row['cpu_ratio']:.2f} | {peak} |"
                f" {row['mean_output_spikes']:.2f} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 25])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--without", nargs="+", default=[], choices=list(MAKERS))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--plain-malloc", action="store_true", help="without reuse_memory")
    parser.add_argument("--record", type=Path, help="folder to write the results to")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    reused = not options.plain_malloc and reuse_memory()
    names = [name for name in MAKERS if name not in options.without]
    results: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "benchmarks.bench_training", *sys.argv[1:]]),
        "machine": machine(),
        "threads": options.threads,
        "memory_is_reused": reused,
        "versions": versions(),
        "records": [
            measure(network, n_steps, names, options.rounds, options.device)
            for network in options.networks
            for n_steps in options.steps
        ],
    }
    print(report(results))
    if options.record:
        options.record.mkdir(parents=True, exist_ok=True)
        stem = (
            options.record
            / f"training_{results['machine']['date']}{'_plain_malloc' * options.plain_malloc}"
        )
        stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
        stem.with_suffix(".md").write_text(report(results))


if __name__ == "__main__":
    main()
