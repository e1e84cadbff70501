"""Small recurrent networks of other frameworks: what few bits cost, what training on wins back.

    python -m benchmarks.fine_tuned_recurrent --folder FOLDER
    python -m benchmarks.fine_tuned_recurrent --folder FOLDER --out benchmarks/results

FOLDER holds the recordings of FSDD. Each network is trained in its framework, read by
``from_torch`` with samples that it was trained on, and trained on in integers as
``IntegerNetwork``. Training on is training: the network in real numbers is trained on beside it,
for as many epochs at the same rate. The test (recordings 0 to 4 of every word and speaker) is
looked at when all that is done.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.machine import machine
from benchmarks.recurrent_models import MODELS, N_IN
from conversions import from_torch
from hw_models import LOIHI2, FixedPointNetwork
from hw_models.atomic_file import write_whole
from ssdp_neuro import simulate
from ssdp_neuro.data import DataSettings, SpikeDataset, load
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.training import IntegerNetwork

N_STEPS, BATCH, CALIBRATED = 50, 64, 128
EPOCHS, RATE = 20, 3e-3
MORE_EPOCHS, FINE_RATE = 3, 3e-4
RESULT = "fine_tuned_recurrent"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """One network; accuracies of the test, and how it compares with its framework, in percent."""

    model: str
    seed: int
    bits: int
    real: float
    real_trained_on: float
    integers: float
    trained_on: float
    decisions_changed: float
    decisions_changed_trained_on: float


def arrays(data: SpikeDataset) -> tuple[Tensor, Tensor]:
    """All spikes ``(N, T, 48)`` and labels."""
    spikes = data.spikes(np.arange(len(data))).reshape(len(data), N_STEPS, N_IN)
    return torch.from_numpy(spikes).float(), torch.from_numpy(data.labels.astype(np.int64))


def train(
    run: Callable[[Tensor], Tensor],
    parameters: Any,
    data: tuple[Tensor, Tensor],
    *,
    epochs: int,
    rate: float,
    seed: int,
) -> None:
    """Cross-entropy of the output's spike counts, in epochs that all networks see alike."""
    optimizer = torch.optim.Adam(parameters, lr=rate)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    spikes, labels = data
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        for chosen in np.array_split(rng.permutation(len(labels)), len(labels) // BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(run(spikes[chosen]).sum(1), labels[chosen]).backward()
            optimizer.step()
        plan.step()


def framework_decisions(model: nn.Module, spikes: Tensor) -> np.ndarray:
    """What the framework's own spikes decide."""
    with torch.no_grad():
        return decide(model(spikes).numpy() > 0)


def engine_decisions(network: FixedPointNetwork, output: str, spikes: Tensor) -> np.ndarray:
    """What the engine's spikes decide."""
    result = simulate(network, {network.inputs[0].name: spikes.numpy() > 0}, N_STEPS)
    return decide(result.raster(output))


def outcomes(
    name: str, seed: int, bits: list[int], train_data: Any, test_data: Any
) -> list[Outcome]:
    """Train one network, convert it at each number of weight bits and train that on."""
    torch.manual_seed(seed)
    model = MODELS[name]()
    train(model, model.parameters(), train_data, epochs=EPOCHS, rate=RATE, seed=seed)
    shown, labels = train_data[0][:: len(train_data[0]) // CALIBRATED], test_data[1].numpy()
    converted = []
    for n_bits in bits:
        figure = dataclasses.replace(LOIHI2.weight_bits, value=n_bits)
        chip = dataclasses.replace(LOIHI2, weight_bits=figure)
        network, _ = from_torch(
            model.eval(), chip=chip, calibration=shown.numpy() > 0, progress=False
        )
        integers = IntegerNetwork(network)
        train(
            integers,
            integers.parameters(),
            train_data,
            epochs=MORE_EPOCHS,
            rate=FINE_RATE,
            seed=100 + seed,
        )
        converted.append((n_bits, integers.output, network, integers.to_network()))
    before = framework_decisions(model, test_data[0])
    model.train()
    train(
        model,
        model.parameters(),
        train_data,
        epochs=MORE_EPOCHS,
        rate=FINE_RATE,
        seed=100 + seed,
    )
    after = framework_decisions(model.eval(), test_data[0])
    made = []
    for n_bits, output, network, tuned in converted:
        plain = engine_decisions(network, output, test_data[0])
        fine = engine_decisions(tuned, output, test_data[0])
        made.append(
            Outcome(
                model=name,
                seed=seed,
                bits=n_bits,
                real=100 * accuracy(before, labels),
                real_trained_on=100 * accuracy(after, labels),
                integers=100 * accuracy(plain, labels),
                trained_on=100 * accuracy(fine, labels),
                decisions_changed=100 * float((plain != before).mean()),
                decisions_changed_trained_on=100 * float((fine != before).mean()),
            )
        )
    return made


def record(made: list[Outcome]) -> list[str]:
    """The lines of the table: means and spreads over the seeds."""
    lines = [
        "| model | weight bits | PyTorch | trained on | integers | trained on in integers"
        " | decisions changed | then |",
        "|---|---|---|---|---|---|---|---|",
    ]
    numbers = [field.name for field in dataclasses.fields(Outcome)][3:]
    for model, bits in dict.fromkeys((one.model, one.bits) for one in made):
        rows = [one for one in made if (one.model, one.bits) == (model, bits)]
        cells = []
        for number in numbers:
            values = np.array([getattr(one, number) for one in rows])
            spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.1f}{spread}")
        lines.append(f"| {model} | {bits} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Train, convert, train on, print, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="the recordings of FSDD")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 4])
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    parts = load(
        DataSettings(
            name="fsdd",
            folder=str(arguments.folder),
            n_steps=N_STEPS,
            channels=N_IN // 3,
            validation=0.0,
        )
    )
    train_data, test_data = arrays(parts.train), arrays(parts.test)
    made: list[Outcome] = []
    for seed in arguments.seeds:
        for name in MODELS:
            made += outcomes(name, seed, arguments.bits, train_data, test_data)
            for one in made[-len(arguments.bits) :]:
                print(json.dumps(dataclasses.asdict(one)), file=sys.stderr, flush=True)
    where = machine()
    seeds = ", ".join(map(str, arguments.seeds))
    lines = [
        "# Small recurrent networks of other frameworks, trained on in integers",
        "",
        "`python -m benchmarks.fine_tuned_recurrent --folder FOLDER --out benchmarks/results`,"
        f" {where['date']}, {where['cpu']}, one thread.",
        "",
        f"FSDD, {len(train_data[1])} words to train on and {len(test_data[1])} of the same speakers"
        f" to test, {N_IN} inputs, {N_STEPS} steps, 40 recurrent neurons, {EPOCHS} epochs; read by"
        f" `from_torch` with {CALIBRATED} training samples, trained on for {MORE_EPOCHS} epochs."
        f" Seeds {seeds}. Test accuracy in percent, mean ± standard deviation; decisions changed:"
        " share of the test on which the engine decides otherwise than the model in PyTorch"
        " before it was trained on. Training on is training, so PyTorch's model was trained on as"
        " long, at the same rate.",
        "",
        *record(made),
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.out is not None:
        base = arguments.out / f"{RESULT}_{where['date']}"
        write_whole(base.with_suffix(".md"), text.encode())
        told = {"outcomes": [dataclasses.asdict(one) for one in made], "machine": where}
        write_whole(base.with_suffix(".json"), (json.dumps(told, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
