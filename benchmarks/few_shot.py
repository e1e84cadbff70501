"""Rules of on-chip learning side by side: few samples, new classes, drifted input.

    python -m benchmarks.few_shot --data FOLDER
    python -m benchmarks.few_shot --data FOLDER --tune

FOLDER holds mnist/, fashion-mnist/ (the four idx files each) and nmnist/ (a zip file of
recordings). Without a folder, scikit-learn's digits are used. ``--tune`` tries the constants
of the rules on validation samples of another seed, and prints the best. ``--gate`` asks for
the dopamine gate alone: SSDP and DA-SSDP with the same constants, those of DA-SSDP.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

from benchmarks.few_shot_study.figure import figure_svg
from benchmarks.few_shot_study.report import tables, to_json
from benchmarks.few_shot_study.settings import DATA_SETS, DIGITS, ON_CHIP, Method, StudySettings
from benchmarks.few_shot_study.study import run_study
from benchmarks.few_shot_study.tuning import tuned
from benchmarks.machine import machine
from hw_models.atomic_file import write_whole

TUNING_SEEDS = (100,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of data sets; the digits if not given")
    parser.add_argument("--only", choices=[d.name for d in DATA_SETS], help="one data set")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to this one less")
    parser.add_argument("--tune", action="store_true", help="choose the constants of the rules")
    parser.add_argument(
        "--rules", nargs="+", choices=[one.name for one in Method], help="some rules"
    )
    parser.add_argument("--gate", action="store_true", help="only the gate: equal constants")
    parser.add_argument("--out", type=Path, help="folder for few_shot_<date>.md, .json, .svg")
    arguments = parser.parse_args()
    settings = dataclasses.replace(StudySettings(), seeds=tuple(range(arguments.seeds)))
    data_sets = [d for d in DATA_SETS if arguments.only in (None, d.name)]
    if arguments.data is None:
        data_sets = [DIGITS]

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    folder = arguments.data or Path()
    if arguments.tune:
        chosen = [rule for rule in ON_CHIP if rule.name in (arguments.rules or [rule.name])]
        best = tuned(folder, data_sets, settings, chosen, TUNING_SEEDS, say=say)
        for rule, constants in best.items():
            print(f"{rule.value}: {constants}")
        return
    about = {"command": "python -m benchmarks.few_shot " + " ".join(shown(sys.argv[1:]))}
    name = "few_shot"
    rules = tuple(rule for rule in Method if rule.name in (arguments.rules or [rule.name]))
    if arguments.gate:
        name, rules = "few_shot_gate", (Method.NONE, Method.SSDP, Method.DA_SSDP)
        same = {**settings.rules, Method.SSDP: settings.rules[Method.DA_SSDP]}
        settings = dataclasses.replace(settings, rules=same)
    began, cpu_began = time.perf_counter(), time.process_time()
    found = run_study(folder, data_sets, settings, rules=rules, say=say)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    where = machine()
    header = (
        "# Few-shot, continual and drift: rules of on-chip learning side by side\n\n"
        f"`{about['command']}`: {seconds:.0f} s, of which {cpu_seconds:.0f} s computing, on one"
        f" core of {where['cores']} of {where['cpu']}, load {where['load']:.1f},"
        f" Python {where['python']}, {where['date']};"
        f" seeds {', '.join(map(str, settings.seeds))}.\n"
        "Accuracy in percent on test samples, mean ± sample standard deviation over the seeds.\n"
    )
    text = f"{header}\n{tables(found)}"
    print(text)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        base = arguments.out / f"{name}_{where['date']}"
        constants = {rule.value: dataclasses.asdict(c) for rule, c in settings.rules.items()}
        about = {
            **about,
            "machine": where,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "seeds": list(settings.seeds),
        }
        write_whole(base.with_suffix(".svg"), figure_svg(found))
        write_whole(
            base.with_suffix(".json"), to_json(found, {**about, "rules": constants}).encode()
        )
        write_whole(base.with_suffix(".md"), text.encode())


def shown(arguments: list[str]) -> list[str]:
    """The arguments without a folder of this machine."""
    folders = {"--data": "DATA", "--out": "RESULTS"}
    return [
        folders.get(before, now) for before, now in zip(["", *arguments], arguments, strict=False)
    ]


if __name__ == "__main__":
    main()
