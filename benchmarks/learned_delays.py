"""Learned delays beside random ones and none: spoken digits of a speaker who was never heard.

    nice -n 19 python -m benchmarks.learned_delays --folder FOLDER

FOLDER holds fsdd (the Free Spoken Digit Dataset, five speakers). Small networks that leak, so that
what a word sounded like some steps ago is lost unless a delay brings it along. The last epochs
run on the chip's integers; the test is measured once, and the converted network gives the same
spikes in the engine, which is checked for every test sample. Everything but the delays is the
same. Rates were looked at on validation samples with seed 100; then three other seeds.
Writes a page and all numbers to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import machine
from conversions import from_torch
from ssdp_neuro import simulate
from ssdp_neuro.data import DataSplit, load, to_arrays
from ssdp_neuro.training import config_of, fit

RESULTS = Path(__file__).with_name("results")
SEEDS = range(3)
N_STEPS, LONGEST = 30, 10
CONDITIONS: dict[str, dict[str, Any]] = {
    "no delays": {"learned_delays": "none"},
    "random": {"learned_delays": "per-synapse", "delay_rate": 0.0},
    "learned": {"learned_delays": "per-synapse", "delay_rate": 50.0},
}


def config(folder: Path, seed: int, *, learned_delays: str, delay_rate: float = 50.0) -> Any:
    return config_of(
        {
            "data": {
                "name": "fsdd",
                "folder": str(folder / "fsdd"),
                "n_steps": N_STEPS,
                "channels": 16,
                "warp": 0.16,
                "held_out": ["theo"],
                "validation_by": "class",
            },
            "model": {
                "hidden": [64],
                "current_decay": 4095,
                "voltage_decay": 1024,
                "sharpness": 2.0,
                "learned_delays": learned_delays,
                "longest_delay": LONGEST,
                "quantize_from_epoch": 7,
            },
            "optimizer": {"learning_rate": 3e-3, "weight_decay": 0.1, "delay_rate": delay_rate},
            "training": {
                "epochs": 10,
                "batch_size": 64,
                "dropped_spikes": 0.2,
                "seed": seed,
                "threads": 1,
                "device": "cpu",
            },
        }
    )


def measured(folder: Path, condition: str, seed: int, data: DataSplit) -> dict[str, Any]:
    """Accuracies of one run in percent, and the spikes that engine and training path share."""
    result = fit(config(folder, seed, **CONDITIONS[condition]), data=data, show_progress=False)
    spikes, _ = to_arrays(data.test)
    network, _ = from_torch(result.model)
    run = simulate(network, spikes, N_STEPS)
    with torch.no_grad():
        recorded = result.model.record(torch.tensor(spikes, dtype=torch.float32))
    shared = 0
    for name, fired in recorded.items():
        flat = fired.flatten(2).numpy() != 0
        if not np.array_equal(run.raster(name), flat):
            raise SystemExit(f"{condition}, seed {seed}: {name!r} differs between the executors")
        shared += int(flat.sum())
    best = result.history[result.best_epoch]
    return {
        "test": 100 * (result.test_accuracy or 0.0),
        "validation": 100 * (best.validation_accuracy or 0.0),
        "spikes": shared,
        "delays": sum(int((p.delays > 0).sum()) for p in network.projections if _delayed(p)),
    }


def _delayed(projection: Any) -> bool:
    return projection.delays is not None


def page(record: dict[str, Any]) -> str:
    m = record["machine"]
    lines = [
        f"# Learned delays on spoken digits, {m['date']}",
        "",
        f"`python -m benchmarks.learned_delays`; {m['cpu']}, Python {m['python']}. FSDD (five"
        " speakers), tested on `theo`, who is in neither training nor validation; 48-64-10"
        f" neurons that lose a quarter of their potential in a step, {N_STEPS} steps, delays to"
        f" {LONGEST} steps of every synapse of both layers, 10 epochs, the last three in"
        " integers. Mean ± standard deviation over seeds 0 to 2, in percent.",
        "",
        "| delays | test, unheard speaker | validation, other words of known speakers |",
        "|---|---|---|",
    ]
    for title, runs in record["runs"].items():
        parts = [[run[part] for run in runs] for part in ("test", "validation")]
        cells = [
            f"{np.mean(part):.1f} ± {np.std(part, ddof=min(1, len(part) - 1)):.1f}"
            for part in parts
        ]
        lines.append(f"| {title} | {cells[0]} | {cells[1]} |")
    spikes = sum(run["spikes"] for runs in record["runs"].values() for run in runs)
    lines += [
        "",
        f"All {spikes:,} spikes of hidden and output neurons on the test samples are the same in"
        " PyTorch's integers and in the engine.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    data = load(config(folder, 0, learned_delays="none").data)
    runs: dict[str, list[dict[str, Any]]] = {title: [] for title in CONDITIONS}
    for seed in SEEDS:
        for title in CONDITIONS:
            runs[title].append(measured(folder, title, seed, data))
            print(seed, title, runs[title][-1], flush=True)
        write({"machine": machine(), "runs": runs})  # what there is, should it be stopped


def write(record: dict[str, Any]) -> None:
    stem = RESULTS / f"learned_delays_{record['machine']['date']}"
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    stem.with_suffix(".md").write_text(page(record))


if __name__ == "__main__":
    main()
