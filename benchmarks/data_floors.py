"""What a linear classifier reads from the spikes of each encoder: the table of docs/how-to/data.md.

Run: ``python -m benchmarks.data_floors FOLDER``, with fashion-mnist, cifar10, nmnist, fsdd and
mit-bih in FOLDER. Ridge regression on spike counts in equal spans of time; its strength is
chosen on the validation part. Nothing is drawn but by the settings' seed, 0.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from ssdp_neuro.data import DataSettings, SpikeDataset, load
from ssdp_neuro.training.run.losses import sample_weights

STRENGTHS = (1.0, 10.0, 100.0, 1e3, 1e4)
AT_ONCE = 500
FASHION = {"name": "fashion-mnist", "train_limit": 10_000, "validation_limit": 2_000}
SPEAKERS = ("jackson", "lucas", "nicolas", "theo", "yweweler")
CASES = [
    (2, {**FASHION, "encoding": "latency"}),
    (2, {**FASHION, "encoding": "rate"}),
    (2, {**FASHION, "encoding": "regular"}),
    (2, {**FASHION, "encoding": "threshold"}),
    (8, {**FASHION, "encoding": "bit-planes", "n_steps": 8, "pool": 2}),
    (1, {"name": "cifar10", "encoding": "rate", "pool": 2}),
    (4, {"name": "cifar10", "encoding": "latency", "pool": 2, "darkest": 0.0}),
    (3, {"name": "nmnist", "n_steps": 30, "pool": 2}),
    (5, {"name": "fsdd", "n_steps": 40}),
    *((5, {"name": "fsdd", "n_steps": 40, "held_out": (one,)}) for one in SPEAKERS),
    (4, {"name": "mit-bih", "n_steps": 128}),
]


def span_counts(data: SpikeDataset, spans: int) -> np.ndarray:
    """Spikes of each input in equal spans of time, float64 ``(N, spans * inputs)``."""
    edges = np.arange(spans) * data.n_steps // spans
    counts = []
    for start in range(0, len(data), AT_ONCE):
        spikes = data.spikes(np.arange(start, min(start + AT_ONCE, len(data))))
        flat = spikes.reshape(len(spikes), data.n_steps, -1)
        counts.append(np.add.reduceat(flat.astype(np.int32), edges, axis=1))
    every = np.concatenate(counts)
    return every.reshape(len(every), -1).astype(np.float64)


def measured(settings: DataSettings, spans: int, balance: float = 0.0) -> dict[str, float]:
    """Accuracy and mean recall on the test part, in per cent.

    Rare classes count as in training with ``class_balance = balance``.
    """
    split = load(settings)
    train, validation, test = (span_counts(part, spans) for part in split.parts)
    mean, spread = train.mean(axis=0), train.std(axis=0) + 0.1
    train, validation, test = (
        np.column_stack([(part - mean) / spread, np.ones(len(part))])
        for part in (train, validation, test)
    )
    of_class = sample_weights(split.train.labels, split.n_classes, balance)
    weighted = train if of_class is None else train * of_class.numpy()[split.train.labels, None]
    gram, target = weighted.T @ train, weighted.T @ np.eye(split.n_classes)[split.train.labels]
    best, right = -1.0, np.zeros(0, dtype=bool)
    for strength in STRENGTHS:
        weights = np.linalg.solve(gram + strength * np.eye(len(gram)), target)
        chosen_by = ((validation @ weights).argmax(axis=1) == split.validation.labels).mean()
        if chosen_by > best:
            best, right = chosen_by, (test @ weights).argmax(axis=1) == split.test.labels
    recalls = [right[split.test.labels == label].mean() for label in range(split.n_classes)]
    some = range(min(100, len(split.train)))
    return {
        "trained on": len(split.train),
        "tested on": len(split.test),
        "spikes a sample": float(split.train.spikes(some).sum() / len(some)),
        "accuracy": 100 * float(right.mean()),
        "mean recall": 100 * float(np.mean(recalls)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for spans, table in CASES:
        started = time.perf_counter()
        settings = DataSettings(folder=str(folder / table["name"]), **table)
        row = measured(settings, spans)
        text = ", ".join(f"{name} {value:.1f}" for name, value in row.items())
        seconds = time.perf_counter() - started
        print(f"{table} {spans} spans: {text}  ({seconds:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
