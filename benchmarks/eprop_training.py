"""e-prop beside gradients back through time: direction, accuracy, memory.

    python -m benchmarks.eprop_training

Scikit-learn's digits, a recurrent hidden layer, the trainer of the package; memory on random
spikes, each in a process of its own. Writes a page and all numbers to ``benchmarks/results``.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import machine
from ssdp_neuro.data import load
from ssdp_neuro.training import config_of, fit, recurrent
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


def peak_megabytes(gradient: str, n_steps: int) -> float:
    """Growth of the process's largest size by one gradient, 64 samples of 100-256-10."""
    call = f"one_gradient({gradient!r}, {n_steps})"
    program = f"from benchmarks.eprop_training import one_gradient; {call}"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def one_gradient(gradient: str, n_steps: int) -> None:
    torch.set_num_threads(1)
    model = recurrent((100, 256, 10), **MODEL)
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(64, dtype=torch.int64)
    # everything is loaded and compiled before it counts
    both(model, (torch.rand(64, 2, 100, generator=generator) < 0.1).float(), labels, gradient)
    spikes = torch.zeros(64, n_steps, 100).bernoulli_(0.1, generator=generator)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    both(model, spikes, labels, gradient)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def page(record: dict[str, Any]) -> str:
    m = record["machine"]
    lines = [
        f"# e-prop beside gradients through time, {m['date']}\n",
        f"`python -m benchmarks.eprop_training`; {m['cpu']}, Python {m['python']}, one thread. What"
        " is computed: [e-prop and STDP](../../docs/explanation/eprop.md#in-training).\n",
        f"Digits of scikit-learn, 16 steps, 64 hidden neurons, {EPOCHS} epochs, seeds {SEEDS};"
        " accuracy on test digits, and the cosine of the two gradients of each weight after"
        " training with the surrogate's; feedback symmetric, or drawn at random and kept, or"
        " changed as the weights are.\n",
        "| what | mean | single seeds |",
        "|---|---|---|",
        *(
            f"| {name} | {np.mean(values):.3g} | {', '.join(f'{v:.3g}' for v in values)} |"
            for name, values in record["trained"].items()
        ),
        "\nMemory of one gradient, MiB by which the process grew (100-256-10, recurrent, 64"
        " samples; spikes of input and output in both):\n",
        "| steps | " + " | ".join(GRADIENTS) + " |",
        "|---|---|---|",
        *(
            f"| {n} | " + " | ".join(f"{record['memory'][g][str(n)]:.0f}" for g in GRADIENTS) + " |"
            for n in LENGTHS
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    memory = {g: {str(n): peak_megabytes(g, n) for n in LENGTHS} for g in GRADIENTS}
    print(memory, flush=True)
    record = {"machine": machine(), "memory": memory, "trained": trained()}
    stem = f"eprop_training_{record['machine']['date']}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(page(record))


if __name__ == "__main__":
    main()
