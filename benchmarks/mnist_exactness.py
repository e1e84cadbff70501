"""Every spike of a 784-512-10 network on real digits: engine, oracle and Lava, equal or not.

    uv run python -m benchmarks.mnist_exactness --json benchmarks/results/mnist_exactness.json

Trains the network on MNIST with this distribution's own training, converts it, and runs
the test images in all executors. The data are the idx files of MNIST.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from conversions import Executor, Verification, from_torch, verify
from hw_models import FixedPointNetwork
from ssdp_neuro import simulate
from ssdp_neuro.data import DataSettings, DataSplit, Subset, load, to_arrays
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.training import RunConfig, config_of, fit

ROOT = Path(__file__).parents[1]
PIXELS, N_HIDDEN = 784, 512
N_STEPS, WINDOW, DARKEST = 16, 10, 0.2
CURRENT_DECAY, VOLTAGE_DECAY = 1023, 256
N_CALIBRATED = 300
N_PROBED = 50  # samples of which u and v are compared too


def default_data() -> Path:
    """The folder ``mnist`` where the data of this project lie."""
    return Path(os.environ.get("SSDP_NEURO_DATA", ROOT.parent / "shared" / "data")) / "mnist"


def read(folder: Path, n_train: int, n_test: int) -> DataSplit:
    """Images of MNIST in latency code, the classes in proportion in any number of them."""
    return load(
        DataSettings(
            name="mnist",
            folder=str(folder),
            n_steps=N_STEPS,
            window=WINDOW,
            darkest=DARKEST,
            validation=0,
            train_limit=n_train,
            test_limit=n_test,
        )
    )


def config(epochs: int) -> RunConfig:
    """How the network is trained."""
    return config_of(
        {
            "model": {
                "hidden": [N_HIDDEN],
                "current_decay": CURRENT_DECAY,
                "voltage_decay": VOLTAGE_DECAY,
                "reset": "zero",
            },
            "optimizer": {"learning_rate": 3e-3, "weight_decay": 0.05},
            "training": {"epochs": epochs, "batch_size": 64, "dropped_spikes": 0.2},
        }
    )


def compared(
    network: FixedPointNetwork, spikes: np.ndarray, executors: tuple[Executor, ...], probed: bool
) -> dict[str, Any]:
    """One comparison, as a JSON-ready record."""
    outcome: Verification = verify(
        network, spikes, N_STEPS, executors=executors, probes=None if probed else ()
    )
    steps = len(spikes) * N_STEPS
    per_neuron = 3 if probed else 1  # spike, u and v
    return {
        "executors": [executor.value for executor in executors],
        "samples": len(spikes),
        "values": "spikes, u and v" if probed else "spikes",
        "n_values": steps * per_neuron * sum(lif.n_neurons for lif in network.neurons),
        "spikes": {executor.value: count for executor, count in outcome.spikes.items()},
        "equal": outcome.equal,
        "outcome": str(outcome),
        "seconds": {executor.value: seconds for executor, seconds in outcome.seconds.items()},
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=default_data(), help="folder of idx files")
    parser.add_argument("--train", type=int, default=20_000, help="images to train on")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--samples", type=int, default=1000, help="test images")
    parser.add_argument("--runtime-samples", type=int, default=20, help="in Lava's own runtime")
    parser.add_argument("--json", type=Path, help="file for the record, with a .md beside it")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    data = read(given.data, given.train, given.samples)
    spikes, labels = to_arrays(data.test)
    started = time.perf_counter()
    trained = fit(config(given.epochs), data=data)
    seconds = time.perf_counter() - started
    few = Subset(dataset=data.train, places=np.arange(min(N_CALIBRATED, len(data.train))))
    network, report = from_torch(trained.model, calibration=to_arrays(few))
    run = simulate(network, spikes, n_steps=N_STEPS)
    models = (Executor.ENGINE, Executor.ORACLE, Executor.LAVA)
    record = {
        "command": "python -m benchmarks.mnist_exactness " + " ".join(sys.argv[1:]),
        "machine": machine(),
        "versions": run.versions,
        "sizes": [PIXELS, N_HIDDEN, data.n_classes],
        "n_steps": N_STEPS,
        "trained_on": len(data.train),
        "epochs": given.epochs,
        "seconds_training": seconds,
        "accuracy_float": trained.test_accuracy,
        "accuracy_fixed": accuracy(decide(run.raster("output")), labels),
        "spike_agreement_float_fixed": {
            layer.population: layer.spike_agreement for layer in report.layers
        },
        "input_spikes": run.counts.spikes["input"],
        "comparisons": [
            compared(network, spikes, models, probed=False),
            compared(network, spikes[:N_PROBED], models, probed=True),
            compared(
                network,
                spikes[: given.runtime_samples],
                (Executor.ENGINE, Executor.LAVA_RUNTIME),
                probed=True,
            ),
        ],
    }
    text = markdown(record)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(record, indent=1) + "\n")
        given.json.with_suffix(".md").write_text(text)
    if not all(comparison["equal"] for comparison in record["comparisons"]):
        raise SystemExit(1)


def markdown(record: dict[str, Any]) -> str:
    """The record as a page."""
    about = record["machine"]
    agreement = record["spike_agreement_float_fixed"]
    shared = ", ".join(f"{share:.1%} of the spikes of {name}" for name, share in agreement.items())
    lines = [
        f"# Exactness on MNIST, {about['date']}",
        "",
        f"`{record['command']}`",
        "",
        f"{about['cpu']}, {about['cores']} cores, Python {about['python']}; "
        + ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        + ".",
        f"A {'-'.join(map(str, record['sizes']))} network, {record['n_steps']} steps per image,"
        f" trained on {record['trained_on']} images for {record['epochs']} epochs"
        f" ({record['seconds_training']:.0f} s).",
        f"Accuracy on the test images: {record['accuracy_float']:.1%} float,"
        f" {record['accuracy_fixed']:.1%} fixed point; on the calibration images the two share"
        f" {shared}.",
        "",
        "| compared | samples | values | spikes | equal | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for row in record["comparisons"]:
        seconds = ", ".join(f"{name} {value:.2f}" for name, value in row["seconds"].items())
        fired = row["spikes"][row["executors"][0]]
        lines.append(
            f"| {' = '.join(row['executors'])} | {row['samples']}"
            f" | {row['n_values']} ({row['values']}) | {fired}"
            f" | {'all' if row['equal'] else '**no**: ' + row['outcome']} | {seconds} |"
        )
    lines += ["", "Spikes include those of the input; the seconds are those of a whole call."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
