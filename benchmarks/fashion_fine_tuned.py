"""The networks of fashion_rules on the chip's integers: in PyTorch, the engine and Lava.

    python -m benchmarks.fashion_fine_tuned --folder FOLDER --runs RUNS --out benchmarks/results

Each network without a rule in RUNS is trained on for some epochs with its weights on the
chip's grid and its neurons in integers, then run by every executor on the whole test.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.fashion_rules import say, tables
from benchmarks.machine import machine
from conversions.comparison.model_comparison import compare
from conversions.comparison.presentation import as_dict, rows, sentences
from hw_models.atomic_file import write_whole
from ssdp_neuro.data import load
from ssdp_neuro.training import fit
from ssdp_neuro.training.run.config import config_of


def fine_tuned(arguments: argparse.Namespace, seed: int) -> Path:
    """The fine-tuned model's file; trained if it is not there yet."""
    folder = arguments.runs / f"integers-{seed}"
    if not (folder / "result.json").exists():
        described = tables(str(arguments.folder), "none", seed, {}, arguments.epochs)
        described["model"] |= {
            "start_from": str(arguments.runs / f"none-{seed}" / "best.safetensors"),
            "quantize_from_epoch": 0,
        }
        described["optimizer"] = {"learning_rate": 2e-4}
        described["training"]["amp"] = False
        fit(config_of(described), out=folder, resume=folder.exists(), show_progress=False)
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    say(f"{folder.name}: validation {result['validation_accuracy']:.4f}")
    return folder / "best.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="the four idx files")
    parser.add_argument("--runs", type=Path, required=True, help="folders of trained runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lava", type=int, default=20, help="test samples of a run in Lava")
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    models = [fine_tuned(arguments, seed) for seed in arguments.seeds]
    data = load(config_of(tables(str(arguments.folder), "none", 0, {}, 1)).data).test
    before = [
        json.loads((arguments.runs / f"none-{seed}" / "result.json").read_text(encoding="utf-8"))
        for seed in arguments.seeds
    ]
    real = 100 * np.array([result["test_accuracy"] for result in before])
    found = compare(models, data, lava_samples=arguments.lava)
    head, *body = rows(found)
    where = machine()
    lines = [
        "# Fashion-MNIST on the chip's integers",
        "",
        "`python -m benchmarks.fashion_fine_tuned --folder FOLDER --runs RUNS --out"
        f" benchmarks/results`, {where['date']}, {where['cpu']}, one thread.",
        "",
        "The networks of fashion_rules without a rule,"
        f" {real.mean():.2f} ± {real.std(ddof=1):.2f} % before, trained on in integers for"
        f" {arguments.epochs} epoch(s); seeds {', '.join(map(str, arguments.seeds))}; 10,000 test"
        f" samples each, Lava's models on the first {arguments.lava} of each."
        ' "PyTorch, real numbers" is the fine-tuned network without the rounding it was'
        " trained with.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in body),
        "",
        *sentences(found),
        "",
    ]
    text = "\n".join(lines).replace(str(arguments.runs), "RUNS")
    print(text)
    if arguments.out is not None:
        base = arguments.out / f"fashion_fine_tuned_{where['date']}"
        described = json.dumps({**as_dict(found), "machine": where}, indent=1)
        write_whole(base.with_suffix(".md"), text.encode())
        described = described.replace(str(arguments.runs), "RUNS") + "\n"
        write_whole(base.with_suffix(".json"), described.encode())


if __name__ == "__main__":
    main()
