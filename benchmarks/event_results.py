"""Event data all the way: recordings, heart beats and spoken digits, trained and then in integers.

    python -m benchmarks.event_results --folder FOLDER --runs RUNS
    python -m benchmarks.event_results --folder FOLDER --runs RUNS --out benchmarks/results

FOLDER holds nmnist, mit-bih and fsdd; RUNS gets a folder for every run, which is resumed if it
was stopped and not repeated if it is there. Each of ``examples/configs`` is trained once a seed,
and the models that its validation samples chose run the whole test in PyTorch, in real numbers
and in integers, in the engine, and its first samples in Lava. Beside it stands what a ridge
classifier makes of the same spikes, counted.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data_floors import measured
from benchmarks.event_report import record
from benchmarks.machine import machine
from conversions.comparison.comparison_result import ComparedRun, Comparison
from conversions.comparison.model_comparison import compare
from conversions.execution import Executor
from hw_models.atomic_file import write_whole
from ssdp_neuro.data import DataSplit, load
from ssdp_neuro.training import RunConfig, fit, read_config
from ssdp_neuro.training.run.choices import DeviceKind

CONFIGS = Path(__file__).parent.parent / "examples" / "configs"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A config, the data set's folder, and the spans of time that the ridge classifier sees.

    ``before`` is trained first, once a seed too, and its best model is what this begins with.
    """

    title: str
    config: str
    folder: str
    spans: int
    held_out: tuple[str, ...] = ()
    floor_limit: int = 0  # of what ridge is trained on; it holds all counts in memory
    before: Case | None = None

    @property
    def name(self) -> str:
        return "-".join([self.config, *self.held_out])


CASES = (
    Case(title="N-MNIST, 800 + 100 recordings", config="nmnist", folder="nmnist", spans=3),
    Case(title="MIT-BIH, unseen patients", config="mit_bih", folder="mit-bih", spans=1),
    *(
        Case(
            title=f"FSDD, unseen speaker {speaker}",
            config="fsdd_unseen_speaker",
            folder="fsdd",
            spans=5,
            held_out=(speaker,),
        )
        for speaker in ("jackson", "lucas", "nicolas", "theo", "yweweler")
    ),
)


def config_for(case: Case, folder: Path, seed: int) -> RunConfig:
    """The example's config on this machine's data, with another seed of training."""
    config = read_config(CONFIGS / f"{case.config}.toml")
    assert config.data is not None
    data = dataclasses.replace(
        config.data,
        folder=str(folder / case.folder),
        held_out=case.held_out or config.data.held_out,
    )
    training = dataclasses.replace(
        config.training, seed=seed, threads=1, device=DeviceKind.CPU, keep=1
    )
    return dataclasses.replace(config, data=data, training=training)


def train(
    case: Case, config: RunConfig, runs: Path, split: DataSplit | None = None
) -> tuple[Path, dict[str, Any]]:
    """The best model of a run, and its result; a run that is there is not repeated."""
    out = runs / f"{case.name}-{config.training.seed}"
    began = time.process_time()
    if not (out / "result.json").exists():
        fit(config, data=split, out=out, resume=out.exists(), show_progress=False)
    cpu_seconds = time.process_time() - began
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    say(
        f"{out.name}: validation {result['validation_accuracy']:.3f},"
        f" {result['seconds']:.0f} s ({cpu_seconds:.0f} s of CPU now)"
    )
    return out / "best.safetensors", {**result, "cpu_seconds": cpu_seconds}


def run(
    case: Case,
    folder: Path,
    runs: Path,
    seeds: list[int],
    n_lava: int,
    seeds_before: list[int] | None = None,
) -> dict[str, Any]:
    """Train once a seed, compare the executors, and measure the floor.

    What comes before is trained with ``seeds_before``, which ``seeds`` take in turn, or with each.
    """
    settings = config_for(case, folder, seeds[0]).data
    assert settings is not None
    split = load(settings)
    models, trained = [], []
    before: dict[int, dict[str, Any]] = {}
    first = seeds if seeds_before is None else seeds_before
    for number, seed in enumerate(seeds):
        config = config_for(case, folder, seed)
        if case.before is not None:
            earlier = config_for(case.before, folder, first[number % len(first)])
            start, result = train(case.before, earlier, runs)
            config = dataclasses.replace(
                config, model=dataclasses.replace(config.model, start_from=str(start))
            )
            before[earlier.training.seed] = result
        best, result = train(case, config, runs, split)
        models.append(best)
        trained.append(result)
    compared = compare(models, split.test, lava_samples=n_lava)
    unchanged = dataclasses.replace(settings, mirror=False, affine=0.0, shift=0, warp=0.0, spans=1)
    if case.floor_limit:
        unchanged = dataclasses.replace(unchanged, train_limit=case.floor_limit)
    floor = measured(unchanged, case.spans)  # of the recordings as they are
    balance = config.training.class_balance
    balanced = measured(unchanged, case.spans, balance) if balance else None
    say(
        f"{case.name}: engine {compared.accuracies(Executor.ENGINE)}, floor {floor['accuracy']:.1f}"
    )
    return {
        "title": case.title,
        "command": f"examples/configs/{case.config}.toml",
        "held_out": list(case.held_out),
        "seeds": seeds,
        "samples": {
            "train": len(split.train),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        "config": said(trained[0]),
        "data": {k: v for k, v in settings.to_table().items() if k != "folder"},
        "torch": trained[0]["circumstances"]["torch"],
        "validation_accuracy": [100 * one["validation_accuracy"] for one in trained],
        "seconds": [one["seconds"] for one in trained],
        "cpu_seconds_now": [
            one["cpu_seconds"] for one in trained
        ],  # about 0 of runs that were there
        "epochs": [len(one["history"]) for one in trained],
        "floor": floor,
        "balanced_floor": balanced,
        "before": [
            {
                "config": said(one),
                "data": {k: v for k, v in one["config"]["data"].items() if k != "folder"},
                "validation_accuracy": 100 * one["validation_accuracy"],
                "test_accuracy": 100 * one["test_accuracy"],
                "seconds": one["seconds"],
            }
            for one in before.values()
        ],
        **what_was_found(compared),
    }


def said(result: dict[str, Any]) -> dict[str, Any]:
    """The config of a run but for its data and for places of this machine."""
    config = {name: table for name, table in result["config"].items() if name != "data"}
    config["model"] = {k: v for k, v in config["model"].items() if k != "start_from"}
    return config


def what_was_found(compared: Comparison) -> dict[str, Any]:
    """The numbers of a comparison, accuracies and recalls in per cent, one for each seed."""
    executors = compared.executors
    others = [executor for executor in executors if executor is not Executor.ENGINE]
    return {
        "accuracy": {r.value: (100 * compared.accuracies(r)).tolist() for r in executors},
        "recalls": [recalls(one, compared.n_classes) for one in compared.runs],
        "lava_samples": len(compared.runs[0].parts[Executor.LAVA].decisions),
        "first_difference": {r.value: compared.first_difference(r) for r in others},
        "spike_agreement": {r.value: compared.spike_agreement(r) for r in others},
        "layers": compared.layers,
        "n_steps": compared.n_steps,
        "layer_spikes": compared.counts_by_layer(Executor.ENGINE),
        "spikes": compared.spikes,
        "synaptic_operations": compared.synaptic_operations,
        "energy_low": compared.energy.low,
        "energy_high": compared.energy.high,
    }


def recalls(one: ComparedRun, n_classes: int) -> list[float]:
    """Of each class, in the engine; per cent."""
    right = one.parts[Executor.ENGINE].decisions == one.labels
    return [100 * float(np.mean(right[one.labels == label])) for label in range(n_classes)]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="of nmnist, mit-bih and fsdd")
    parser.add_argument("--runs", type=Path, required=True, help="a folder for every run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--lava", type=int, default=20, help="samples of each run for Lava")
    parser.add_argument("--only", nargs="+", help="some cases", choices=[c.name for c in CASES])
    parser.add_argument("--out", type=Path, help="folder for the record")
    arguments = parser.parse_args()
    if arguments.out is not None:  # before hours of training, not after
        arguments.out.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for case in CASES:
        if arguments.only and case.name not in arguments.only:
            continue
        found.append(run(case, arguments.folder, arguments.runs, arguments.seeds, arguments.lava))
        if arguments.out is not None:  # after each case: a run may be stopped
            write_record(found, arguments.out)
    print(record(found, machine()))


def write_record(found: list[dict[str, Any]], out: Path) -> None:
    where = machine()
    stem = f"event_results_{where['date']}"
    write_whole(out / f"{stem}.md", record(found, where).encode())
    table = {"machine": where, "cases": found}
    write_whole(out / f"{stem}.json", (json.dumps(table, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
