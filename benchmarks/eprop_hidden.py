"""A hidden layer that learns on the chip by integer e-prop, beside a frozen random one.

    nice -n 19 python -m benchmarks.eprop_hidden --folder FOLDER

FOLDER holds fsdd (the Free Spoken Digit Dataset, five speakers), nmnist and mit-bih; the digits
come with scikit-learn. Heart beats are as many of each class, in training and in the test, whose
patients are others.
Both networks have the same first weights, samples and readout, which learns by the same rule; so
does a readout without a hidden layer. Thresholds and shifts of each are chosen alone, from as many
candidates (six; of recordings and beats 16, drawn at random from ``RANGES``), on a part of the
training samples with seed 100; then five other seeds, on the test.
Writes a page and all numbers to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from hw_models import (
    DenseProjection,
    EpropParams,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
)
from ssdp_neuro import Teaching, data, learn, simulate
from ssdp_neuro.decision import accuracy, decide

RESULTS = Path(__file__).with_name("results")
SEEDS, TUNING_SEED = range(5), 100
SIZES = (32, 128)
STAGES = ((0, 3), (1, 1), (2, 1))  # what is added to every shift, and for how many epochs
MOST_TRAINED = 800  # samples of a seed
TITLES = {"digits": "digits", "fsdd": "FSDD", "nmnist": "N-MNIST", "mit-bih": "MIT-BIH"}
KINDS = ("hidden learned", "hidden frozen", "no hidden layer")
SETTINGS: dict[str, dict[str, Any]] = {
    "fsdd": {"n_steps": 25, "channels": 16},
    "nmnist": {"n_steps": 20, "pool": 2, "validation": 0},
    "mit-bih": {"n_steps": 32, "usual": 8, "validation": 0},
}
RANGES = {
    "nmnist": {
        "threshold": (100, 200, 300, 600, 1200, 3000),
        "out_threshold": (150, 300, 600, 1000),
        "shift": (14, 15, 16, 17),
        "hidden_shift": (18, 19, 20, 21, 22),
        "psi_shift": (13, 15, 17),
        "offset": (0, 5, 8, 10),
    },
    "mit-bih": {
        "threshold": (100, 150, 300, 400, 800),
        "out_threshold": (150, 300, 400, 800),
        "shift": (14, 15, 16, 17),
        "hidden_shift": (17, 18, 19, 20, 21, 22),
        "psi_shift": (12, 13, 14),
        "offset": (0, 5, 10),
    },
}
N_DRAWN = 16
PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4)  # of ridge regression


def drawn(name: str) -> tuple[list[dict[str, int]], ...]:
    """Candidates of each kind, the same draws without what a kind does not have."""
    rng = np.random.default_rng(0)
    found = [{k: rng.choice(v).item() for k, v in RANGES[name].items()} for _ in range(N_DRAWN)]
    absent = ((), ("hidden_shift",), ("hidden_shift", "threshold"))
    return tuple([{k: v for k, v in one.items() if k not in a} for one in found] for a in absent)


CANDIDATES: dict[str, tuple[list[dict[str, int]], ...]] = {  # by data set, six for each kind
    "digits": (
        [
            {"threshold": t, "shift": 15, "hidden_shift": h}
            for t, h in itertools.product((150, 300), (18, 19, 20))
        ],
        [{"threshold": t, "shift": s} for t, s in itertools.product((75, 150, 300), (14, 15))],
        [{"out_threshold": t, "shift": s} for t, s in itertools.product((150, 300, 450), (14, 15))],
    ),
    "fsdd": (
        [
            {"threshold": 400, "shift": 16, "hidden_shift": h, "psi_shift": p}
            for h, p in itertools.product((21, 22, 23), (13, 14))
        ],
        [
            {"threshold": t, "shift": 16, "psi_shift": p}
            for t, p in itertools.product((300, 400, 550), (13, 14))
        ],
        [
            {"out_threshold": t, "shift": 16, "psi_shift": p}
            for t, p in itertools.product((300, 400, 550), (13, 14))
        ],
    ),
    "nmnist": drawn("nmnist"),
    "mit-bih": drawn("mit-bih"),
}


def samples(name: str, folder: Path) -> tuple[np.ndarray, ...]:
    """Spikes ``(N, T, inputs)`` and labels of training and test."""
    if name == "digits":  # latencies of eight steps, shown three times
        split = data.load(data.DataSettings(name="digits", n_steps=8, window=8, validation=0))
        repeats = 3
    else:
        where = str(folder / name)
        split = data.load(data.DataSettings(name=name, folder=where, **SETTINGS[name]))
        repeats = 1
    parts = []
    for part in (split.train, split.test):
        rarest = np.bincount(part.labels).min()
        balanced = data.few_of_each(part, rarest, seed=0) if name == "mit-bih" else part
        spikes, labels = data.to_arrays(balanced)
        parts += [np.tile(spikes.reshape(*spikes.shape[:2], -1), (1, repeats, 1)), labels]
    return tuple(parts)


def network(
    kind: str,
    n_in: int,
    size: int,
    n_classes: int,
    seed: int,
    *,
    shift: int,
    hidden_shift: int = 0,
    threshold: int = 300,
    out_threshold: int = 300,
    psi_shift: int = 12,
    offset: int = 0,
) -> FixedPointNetwork:
    """The network before learning; the same weights for a seed, whatever learns."""
    rng = np.random.default_rng(seed)
    lif = {"current_decay": 4095, "voltage_decay": 400}
    first = rng.integers(-25, 45, (size, n_in)) - offset
    readout = rng.integers(-20, 40, (n_classes, size))
    feedback = rng.integers(-60, 61, (size, n_classes))
    direct = rng.integers(-20, 40, (n_classes, n_in)) - offset
    psi = {"psi_shift": psi_shift, "psi_levels": 4, "impulse": 48}
    taught = EpropParams(shift=shift, wanted=100, **psi)
    learns = EpropParams(shift=hidden_shift, feedback=feedback, feedback_shift=6, **psi)
    populations: list[Any] = [InputPopulation(name="in", shape=(n_in,))]
    out = LifPopulation(name="out", shape=(n_classes,), threshold=out_threshold, **lif)
    if kind == "no hidden layer":
        synapses = [DenseProjection(source="in", target="out", weights=direct, plasticity=taught)]
        return FixedPointNetwork(populations=[*populations, out], projections=synapses)
    populations += [LifPopulation(name="hidden", shape=(size,), threshold=threshold, **lif), out]
    rule = learns if kind == "hidden learned" else None
    synapses = [
        DenseProjection(source="in", target="hidden", weights=first, plasticity=rule),
        DenseProjection(source="hidden", target="out", weights=readout, plasticity=taught),
    ]
    return FixedPointNetwork(populations=populations, projections=synapses)


def measured(kind: str, size: int, seed: int, parts: Any, options: dict[str, int]) -> float:
    """Accuracy on the second part after learning from the first, in percent."""
    spikes, labels, test, test_labels = parts
    rng = np.random.default_rng(seed)
    shown = rng.permutation(len(labels))[:MOST_TRAINED]
    n_steps, sizes = spikes.shape[1], (spikes.shape[2], size, int(labels.max()) + 1)
    now, next_sample = network(kind, *sizes, seed, **options), 0
    for added, n_epochs in STAGES:
        slower = {
            key: value + (added if key in ("shift", "hidden_shift") else 0)
            for key, value in options.items()
        }
        rules = network(kind, *sizes, seed, **slower).projections
        now = FixedPointNetwork(
            populations=now.populations,
            projections=[
                DenseProjection(
                    source=p.source, target=p.target, weights=p.weights, plasticity=r.plasticity
                )
                for p, r in zip(now.projections, rules, strict=True)
            ],
        )
        for _ in range(n_epochs):
            order = rng.permutation(shown)
            told = Teaching(labels=labels[order], seed=seed, first_sample=next_sample)
            result = learn(now, spikes[order], told, n_steps=n_steps, progress=False)
            now, next_sample = result.network, result.next_sample
    run = simulate(now, test, n_steps)
    return 100 * accuracy(decide(run.raster("out")), test_labels)


def ridge(parts: Any, penalty: float = 0.0) -> float:
    """Of ridge regression in real numbers on the spike counts of all training samples.

    Without a penalty the best of ``PENALTIES`` on a fifth of them.
    """
    if not penalty:
        scores = [ridge(inner_parts(parts), one) for one in PENALTIES]
        return ridge(parts, PENALTIES[int(np.argmax(scores))])
    spikes, labels, test, test_labels = parts
    train, held = (
        np.column_stack([x.sum(1), np.ones(len(x))]).astype(float) for x in (spikes, test)
    )
    square = train.T @ train + penalty * np.eye(train.shape[1])
    weights = np.linalg.solve(square, train.T @ np.eye(labels.max() + 1)[labels])
    return float(100 * np.mean((held @ weights).argmax(1) == test_labels))


def inner_parts(parts: Any) -> tuple[np.ndarray, ...]:
    """The training samples in two: four fifths to learn from, one to choose by."""
    spikes, labels, *_ = parts
    order = np.random.default_rng(TUNING_SEED).permutation(len(labels))
    held, kept = order[: len(order) // 5], order[len(order) // 5 :]
    return spikes[kept], labels[kept], spikes[held], labels[held]


def tuned(kind: str, size: int, parts: Any, candidates: list[dict[str, int]]) -> dict[str, int]:
    """The best of the candidates, on a fifth of the training samples."""
    inner = inner_parts(parts)
    found = [measured(kind, size, TUNING_SEED, inner, one) for one in candidates]
    return candidates[int(np.argmax(found))]


def measured_set(name: str, folder: Path) -> dict[str, Any]:
    parts = samples(name, folder)
    found: dict[str, Any] = {"ridge on counts": ridge(parts), "accuracy": {}, "chosen": {}}
    for kind, candidates in zip(KINDS, CANDIDATES[name], strict=True):
        for size in SIZES if kind != KINDS[2] else SIZES[:1]:
            title = kind if kind == KINDS[2] else f"{kind}, {size} neurons"
            chosen = tuned(kind, size, parts, candidates)
            found["chosen"][title] = chosen
            found["accuracy"][title] = [measured(kind, size, seed, parts, chosen) for seed in SEEDS]
            print(name, title, chosen, found["accuracy"][title], flush=True)
    return found


def page(record: dict[str, Any]) -> str:
    m = record["machine"]
    found = {name: record[name] for name in CANDIDATES if name in record}
    head = " | ".join(TITLES[name] for name in found)
    rule = "|---" * (1 + len(found)) + "|"
    lines = [
        f"# A hidden layer learned by integer e-prop, {m['date']}",
        "",
        f"`python -m benchmarks.eprop_hidden`; {m['cpu']}, Python {m['python']}. Accuracy on the"
        " test in percent, mean ± standard deviation over seeds 0 to 4; candidates were chosen on"
        f" the training samples with seed 100 (six of each kind; {N_DRAWN} for N-MNIST and"
        f" MIT-BIH). At most {MOST_TRAINED} training samples of a seed, five epochs, random"
        " feedback, weights of 8 bits; digits of scikit-learn in latencies of eight steps shown"
        " three times, FSDD (five speakers, official test of recordings 0 to 4) in 48 channels and"
        " 25 steps, N-MNIST (800 and 100 recordings) in 578 channels and 20 steps, MIT-BIH (N,"
        " S and V, as many of each, 450 of unseen patients) in 96 channels and 32 steps.",
        "",
        f"| condition | {head} |",
        rule,
    ]
    titles = next(iter(found.values()))["accuracy"]
    for title in titles:
        cells = [
            f"{np.mean(one['accuracy'][title]):.1f} ± {np.std(one['accuracy'][title], ddof=1):.1f}"
            for one in found.values()
        ]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    cells = [f"{one['ridge on counts']:.1f}" for one in found.values()]
    lines += [
        "| ridge regression on spike counts, all training samples | " + " | ".join(cells) + " |",
        "",
        f"| learned less frozen, paired by seed: mean, 95 % interval | {head} |",
        rule,
    ]
    for size in SIZES:
        cells = []
        for one in found.values():
            learned, frozen = (
                np.array(one["accuracy"][f"hidden {kind}, {size} neurons"])
                for kind in ("learned", "frozen")
            )
            gain = learned - frozen
            half = 2.776 * gain.std(ddof=1) / np.sqrt(gain.size)  # t of 4 degrees of freedom
            cells.append(f"{gain.mean():+.1f} ± {half:.1f}")
        lines.append(f"| {size} neurons | " + " | ".join(cells) + " |")
    lines += ["", "Chosen:", ""]
    for name, one in found.items():
        for title, chosen in one["chosen"].items():
            said = ", ".join(f"{key} {value}" for key, value in chosen.items())
            lines.append(f"- {name}, {title}: {said}")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    path = RESULTS / f"eprop_hidden_{machine()['date']}.json"
    record: dict[str, Any] = {"machine": machine(), "seeds": list(SEEDS)}
    if path.exists():  # a data set that a run of today has finished is not repeated
        record = json.loads(path.read_text(encoding="utf-8"))
    for name in CANDIDATES:
        if name not in record:
            record[name] = measured_set(name, arguments.folder)
            path.write_text(json.dumps(record, indent=1) + "\n")
            path.with_suffix(".md").write_text(page(record))


if __name__ == "__main__":
    main()
