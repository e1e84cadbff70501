"""DA-SSDP in PyTorch: the update against broadcasting, and what it adds to a training step.

    python -m benchmarks.bench_da_ssdp_torch [--record benchmarks/results]

Every form runs in turn, in each round in another order, and ratios are of medians: other
work on the machine then meets all alike. On CUDA too where there is a device.
"""

from __future__ import annotations

import argparse
import ctypes
import datetime
import json
import os
import platform
import statistics
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.da_ssdp_training_step import interleaved, overhead
from ssdp_neuro.training import da_ssdp_update, first_spike
from ssdp_neuro.training.plasticity import synchrony_update

SIZES = ((128, 384, 384), (128, 1024, 1024), (32, 2048, 2048))
RULE = {"a_plus": 1.5e-3, "a_baseline": 1e-4, "sigma": 1.0}
MIB = 2**20


def broadcast(
    pre_flag: Tensor,
    pre_latency: Tensor,
    post_flag: Tensor,
    post_latency: Tensor,
    *,
    gate: Tensor,
    a_plus: float,
    a_baseline: float,
    sigma: float,
    n_steps: int,
) -> Tensor:
    """The equation as it stands, without gradient."""
    with torch.no_grad():
        dt = (post_latency[:, :, None] - pre_latency[:, None, :]).float()
        lam = (post_flag[:, :, None] * pre_flag[:, None, :]).float()
        kernel = torch.exp(-(dt**2) / (2 * sigma**2))
        change = a_plus * lam - a_baseline * (1 - lam)
        return (gate[:, None, None] * kernel * change).mean(0)


def peak_mib(call: Callable[[], Any], device: str) -> float | None:
    """Most memory in use during the call beyond that before it; None where it cannot be told."""
    if device == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        call()
        return (torch.cuda.max_memory_allocated() - before) / MIB
    try:
        ctypes.CDLL(None).malloc_trim(0)  # else the heap that is kept hides what is needed
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
        before = status_kib("VmRSS")
        call()
        return (status_kib("VmHWM") - before) / 1024
    except (OSError, AttributeError):  # not Linux, or not its usual C library
        return None


def status_kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def updates(rounds: int, device: str, n_steps: int = 4) -> list[dict[str, Any]]:
    rows = []
    for n_samples, n_pre, n_post in SIZES:
        generator = torch.Generator().manual_seed(0)
        sides: list[Tensor] = []
        for n in (n_pre, n_post):
            spikes = torch.rand(n_samples, n_steps, n, generator=generator) < 0.3
            sides += [part.to(device) for part in first_spike(spikes)]
        gate = (2 * torch.rand(n_samples, generator=generator)).to(device)
        settings: dict[str, Any] = {"gate": gate, "n_steps": n_steps, **RULE}
        forms: dict[str, Callable[[], Tensor]] = {
            "broadcast": lambda s=sides, k=settings: broadcast(*s, **k),
            "product": lambda s=sides, k=settings: da_ssdp_update(*s, **k),
            "lookup": lambda s=sides, k=settings: by_lookup(*s, **k),
        }
        made = {name: call() for name, call in forms.items()}
        for name, update in made.items():
            assert torch.allclose(update, made["broadcast"], rtol=0, atol=1e-8), name
        times = interleaved(forms, rounds if n_pre < 1000 else max(3, rounds // 3), device)
        row: dict[str, Any] = {"size": [n_samples, n_pre, n_post], "device": device}
        for name, call in forms.items():
            row[name] = {
                "median_ms": 1e3 * statistics.median(times[name]),
                "least_ms": 1e3 * min(times[name]),
                "peak_mib": peak_mib(call, device),
            }
        rows.append(row)
        print(row, flush=True)
    return rows


def by_lookup(*sides: Tensor, **settings: Any) -> Tensor:
    """The form that da_ssdp_update takes for long windows, whatever the window."""
    held = synchrony_update.PRODUCT_UP_TO, synchrony_update.PRODUCT_UP_TO_ELSEWHERE
    synchrony_update.PRODUCT_UP_TO, synchrony_update.PRODUCT_UP_TO_ELSEWHERE = {}, 0
    try:
        return da_ssdp_update(*sides, **settings)
    finally:
        synchrony_update.PRODUCT_UP_TO, synchrony_update.PRODUCT_UP_TO_ELSEWHERE = held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--step-rounds", type=int, default=9)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--record", type=Path, help="folder to write the results to")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore", UserWarning)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    results = {
        "date": datetime.date.today().isoformat(),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} thread(s)",
        "load": os.getloadavg()[0],
        "updates": [row for device in devices for row in updates(options.rounds, device)],
        "steps": [overhead(options.step_rounds, d, options.samples, 384) for d in devices],
    }
    print(report(results))
    if options.record:
        options.record.mkdir(parents=True, exist_ok=True)
        stem = options.record / f"da_ssdp_torch_{results['date']}"
        stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
        stem.with_suffix(".md").write_text(report(results))


def report(results: dict[str, Any]) -> str:
    has_cuda = any(row["device"] == "cuda" for row in results["updates"])
    lines = [
        "# DA-SSDP in PyTorch",
        "",
        f"{results['date']}, torch {results['torch']}, {results['machine']}; load"
        f" {results['load']:.1f} before the run. By `python -m benchmarks.bench_da_ssdp_torch`.",
        "Medians of interleaved rounds; CPU time, as other work ran on the machine."
        + ("" if has_cuda else " No CUDA device was at hand."),
        "",
        "## One update, T = 4, float32",
        "",
        "Broadcast is the equation as it stands (no gradient); product is what",
        "`da_ssdp_update` does for short windows, lookup for long ones. Peak beyond the inputs.",
        "",
        "| device | B, C_in, C_out | broadcast ms | product ms | lookup ms | product faster"
        " | broadcast MiB | product MiB | lookup MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in results["updates"]:
        forms = [row[name] for name in ("broadcast", "product", "lookup")]
        times = [f"{form['median_ms']:.2f}" for form in forms]
        peaks = ["?" if form["peak_mib"] is None else f"{form['peak_mib']:.0f}" for form in forms]
        ratio = forms[0]["median_ms"] / forms[1]["median_ms"]
        cells = [row["device"], ", ".join(map(str, row["size"])), *times, f"{ratio:.0f}x", *peaks]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "## One training step of a spiking transformer block",
        "",
        "Forward, backward and AdamW of `SpikingBlock` with 64 tokens, T = 4, and a readout; the",
        "rule on the attention's projection as published, on five of its six layers, and on the",
        "projection with every token as a sample. Own: time in the rule's hooks and its step.",
        "",
        "| device | B, channels | rule on | step ms | over plain | own |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["steps"]:
        for name in ("none", "projection", "all five", "projection, each token"):
            made = row[name]
            own = "?" if made["own_percent"] is None else f"{made['own_percent']:.2f} %"
            lines.append(
                f"| {row['device']} | {row['samples']}, {row['channels']} | {name} |"
                f" {made['step_ms']:.0f} | {made['over_plain_percent']:+.1f} % | {own} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
