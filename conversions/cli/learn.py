"""``ssdp-neuro learn``: let a network file learn labelled samples on the chip."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from conversions.cli.arguments import NetworkFile
from conversions.cli.data_options import (
    Changes,
    DataSet,
    Folder,
    Steps,
    code_notes,
    data_table,
    settings_in_code,
)
from conversions.cli.learning_run import chip_rule, stored_rule, teach, without_other_rules
from hw_models import DaSsdpParams, InputError, SpikeCode, load, load_code, save
from ssdp_neuro.rules.da_ssdp import DaSsdp
from ssdp_neuro.rules.names import THIRD_FACTORS, RuleName
from ssdp_neuro.rules.plastic_readout import readout_name, with_plastic_readout

if TYPE_CHECKING:
    from ssdp_neuro.data import SpikeDataset
    from ssdp_neuro.decision import ClassAccuracy

RULES = [rule.value for rule in THIRD_FACTORS]
STORED = "stored"


def learn(
    network: NetworkFile,
    data: DataSet,
    folder: Folder = None,
    steps: Steps = None,
    changes: Changes = None,
    rule: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(RULES),
            help="Third factor of SSDP: one, dopamine, error, reward; the file's if not given.",
        ),
    ] = None,
    projection: Annotated[
        str | None, typer.Option(help="What learns; the projection to the last population if not.")
    ] = None,
    add_classes: Annotated[int, typer.Option(help="Output neurons to add before.", min=0)] = 0,
    classes: Annotated[
        str | None, typer.Option(metavar="8,9", help="Classes of the lesson; all if not given.")
    ] = None,
    shots: Annotated[int, typer.Option(help="Samples of each class in the lesson.", min=1)] = 5,
    test_per_class: Annotated[
        int, typer.Option(help="Samples of each class to measure on.", min=1)
    ] = 50,
    epochs: Annotated[int, typer.Option(help="Passes over the lesson.", min=1)] = 10,
    potentiation: Annotated[
        float, typer.Option(help="Largest change of a weight by a sample, mantissas.", min=0)
    ] = 4.0,
    depression: Annotated[
        float, typer.Option(help="The same where not both ends fired.", min=0)
    ] = 0.0,
    sigma: Annotated[float, typer.Option(help="Width of the latency kernel, steps.")] = 8.0,
    seed: Annotated[int, typer.Option(help="Of the choice of samples and of rounding.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="LEARNED.h5", help="Write the network that learned.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""Learn from a few labelled samples, and compare the accuracy before and after.

    Label i belongs to output neuron i. With ssdp and da-ssdp a teacher forces the labelled
    neuron to fire; error-ssdp needs no forced spikes; reward-ssdp is told right or wrong.
    Samples become spikes as where the network was trained, but for what the options say.

    For example:

    \b
    ssdp-neuro learn digits.h5 --data digits --rule error-ssdp --add-classes 2
    ssdp-neuro learn digits.h5 --data digits --rule da-ssdp --potentiation 0.5 --out learned.h5
    ssdp-neuro learn digits.h5 --data digits --rule error-ssdp --classes 0,1 --shots 20 --json
    ssdp-neuro learn digits.h5 --data digits --rule error-ssdp --set window=12 --set darkest=0.2
    """
    from ssdp_neuro.data import few_of_each
    from ssdp_neuro.data import load as load_data
    from ssdp_neuro.dataset_run import decisions
    from ssdp_neuro.decision import class_accuracy
    from ssdp_neuro.engine.readiness import make_ready

    if rule is not None and rule not in RULES:
        raise InputError(f"--rule {rule!r}; one of {', '.join(RULES)}")
    described, code = load(network), load_code(network)
    name = readout_name(described, projection)
    settings = settings_in_code(data_table(data, folder, steps, changes or ()), code)
    n_steps = settings.n_steps
    constants = DaSsdp(a_plus=potentiation, a_baseline=depression, sigma=sigma, n_steps=n_steps)

    def chosen_rule(n_samples: int) -> DaSsdpParams:
        if rule is None:
            return stored_rule(described, name)
        return chip_rule(RuleName(rule), constants, n_samples)

    _check_steps(n_steps, chosen_rule(0))
    split = load_data(settings)
    notes = code_notes(code, split.code, str(network))
    output = described.population(described.projection(name).target)
    n_known, n_classes = output.n_neurons, output.n_neurons + add_classes
    taught = _chosen(classes, n_classes)
    lesson = _of(few_of_each(split.train, shots, seed=seed), taught)
    test = _of(few_of_each(split.test, test_per_class, seed=seed), range(n_classes))
    plastic = with_plastic_readout(
        without_other_rules(described, name),
        chosen_rule(len(lesson)),
        projection=name,
        n_new=add_classes,
    )
    before = class_accuracy(decisions(plastic, test, output.name), test.labels, n_known)
    make_ready(plastic)
    started = time.perf_counter()
    result = teach(plastic, name, lesson, epochs=epochs, seed=seed)
    seconds = time.perf_counter() - started
    after = class_accuracy(decisions(result.network, test, output.name), test.labels, n_known)
    if out is not None:
        save(result.network, out, code=_learned_code(code, split.code, n_classes))
    report = {
        "network": str(network),
        "data": data,
        "code": dataclasses.asdict(split.code) if split.code else None,
        "rule": rule or STORED,
        "projection": name,
        "shots": shots,
        "classes": taught,
        "lesson": len(lesson),
        "test": len(test),
        "epochs": epochs,
        "warm_up": result.warm_up,
        "seed": seed,
        "seconds": seconds,
        "before": _by_class(before),
        "after": _by_class(after),
        "change": dataclasses.asdict(result.change),
        "notes": notes,
    }
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print(report)
        if out is not None:
            typer.echo(f"written: {out}")


def _chosen(text: str | None, n_classes: int) -> list[int]:
    """Classes of the lesson."""
    if text is None:
        return list(range(n_classes))
    try:
        chosen = [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--classes {text!r}; numbers like 8,9 are needed") from None
    unknown = [label for label in chosen if not 0 <= label < n_classes]
    if unknown:
        raise InputError(f"--classes: {unknown[0]}; the output has neurons 0..{n_classes - 1}")
    return chosen


def _of(samples: SpikeDataset, classes: Iterable[int]) -> SpikeDataset:
    """Those of some classes."""
    from ssdp_neuro.data import Subset

    places = np.flatnonzero(np.isin(samples.labels, list(classes)))
    return Subset(dataset=samples, places=places)


def _by_class(found: ClassAccuracy) -> dict[str, float | None]:
    return {"all": found.everything, "known": found.trained, "new": found.new}


def _learned_code(
    before: SpikeCode | None, shown: SpikeCode | None, n_classes: int
) -> SpikeCode | None:
    """The code of the network that learned: as it was trained, with the classes it has now."""
    code = before or shown
    if code is None or shown is None:
        return code
    names = shown.class_names if len(shown.class_names) >= n_classes else ()
    return dataclasses.replace(code, class_names=names[:n_classes])


def _check_steps(steps: int, rule: DaSsdpParams) -> None:
    """Refuse samples that are too long for the rule's latency codes before any is loaded."""
    most = rule.silent_code << rule.latency_shift
    if steps > most:
        raise InputError(f"--steps: {steps}; the latency codes of the rule allow 1..{most}")


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    for note in report["notes"]:
        console.print(note, highlight=False, markup=False)
    table = Table(title=escape(f"{report['network']}: {report['rule']} on {report['data']}"))
    table.add_column("accuracy")
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    names = {"all": "all classes", "known": "classes it had", "new": "added classes"}
    for part, title in names.items():
        if report["before"][part] is not None:
            table.add_row(title, *(f"{report[when][part]:.1%}" for when in ("before", "after")))
    console.print(table)
    change = report["change"]
    warm_up = f" after a warm-up of {report['warm_up']}" if report["warm_up"] else ""
    console.print(
        f"{report['lesson']} samples x {report['epochs']} epochs{warm_up}, measured on"
        f" {report['test']} others; {report['seconds']:.2f} s\n"
        f"{report['projection']}: {change['n_changed']:,} weights changed, by"
        f" {change['mean_change']:+.3f} on average and {change['largest_change']} at most;"
        f" {change['at_limit']:,} at a limit",
        highlight=False,
        markup=False,
    )
