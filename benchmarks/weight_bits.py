"""Accuracy against the bits of a weight, and the fewest bits of each layer within half a point.

    python -m benchmarks.weight_bits --folder FOLDER --runs RUNS
    python -m benchmarks.weight_bits --folder FOLDER --runs RUNS --out benchmarks/results
    python -m benchmarks.weight_bits --folder FOLDER --runs RUNS --size quick --seeds 0
    python -m benchmarks.weight_bits --folder FOLDER --runs RUNS --only fashion_mnist --seeds 0

FOLDER and RUNS as of ``image_results``, whose networks of eight bits are what it begins with;
they are trained here if they are not there. Each is read with fewer bits,
and trained on with them (quantization-aware). The search gives the layer whose next step down
saves most memory fewer bits, trains on, and keeps that while validation samples lose no more
than half a point in all; else that layer stays as it is. The test is looked at when all that
is done. ``--size quick`` is the same with fewer samples everywhere, to end within 15 minutes of
one processor; ``tiny`` only shows that every part runs. Fashion-MNIST is another set, if asked for.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.event_report import mean_and_spread
from benchmarks.event_results import Case, config_for
from benchmarks.machine import machine
from conversions.comparison.model_comparison import compare
from conversions.execution import Executor
from hw_models.atomic_file import write_whole
from ssdp_neuro.data import DataSplit, load
from ssdp_neuro.training import RunConfig, fit, load_model, quantize, save_model
from ssdp_neuro.training.networks.stages import stages, weight_of

BITS = (8, 6, 4, 3, 2)
BEST = "best.safetensors"
MAY_LOSE = 0.005
RESULT = "weight_bits"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """A case, and how it is trained on: epochs, peak rate, and on how many samples."""

    case: Case
    epochs: int
    rate: float
    limit: int


class Size(enum.Enum):
    """How much of the data is used."""

    FULL = "full"
    QUICK = "quick"
    TINY = "tiny"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """Samples of the first training, its epochs, samples of validation and test; 0 for all."""

    train: int
    epochs: int
    validation: int
    trained_on: int
    test: int


LIMITS = {
    Size.FULL: None,
    Size.QUICK: Limits(train=12_000, epochs=6, validation=2000, trained_on=3000, test=2000),
    Size.TINY: Limits(train=300, epochs=2, validation=60, trained_on=120, test=60),
}
STUDIES = (
    Study(
        case=Case(title="MNIST", config="mnist_conv", folder="mnist", spans=1),
        epochs=1,
        rate=1e-3,
        limit=12_000,
    ),
    Study(
        case=Case(title="Fashion-MNIST", config="fashion_mnist", folder="fashion-mnist", spans=1),
        epochs=1,
        rate=5e-4,
        limit=12_000,
    ),
)
FIRST = STUDIES[0].case.name  # the others only if they are asked for


def limited(config: RunConfig, study: Study, limits: Limits | None) -> tuple[RunConfig, Study]:
    """A run and its study with fewer samples and epochs; the last of them in integers."""
    if limits is None:
        return config, study
    assert config.data is not None
    data = dataclasses.replace(
        config.data,
        train_limit=limits.train,
        validation_limit=limits.validation,
        test_limit=limits.test,
    )
    training = dataclasses.replace(config.training, epochs=limits.epochs)
    config = dataclasses.replace(config, data=data, training=training)
    return config, dataclasses.replace(study, limit=limits.trained_on)


def network_name(study: Study, seed: int, size: Size) -> str:
    """Of its runs, which are found again by it; those of all data are ``image_results``'s, too."""
    of_all = f"{study.case.name}-{seed}"
    return of_all if size is Size.FULL else f"{of_all}-{size.value}"


class Networks:
    """The networks of one study and seed: trained, trained on, and read with fewer bits."""

    def __init__(
        self, study: Study, folder: Path, runs: Path, seed: int, size: Size = Size.FULL
    ) -> None:
        config = config_for(study.case, folder, seed)
        self.config, self.study = limited(config, study, LIMITS[size])
        self.runs, self.name = runs, network_name(study, seed, size)
        assert self.config.data is not None
        self.split = load(self.config.data)
        few = dataclasses.replace(self.config.data, train_limit=self.study.limit)
        self.fewer = dataclasses.replace(load(few), validation=self.split.validation)
        first = self._in_integers(self.config)
        self.first = self._fitted(self.name, first, self.split)[0]

    @staticmethod
    def _in_integers(config: RunConfig) -> RunConfig:
        """The last epoch at least is in integers, which are what is read with fewer bits."""
        begin, last = config.model.quantize_from_epoch, config.training.epochs - 1
        model = dataclasses.replace(
            config.model, quantize_from_epoch=last if begin is None else min(begin, last)
        )
        return dataclasses.replace(config, model=model)

    def trained_on(self, bits: tuple[int, ...], start: Path) -> tuple[Path, float]:
        """Its file and validation accuracy."""
        model = dataclasses.replace(
            self.config.model, start_from=str(start), quantize_from_epoch=0, weight_bits=bits
        )
        training = dataclasses.replace(self.config.training, epochs=self.study.epochs)
        optimizer = dataclasses.replace(self.config.optimizer, learning_rate=self.study.rate)
        config = dataclasses.replace(
            self.config, model=model, training=training, optimizer=optimizer
        )
        words = "-".join(map(str, bits))
        return self._fitted(f"bits-{self.name}-{words}", config, self.fewer)

    def read(self, bits: tuple[int, ...]) -> Path:
        """The file of the first network with fewer bits, not trained on."""
        model, words = load_model(self.first), "-".join(map(str, bits))
        quantize(model, weight_bits=bits)
        path = self.runs / f"read-{self.name}-{words}.safetensors"
        save_model(model, path)
        return path

    def sizes(self) -> list[int]:
        """Weights of each layer; those of a convolution are shared by its places."""
        return [weight_of(stage.synapses).size for stage in stages(load_model(self.first))]

    def _fitted(self, name: str, config: RunConfig, data: DataSplit) -> tuple[Path, float]:
        out = self.runs / name
        if not (out / "result.json").exists():
            fit(config, data=data, out=out, resume=out.exists(), show_progress=False)
        told = json.loads((out / "result.json").read_text(encoding="utf-8"))
        say(f"{name}: validation {told['validation_accuracy']:.4f}")
        return out / BEST, told["validation_accuracy"]


def searched(networks: Networks) -> dict[str, Any]:
    """Bits of each layer, the steps that led there, and the file of the network."""
    sizes = networks.sizes()
    bits = (BITS[0],) * len(sizes)
    path, share = networks.trained_on(bits, networks.first)
    least, steps = share - MAY_LOSE, [{"bits": bits, "validation": 100 * share, "kept": True}]
    fixed: set[int] = set()
    while len(fixed) < len(sizes):
        saved = {
            layer: sizes[layer] * (bits[layer] - BITS[BITS.index(bits[layer]) + 1])
            for layer in range(len(sizes))
            if layer not in fixed and bits[layer] > BITS[-1]
        }
        if not saved:
            break
        layer = max(saved, key=lambda one: saved[one])
        fewer = list(bits)
        fewer[layer] = BITS[BITS.index(bits[layer]) + 1]
        tried, share = networks.trained_on(tuple(fewer), path)
        kept = share >= least
        steps.append({"bits": fewer, "validation": 100 * share, "kept": kept})
        if kept:
            path, bits = tried, tuple(fewer)
        else:
            fixed.add(layer)
    return {"bits": list(bits), "path": path, "steps": steps, "sizes": sizes}


def run(
    study: Study,
    folder: Path,
    runs: Path,
    seeds: list[int],
    n_test: int | None = None,
    size: Size = Size.FULL,
) -> dict[str, Any]:
    """Everything of one data set; accuracies of the test on the engine, in per cent."""
    by_seed = [Networks(study, folder, runs, seed, size) for seed in seeds]
    files: dict[str, list[Path]] = {}
    validation: dict[str, list[float]] = {}
    for bits in BITS:
        files[f"read {bits}"] = [one.read((bits,)) for one in by_seed]
        tuned = [one.trained_on((bits,), one.first) for one in by_seed]
        files[f"trained on {bits}"] = [path for path, _ in tuned]
        validation[str(bits)] = [100 * share for _, share in tuned]
    search = searched(by_seed[0])
    files["searched"] = [search.pop("path")]
    test, accuracy, equal = by_seed[0].split.test, {}, True
    for name, paths in files.items():
        compared = compare(paths, test, n_samples=n_test)
        accuracy[name] = (100 * compared.accuracies(Executor.ENGINE)).tolist()
        equal &= compared.first_difference(Executor.PYTORCH_INTEGERS) is None
        say(f"{study.case.name}, {name}: {accuracy[name]}")
    return {
        "title": study.case.title,
        "config": f"examples/configs/{study.case.config}.toml",
        "epochs": study.epochs,
        "rate": study.rate,
        "first": len(by_seed[0].split.train),
        "samples": len(by_seed[0].fewer.train),
        "test": n_test or len(test),
        "sizes": by_seed[0].sizes(),
        "seeds": seeds,
        "accuracy": accuracy,
        "validation": validation,
        "all_equal": equal,
        "search": search,
    }


def record(found: list[dict[str, Any]], where: dict[str, Any], command: str) -> str:
    """The record in Markdown."""
    lines = [
        f"# Accuracy against the bits of a weight, {where['date']}",
        "",
        f"`python -m benchmarks.{RESULT} {command}`",
        "",
        f"{where['cpu']}, one thread. Accuracy of the test in the engine, per cent, mean ± standard"
        " deviation over the seeds. Read: the network of eight bits with fewer, nothing trained."
        " Trained on: as long for every number of bits. Memory: of the weights, those of a"
        " convolution once.",
        "",
    ]
    for case in found:
        n_weights = sum(case["sizes"])
        lines += [
            f"## {case['title']}",
            "",
            f"`{case['config']}`, {case['first']} samples, seeds"
            f" {', '.join(map(str, case['seeds']))}; trained on for"
            f" {case['epochs']} epochs of {case['samples']} samples at a rate of {case['rate']};"
            f" {case['test']} test samples; {n_weights} weights in layers of"
            f" {', '.join(map(str, case['sizes']))}. PyTorch's integers and the engine:"
            f" {'every spike equal' if case['all_equal'] else '**they differ**'}.",
            "",
            "| bits | memory, bits | read | trained on | validation, trained on |",
            "|---|---|---|---|---|",
        ]
        for bits in BITS:
            read, tuned = (
                mean_and_spread(case["accuracy"][f"{how} {bits}"]) for how in ("read", "trained on")
            )
            chosen = mean_and_spread(case["validation"][str(bits)])
            lines.append(f"| {bits} | {bits * n_weights} | {read} | {tuned} | {chosen} |")
        lines += ["", *_search(case)]
    return "\n".join(lines)


def _search(case: dict[str, Any]) -> list[str]:
    search = case["search"]
    memory = int(np.dot(search["bits"], search["sizes"]))
    lines = [
        f"Fewest bits of each layer within half a point of validation, seed {case['seeds'][0]}:"
        f" **{', '.join(map(str, search['bits']))}**, {memory} bits of memory,"
        f" {memory / (BITS[0] * sum(search['sizes'])):.2f} of that of eight bits; test"
        f" **{case['accuracy']['searched'][0]:.2f}** (eight bits trained on"
        f" {case['accuracy']['trained on 8'][0]:.2f}).",
        "",
        "| bits by layer | validation | kept |",
        "|---|---|---|",
    ]
    for step in search["steps"]:
        words = ", ".join(map(str, step["bits"]))
        lines.append(f"| {words} | {step['validation']:.2f} | {'yes' if step['kept'] else 'no'} |")
    return [*lines, ""]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Train on, search, compare, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="of mnist and fashion-mnist")
    parser.add_argument("--runs", type=Path, required=True, help="a folder for every run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    names = [study.case.name for study in STUDIES]
    parser.add_argument("--only", nargs="+", default=[FIRST], help="cases", choices=names)
    sizes = [size.value for size in Size]
    parser.add_argument("--size", default=Size.FULL.value, help="of the study", choices=sizes)
    parser.add_argument("--test", type=int, help="so many of the test samples, from the first")
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    if arguments.out is not None:  # before the training, not after
        arguments.out.mkdir(parents=True, exist_ok=True)
    began, size = time.process_time(), Size(arguments.size)
    found = [
        run(study, arguments.folder, arguments.runs, arguments.seeds, arguments.test, size)
        for study in STUDIES
        if study.case.name in arguments.only
    ]
    say(f"{time.process_time() - began:.0f} s of processor time")
    where = machine()
    seeds = " ".join(map(str, arguments.seeds))
    command = (
        f"--folder FOLDER --runs RUNS --size {arguments.size} --seeds {seeds}"
        f" --only {' '.join(arguments.only)} --out benchmarks/results"
    )
    text = record(found, where, command)
    print(text)
    if arguments.out is not None:
        stem = arguments.out / f"{RESULT}_{where['date']}"
        write_whole(stem.with_suffix(".md"), text.encode())
        told = {"machine": where, "bits": BITS, "cases": found}
        write_whole(stem.with_suffix(".json"), (json.dumps(told, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
