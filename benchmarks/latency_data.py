"""Real data in which only the times of spikes tell the class, judged as the made task is.

    nice -n 19 python -m benchmarks.latency_data --folder FOLDER

FOLDER holds fsdd (Free Spoken Digit Dataset, five speakers) and mit-bih (beats cut out). The codes
are chosen so that every input fires exactly once in every sample, whatever it is: counts and who
fired say nothing, by construction, and loudness and height are lost. What the usual codes of the
same samples say by their counts stands in a row of its own.

- words: 32 bands; an input fires when its band has had a quarter, half or three quarters of all
  that it gets in the word (96 inputs), ten digits;
- direction: the same words and inputs, forwards against backwards in time;
- beats: 16 levels of the deviation from the median, as shares of its largest; an input fires at
  the last rise through its level before the peak or the first fall after it (32 inputs), normal
  against ventricular beats of patients who were never seen.

Constants of each rule are the best of as many candidates, drawn at random, on a part of the
training data (other words; other patients); then ten other seeds, which draw the training samples,
first weights and rounding, on the test. Writes a page and all numbers to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from conversions.demo.latency_study import (
    FLAT,
    LAST,
    N_STEPS,
    SHIFTS,
    LatencySamples,
    learned_share,
    ridge_share,
)
from ssdp_neuro.data.codes.cochlea import Cochlea
from ssdp_neuro.data.codes.level_crossing import LevelCrossing
from ssdp_neuro.data.formats.file_tree import contents, find_files
from ssdp_neuro.data.formats.wave_file import decode_wave
from ssdp_neuro.data.sets.mit_bih import R_PEAK
from ssdp_neuro.data.sets.sound_sources import NAME

RESULTS = Path(__file__).with_name("results")
SEEDS, TUNING_SEEDS = range(10), (100, 101)
LEARNED, VALIDATED, TESTED = range(3)  # parts of a set
SHARES, BANDS, LEVELS = (0.25, 0.5, 0.75), 32, 16
BEFORE_R = 50  # samples of a beat, of the 104 that are taken
MOST_TESTED = 500  # samples of a class
PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
N_CANDIDATES = 32
RANGES = {
    "sigma": (4.0, 8.0, 12.0, 16.0, 24.0),
    "amplitude": (0.01, 0.02, 0.04, 0.08, 0.15, 0.3),
    "threshold": (30, 60, 120, 240),
    "voltage_decay": (64, 128, 256, 512),
    "teacher_latency": (30, 40, 50, 60, 70),
}
RULES: dict[str, dict[str, Any]] = {
    "latency codes of 8 bits": {},
    "flat kernel": {"sigma": FLAT},
    "shuffled latencies": {"shuffled": True},
}
READERS = ("who fired", "counts", "latencies", "counts of the usual code")


@dataclass(frozen=True)
class RealSet:
    """Latencies int ``(N, inputs)``, counts of the usual code ``(N, channels)``, class, part."""

    latencies: np.ndarray
    usual: np.ndarray
    labels: np.ndarray
    part: np.ndarray

    def drawn(self, seed: int, shots: int, *, tuning: bool) -> tuple[np.ndarray, np.ndarray]:
        """Places of ``shots`` training samples a class, in any order, and of all test samples."""
        rng = np.random.default_rng(seed)
        known = self.part == LEARNED if tuning else self.part != TESTED
        asked = self.part == (VALIDATED if tuning else TESTED)
        classes = range(self.labels.max() + 1)
        seen = [
            rng.permutation(np.flatnonzero(known & (self.labels == c)))[:shots] for c in classes
        ]
        tested = []
        for one in classes:
            places = np.flatnonzero(asked & (self.labels == one))
            n = min(MOST_TESTED, len(places))
            tested.append(places[np.arange(n) * len(places) // n])
        return rng.permutation(np.concatenate(seen)), np.concatenate(tested)

    def samples(self, seed: int, shots: int, *, tuning: bool) -> LatencySamples:
        seen, asked = self.drawn(seed, shots, tuning=tuning)
        given = (self.latencies[seen], self.labels[seen], self.latencies[asked], self.labels[asked])
        return LatencySamples(*given, np.random.default_rng([seed, 1]))

    def values(self, reader: str) -> np.ndarray:
        """What ridge regression is given, ``(N, values)``."""
        if reader == "counts of the usual code":
            return self.usual / max(1, self.usual.max())
        fired = self.latencies < N_STEPS  # once each, so counts are the same
        return self.latencies / N_STEPS if reader == "latencies" else fired.astype(float)


def shares_reached(level: np.ndarray) -> np.ndarray:
    """Step in which each band has had its shares, int ``(N, shares * bands)``."""
    total = np.cumsum(level, axis=1)
    whole = np.maximum(total[:, -1:], 1)
    return np.concatenate([(total >= share * whole).argmax(1) for share in SHARES], axis=1)


@functools.cache
def words(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loudness ``(N, LAST, BANDS)``, digit and part of every word."""
    files = find_files(str(folder / "fsdd"), NAME)
    cochlea = Cochlea(LAST, 0, BANDS)
    level = [
        cochlea.level(decode_wave(data, str(file)))
        for file, data in zip(files, contents(files), strict=True)
    ]
    index = np.array([int(file.match[3]) for file in files])
    part = np.where(index < 5, TESTED, np.where(index < 20, VALIDATED, LEARNED))
    return np.array(level), np.array([int(file.match[1]) for file in files]), part


def counts_of_words(level: np.ndarray) -> np.ndarray:
    cochlea = Cochlea(LAST, 0, BANDS)
    return np.array([cochlea.spikes(one).sum(0).ravel() for one in level])


def digit_words(folder: Path) -> RealSet:
    level, digit, part = words(folder)
    return RealSet(shares_reached(level), counts_of_words(level), digit, part)


def directed_words(folder: Path) -> RealSet:
    level, _, part = words(folder)
    both = np.concatenate([level, level[:, ::-1]])
    backwards = np.repeat([0, 1], len(level))
    return RealSet(shares_reached(both), counts_of_words(both), backwards, np.tile(part, 2))


def beats(folder: Path) -> RealSet:
    with np.load(next((folder / "mit-bih").glob("*.npz"))) as stored:
        kept = np.isin(stored["label"], (0, 2))
        beat, label, record, split = (stored[n][kept] for n in ("beat", "label", "record", "split"))
    known = np.unique(record[split == 1])
    part = np.where(split == 2, TESTED, np.where(np.isin(record, known[1::2]), VALIDATED, LEARNED))
    usual = LevelCrossing(128, 8, 6)(beat[:, :, None].astype(np.int64)).sum(1)
    return RealSet(level_times(beat.astype(float)), usual, (label == 2).astype(int), part)


def level_times(beat: np.ndarray) -> np.ndarray:
    """Last rise before the peak and first fall after it, through each level, int ``(N, 32)``."""
    near = beat[:, R_PEAK - BEFORE_R : R_PEAK - BEFORE_R + LAST]
    size = np.abs(near - np.median(beat, axis=1, keepdims=True))
    largest = size.max(1, keepdims=True)
    above = size[:, :, None] >= np.linspace(0.1, 0.9, LEVELS) * largest[:, :, None]
    steps, peak = np.arange(LAST)[:, None], size.argmax(1)[:, None, None]
    under_before, under_after = ~above & (steps < peak), ~above & (steps > peak)
    rise = np.where(under_before.any(1), LAST - under_before[:, ::-1].argmax(1), 0)
    fall = np.where(under_after.any(1), under_after.argmax(1), LAST)
    return np.concatenate([rise, fall], axis=1)


TASKS: dict[str, tuple[Callable[[Path], RealSet], int, int]] = {  # samples of a class, epochs
    "words, 10 a class": (digit_words, 10, 20),
    "words, 50 a class": (digit_words, 50, 10),
    "direction, 50 a class": (directed_words, 50, 10),
    "beats, 50 a class": (beats, 50, 10),
}


def candidates() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [{k: rng.choice(v).item() for k, v in RANGES.items()} for _ in range(N_CANDIDATES)]


def measured(data: RealSet, shots: int, epochs: int) -> dict[str, Any]:
    """Accuracies in percent by condition and seed, and what was chosen."""
    tuning = {seed: data.samples(seed, shots, tuning=True) for seed in TUNING_SEEDS}
    final = {seed: data.samples(seed, shots, tuning=False) for seed in SEEDS}
    rows: dict[str, list[float]] = {}
    chosen: dict[str, Any] = {}
    for name, fixed in RULES.items():
        tried = [{**one, **fixed, "epochs": epochs} for one in candidates()]
        scores = [
            np.mean([learned_share(task, seed, **one) for seed, task in tuning.items()])
            for one in tried
        ]
        chosen[name] = tried[int(np.argmax(scores))]
        for bits in SHIFTS if not fixed else (8,):
            title = name if bits == 8 else f"of {bits} bit{'s' * (bits > 1)}"
            rows[title] = [
                100 * learned_share(task, seed, bits=bits, **chosen[name])
                for seed, task in final.items()
            ]
            print(f"  {title:28} {cell(rows[title])}", flush=True)
    for reader in READERS:
        values = data.values(reader)

        def share(seed: int, penalty: float, tuned: bool, values=values) -> float:
            seen, asked = data.drawn(seed, shots, tuning=tuned)
            return ridge_share(
                values[seen], data.labels[seen], values[asked], data.labels[asked], penalty
            )

        scores = [np.mean([share(s, p, True) for s in TUNING_SEEDS]) for p in PENALTIES]
        penalty = PENALTIES[int(np.argmax(scores))]
        chosen[f"ridge on {reader}"] = {"penalty": penalty}
        rows[f"ridge on {reader}"] = [100 * share(seed, penalty, False) for seed in SEEDS]
        print(f"  ridge on {reader:19} {cell(rows[f'ridge on {reader}'])}", flush=True)
    n_tested = len(final[0].test)
    return {
        "accuracy": rows,
        "chosen": chosen,
        "tested": n_tested,
        "inputs": data.latencies.shape[1],
        "silent": int((data.latencies >= N_STEPS).sum()),
        "classes": final[0].n_classes,
    }


def cell(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def page(record: dict[str, Any]) -> str:
    m, tasks = record["machine"], record["tasks"]
    lines = [
        f"# Real data in which times tell the class, {m['date']}",
        "",
        f"`python -m benchmarks.latency_data`; {m['cpu']}, Python {m['python']}. What it says:"
        " [what the latency kernel is for](../../docs/explanation/latency_kernel.md#on-real-data)."
        " Accuracy in percent, mean ± standard deviation over seeds 0 to 9, which draw the training"
        f" samples; constants of each rule the best of {N_CANDIDATES} candidates on a part of the"
        " training data, those of fewer bits as of 8.",
        "",
        "Every input fires exactly once in every sample: words 96 inputs (32 bands; a quarter,"
        " half, three quarters of a band's sound have come), forwards against backwards the same,"
        " beats 32 inputs (16 levels, last rise before the peak and first fall after it; normal"
        " and ventricular, unseen patients). The usual code: 32 bands of three neurons; send on"
        " delta, six sizes.",
        "",
        "| condition | " + " | ".join(tasks) + " |",
        "|---|" + "---|" * len(tasks),
        "| chance | " + " | ".join(f"{100 / t['classes']:.0f}" for t in tasks.values()) + " |",
        *(
            f"| {name} | " + " | ".join(cell(t["accuracy"][name]) for t in tasks.values()) + " |"
            for name in next(iter(tasks.values()))["accuracy"]
        ),
        "",
        "| paired: 8 bits less | " + " | ".join(tasks) + " |",
        "|---|" + "---|" * len(tasks),
    ]
    for other in ("flat kernel", "shuffled latencies", "ridge on latencies"):
        cells = []
        for t in tasks.values():
            rows = t["accuracy"]
            gain = np.array(rows["latency codes of 8 bits"]) - np.array(rows[other])
            half = 2.262 * gain.std(ddof=1) / np.sqrt(gain.size)  # t of 9 degrees of freedom
            cells.append(f"{gain.mean():+.1f} ± {half:.1f}")
        lines.append(f"| {other}, 95 % interval | " + " | ".join(cells) + " |")
    lines += ["", "Tested on " + ", ".join(f"{t['tested']} ({n})" for n, t in tasks.items()) + "."]
    lines += ["", "Chosen:", ""]
    for name, t in tasks.items():
        for rule in RULES:
            kept = {k: v for k, v in t["chosen"][rule].items() if k != "shuffled" and v != FLAT}
            lines.append(f"- {name}, {rule}: " + ", ".join(f"{k} {v:g}" for k, v in kept.items()))
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    tasks: dict[str, Any] = {}
    for name, (make, shots, epochs) in TASKS.items():
        print(name, flush=True)
        tasks[name] = measured(make(folder), shots, epochs)
    record = {"machine": machine(), "seeds": list(SEEDS), "tasks": tasks}
    stem = RESULTS / f"latency_data_{record['machine']['date']}"
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    stem.with_suffix(".md").write_text(page(record))


if __name__ == "__main__":
    main()
