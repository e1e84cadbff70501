"""A GPU in one command: training steps beside other frameworks, memory, exact integers.

    python -m benchmarks.gpu [--record benchmarks/results]

Measured on the device: one layer of the Open Neuromorphic benchmark's size (16 384 neurons,
batch 16, 500 steps) and the two networks of bench_training, each framework that is installed
in turn; the share that matrix products alone take; what DA-SSDP adds to a step; whether a
training run on the CPU and on the device goes the same way; and whether the device computes
the engine's integers, bit for bit, and how fast. Nothing is downloaded. With ``--device cpu
--small`` every part runs in seconds on a machine without a GPU, to see that it works.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.bench_da_ssdp_torch import peak_mib
from benchmarks.bench_training import NETWORKS, measure, versions
from benchmarks.da_ssdp_training_step import interleaved, overhead
from benchmarks.machine import machine
from benchmarks.training_peers import MAKERS
from benchmarks.workloads import classifier
from ssdp_neuro import simulate
from ssdp_neuro.training import IntegerNetwork

PEERS = ("ours", "SpikingJelly", "snnTorch", "Norse", "sinabs")
PUBLISHED = (
    "Published for one GPU of 2023, in seconds: Spyx fp16 0.047, Spyx 0.076, Norse compiled 0.109,"
    " SpikingJelly 0.118."
)
NEURONS, BATCH, STEPS = 16_384, 16, 500  # of the layer


def layer(names: list[str], rounds: int, device: str, small: bool) -> dict[str, Any]:
    """Forward and back of one linear layer with its neurons; and of its products alone."""
    n, batch, n_steps = (64, 4, 20) if small else (NEURONS, BATCH, STEPS)
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(n, n, generator=generator) * 1.5 * n**-0.5
    spikes = (torch.rand(batch, n_steps, n, generator=generator) < 0.2).float().to(device)

    def pass_of(name: str) -> Callable[[], Any]:
        model, counts = MAKERS[name]([weight])
        model.to(device)
        if name == "SpikingJelly" and device == "cuda" and importlib.util.find_spec("cupy"):
            from spikingjelly.activation_based import functional

            functional.set_backend(model, "cupy")

        def once() -> float:
            model.zero_grad()
            made = counts(spikes)
            made.sum().backward()
            return float(made.detach().mean())

        return once

    own = weight.to(device).requires_grad_()

    def products() -> None:
        own.grad = None
        (spikes @ own.T).sum().backward()

    forms = {name: pass_of(name) for name in names}
    fired = {name: call() for name, call in forms.items()}
    times = interleaved({**forms, "matrix products alone": products}, rounds, device)
    return {
        "size": [n, batch, n_steps],
        "seconds": {name: statistics.median(each) for name, each in times.items()},
        "peak_mib": {name: peak_mib(call, device) for name, call in forms.items()},
        "spikes_per_neuron": fired,
    }


def exact(rounds: int, device: str, small: bool) -> dict[str, Any]:
    """The engine's integers of W3 on the device: equal, and the ratio of the times."""
    workload = classifier(8 if small else 256)
    model = IntegerNetwork(workload.network).to(device).requires_grad_(False)
    spikes = torch.tensor(workload.spikes).float().to(device)
    given = {"in": workload.spikes}

    def engine() -> Any:
        return simulate(workload.network, given, workload.n_steps)

    def on_device() -> dict[str, Tensor]:
        with torch.no_grad():
            return model.all_spikes(spikes)

    result, fired = engine(), on_device()
    equal = {
        name: bool((fired[name].cpu().numpy().astype(bool) == result.raster(name)).all())
        for name in ("hidden", "out")
    }
    own = interleaved({"device": on_device}, rounds, device)["device"]
    threads = interleaved({"engine": engine}, rounds, "cpu")["engine"]
    pair = (statistics.median(own), statistics.median(threads))
    return {"equal": equal, "device_s": pair[0], "engine_cpu_s": pair[1]}


def same_run(device: str) -> dict[str, float]:
    """Largest difference of the weights after ten steps of training on the CPU and the device."""
    trained = []
    for place in ("cpu", device):
        generator = torch.Generator().manual_seed(1)
        weights = [torch.randn(s, generator=generator) * 0.1 for s in ((64, 40), (5, 64))]
        spikes = (torch.rand(32, 20, 40, generator=generator) < 0.3).float().to(place)
        labels = torch.randint(0, 5, (32,), generator=generator).to(place)
        model, counts = MAKERS["ours"](weights)
        model.to(place)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(10):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(counts(spikes), labels).backward()
            optimizer.step()
        trained.append(torch.cat([p.detach().cpu().flatten() for p in model.parameters()]))
    difference = (trained[0] - trained[1]).abs().max()
    return {
        "largest_difference": float(difference),
        "largest_weight": float(trained[0].abs().max()),
    }


def report(results: dict[str, Any]) -> str:
    """The tables of a record."""
    one, same, integers = results["layer"], results["same_run"], results["exact"]
    n, batch, n_steps = one["size"]
    alone = one["seconds"]["matrix products alone"]
    lines = [
        "# A GPU in one command",
        "",
        f"{results['machine']['date']}, {results['device_name']}. By `{results['command']}`.",
        ", ".join(f"{name} {number}" for name, number in results["versions"].items()) + ".",
        "",
        f"## One layer: {n} neurons, batch {batch}, {n_steps} steps, forward and back",
        "",
        PUBLISHED,
        "",
        "| | s | matrix products are | peak MiB | spikes a neuron |",
        "|---|---|---|---|---|",
    ]
    for name, took in one["seconds"].items():
        peak = one["peak_mib"].get(name)
        fired = one["spikes_per_neuron"].get(name)
        beside = " | ".join("-" if x is None else f"{x:.2f}" for x in (peak, fired))
        lines.append(f"| {name} | {took:.4f} | {100 * alone / took:.0f} % | {beside} |")
    for record in results["networks"]:
        lines += ["", f"## Training step, {record['network']}, T = {record['n_steps']}", ""]
        lines += ["| | ms | ratio | peak MiB | output spikes |", "|---|---|---|---|---|"]
        for name, row in record["peers"].items():
            peak = "-" if row["peak_mib"] is None else f"{row['peak_mib']:.0f}"
            lines.append(
                f"| {name} | {row['median_ms']:.2f} | {row['ratio']:.2f} | {peak} |"
                f" {row['mean_output_spikes']:.2f} |"
            )
    over = {
        k: v["over_plain_percent"] for k, v in results["da_ssdp"].items() if isinstance(v, dict)
    }
    lines += [
        "",
        "## DA-SSDP on a transformer block, percent over a plain step",
        "",
        ", ".join(f"{rule} {percent:+.1f}" for rule, percent in over.items()),
        "",
        "## The same training run on both, and the engine's integers",
        "",
        f"After ten steps weights differ by at most {same['largest_difference']:.2g}"
        f" (largest weight {same['largest_weight']:.2g}).",
        f"W3: spikes equal {integers['equal']}; {1e3 * integers['device_s']:.2f} ms on the device,"
        f" {1e3 * integers['engine_cpu_s']:.2f} ms of CPU time in the engine.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything, print the tables, write a record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--small", action="store_true", help="sizes of a test")
    parser.add_argument("--record", type=Path, help="folder to write the results to")
    options = parser.parse_args()
    if options.device == "cpu" and not options.small:
        sys.exit("gpu: there is no GPU here; --device cpu --small shows that everything runs")
    installed = versions()
    names = [name for name in PEERS if name == "ours" or name in installed]
    device, rounds = options.device, options.rounds
    n_steps = [2] if options.small else [10, 25]
    networks = list(NETWORKS)[:1] if options.small else list(NETWORKS)
    results: dict[str, Any] = {
        "machine": machine(),
        "device_name": torch.cuda.get_device_name() if device == "cuda" else "CPU",
        "versions": installed,
        "command": shlex.join(["python", "-m", "benchmarks.gpu", *sys.argv[1:]]),
        "layer": layer(names, rounds, device, options.small),
        "networks": [measure(net, t, names, rounds, device) for net in networks for t in n_steps],
        "da_ssdp": overhead(rounds, device, 2 if options.small else 128, 384),
        "same_run": same_run(device),
        "exact": exact(rounds, device, options.small),
    }
    text = report(results)
    print(text)
    if options.record:
        stem = options.record / f"gpu_{results['machine']['date']}"
        stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
        stem.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    main()
