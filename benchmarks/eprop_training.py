"""e-prop beside gradients back through time: direction, accuracy, memory.

    python -m benchmarks.eprop_training
    python -m benchmarks.eprop_training --fsdd FOLDER

Scikit-learn's digits, or, from a folder of recordings, spoken digits (FSDD), whose classes lie in
time, with hidden neurons whose thresholds stay and rise; the trainer of the package; memory on
random spikes, each in a process of its own. Writes a page and all numbers to
``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import machine
from ssdp_neuro.data import load
from ssdp_neuro.training import Adaptation, config_of, fit, recurrent
from ssdp_neuro.training.networks.eprop_gradient import add_eprop_gradient, output_by_steps
from ssdp_neuro.training.run.choices import LossKind
from ssdp_neuro.training.run.losses import class_scores, sample_losses

RESULTS = Path(__file__).with_name("results")
GRADIENTS = ("surrogate", "e-prop")
TRAINED = (
    ("surrogate", "symmetric"),
    ("e-prop", "symmetric"),
    ("e-prop", "random"),
    ("e-prop", "adaptive"),
)
SEEDS, EPOCHS, LENGTHS = (0, 1, 2), 8, (25, 100, 400)
KINDS = ("feed-forward", "recurrent")
MODEL = {"current_decay": 1023, "voltage_decay": 1023}
RISES = {"adaptation": 0.2, "adaptation_kept": 0.95}
SPOKEN_EPOCHS = 12


def config(gradient: str, feedback: str, kind: str, seed: int) -> Any:
    return config_of(
        {
            "data": {"name": "digits", "n_steps": 16, "encoding": "regular"},
            "model": {"kind": kind, "hidden": [64], **MODEL},
            "optimizer": {"learning_rate": 5e-3},
            "training": {
                "epochs": EPOCHS,
                "batch_size": 32,
                "seed": seed,
                "gradient": gradient,
                "feedback": feedback,
                "threads": 1,
                "device": "cpu",
            },
        }
    )


def trained() -> dict[str, list[float]]:
    """Accuracy on test digits by kind and gradient, and the cosine of both after training."""
    found: dict[str, list[float]] = {}
    for kind in KINDS:
        for gradient, feedback in TRAINED:
            name = f"{kind}, {gradient}"
            if gradient == "e-prop":
                name += f", {feedback} feedback"
            for seed in SEEDS:
                settings = config(gradient, feedback, kind, seed)
                result = fit(settings, show_progress=False)
                found.setdefault(name, []).append(100 * result.test_accuracy)
                if gradient == "surrogate":
                    for path, cosine in cosines(result.model, load(settings.data).test).items():
                        found.setdefault(f"cosine, {kind}, {path}", []).append(cosine)
                print(name, seed, found[name][-1], flush=True)
    return found


def spoken_config(folder: str, gradient: str, rises: bool, seed: int) -> Any:
    return config_of(
        {
            "data": {"name": "fsdd", "folder": folder, "n_steps": 50, "channels": 16},
            "model": {
                "kind": "recurrent",
                "hidden": [64],
                "current_decay": 4095,
                "voltage_decay": 256,
                **(RISES if rises else {}),
            },
            "optimizer": {"learning_rate": 5e-3},
            "training": {
                "epochs": SPOKEN_EPOCHS,
                "batch_size": 64,
                "seed": seed,
                "gradient": gradient,
                "threads": 1,
                "device": "cpu",
            },
        }
    )


def spoken(folder: str) -> dict[str, list[float]]:
    """The same on spoken digits, with thresholds that stay and that rise."""
    found: dict[str, list[float]] = {}
    for rises in (True, False):
        neurons = "ALIF" if rises else "LIF"
        for seed in SEEDS:
            for gradient in GRADIENTS:
                settings = spoken_config(folder, gradient, rises, seed)
                result = fit(settings, show_progress=False)
                name = f"spoken digits, {neurons}, {gradient}"
                found.setdefault(name, []).append(100 * result.test_accuracy)
                if gradient == "surrogate":
                    for path, cosine in cosines(result.model, load(settings.data).test).items():
                        found.setdefault(f"cosine, {neurons}, {path}", []).append(cosine)
                print(name, seed, found[name][-1], flush=True)
    return found


def both(model: Any, spikes: torch.Tensor, labels: torch.Tensor, gradient: str) -> None:
    """Put a gradient of the mean loss into the weights."""
    model.zero_grad()
    if gradient == "e-prop":
        output = output_by_steps(model, spikes).requires_grad_()
    else:
        output = model(spikes)
    sample_losses(class_scores(output, LossKind.COUNTS), labels).mean().backward()
    if gradient == "e-prop":
        add_eprop_gradient(model, spikes, output.grad)


def cosines(model: Any, data: Any) -> dict[str, float]:
    """Cosine of the two gradients of each weight, on 128 test samples."""
    spikes = torch.from_numpy(data.spikes(np.arange(128)).astype(np.float32))
    labels = torch.from_numpy(np.asarray(data.labels[:128]).astype(np.int64))
    grads = []
    for gradient in GRADIENTS:
        both(model, spikes, labels, gradient)
        grads.append({n: p.grad.flatten() for n, p in model.named_parameters() if p.requires_grad})
    return {
        name: float(torch.nn.functional.cosine_similarity(one, grads[1][name], dim=0))
        for name, one in grads[0].items()
    }


def peak_megabytes(gradient: str, n_steps: int, rises: bool) -> float:
    """Growth of the process's largest size by one gradient, 64 samples of 100-256-10."""
    call = f"one_gradient({gradient!r}, {n_steps}, {rises})"
    program = f"from benchmarks.eprop_training import one_gradient; {call}"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def one_gradient(gradient: str, n_steps: int, rises: bool) -> None:
    torch.set_num_threads(1)
    model = recurrent((100, 256, 10), **MODEL)
    if rises:
        model.hidden.adaptation = Adaptation(kept=0.95, strength=0.2)
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(64, dtype=torch.int64)
    # everything is loaded and compiled before it counts
    both(model, (torch.rand(64, 2, 100, generator=generator) < 0.1).float(), labels, gradient)
    spikes = torch.zeros(64, n_steps, 100).bernoulli_(0.1, generator=generator)
    before = peak_kilobytes()
    both(model, spikes, labels, gradient)
    print((peak_kilobytes() - before) / 1024)


def peak_kilobytes() -> int:
    """Largest size of this process; what getrusage says began with that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def rows(values: dict[str, list[float]]) -> list[str]:
    return [
        "| what | mean | single seeds |",
        "|---|---|---|",
        *(
            f"| {name} | {np.mean(seeds):.3g} | {', '.join(f'{v:.3g}' for v in seeds)} |"
            for name, seeds in values.items()
        ),
    ]


def page(record: dict[str, Any]) -> str:
    m, spoken_digits = record["machine"], "spoken" in record
    option = " --fsdd FOLDER" if spoken_digits else ""
    if spoken_digits:
        what = (
            f"Spoken digits (FSDD), 50 steps, 16 channels, a recurrent hidden layer of 64,"
            f" {SPOKEN_EPOCHS} epochs, seeds {SEEDS}; ALIF: thresholds that rise by"
            f" {RISES['adaptation']} and keep {RISES['adaptation_kept']} of it, e-prop with their"
            " exact eligibility. Accuracy on test recordings"
        )
    else:
        what = (
            f"Digits of scikit-learn, 16 steps, 64 hidden neurons, {EPOCHS} epochs, seeds {SEEDS};"
            " feedback symmetric, or drawn at random and kept, or changed as the weights are."
            " Accuracy on test digits"
        )
    lines = [
        f"# e-prop beside gradients through time, {m['date']}\n",
        f"`python -m benchmarks.eprop_training{option}`; {m['cpu']}, Python {m['python']},"
        " one thread. What is computed:"
        " [e-prop and STDP](../../docs/explanation/eprop.md#in-training).\n",
        f"{what}, and the cosine of the two gradients of each weight after training with the"
        " surrogate's.\n",
        *rows(record["spoken"] if spoken_digits else record["trained"]),
        "\nMemory of one gradient, MiB by which the process grew (100-256-10, recurrent, 64"
        " samples; spikes of input and output in both):\n",
        "| steps | " + " | ".join(record["memory"]) + " |",
        "|---" * (1 + len(record["memory"])) + "|",
        *(
            f"| {n} | "
            + " | ".join(f"{one[str(n)]:.0f}" for one in record["memory"].values())
            + " |"
            for n in LENGTHS
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fsdd", help="folder of the FSDD's recordings: spoken digits instead")
    folder = parser.parse_args().fsdd
    kind = "spoken" if folder else "trained"
    record = {"machine": machine(), kind: spoken(folder) if folder else trained()}
    record["memory"] = {
        f"{'ALIF' if rises else 'LIF'}, {g}": {str(n): peak_megabytes(g, n, rises) for n in LENGTHS}
        for rises in ((False, True) if folder else (False,))
        for g in GRADIENTS
    }
    print(record["memory"], flush=True)
    stem = f"eprop_{'spoken' if folder else 'training'}_{record['machine']['date']}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(page(record))


if __name__ == "__main__":
    main()
