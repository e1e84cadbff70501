"""``ssdp-neuro learn``: let a network file learn labelled samples on the chip."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from conversions.cli.arguments import NetworkFile
from conversions.cli.learning_run import (
    LearningRule,
    RuleChoice,
    accuracies,
    stored_rule,
    teach,
    without_other_rules,
)
from hw_models import DaSsdpParams, FixedPointNetwork, InputError, load, save
from ssdp_neuro.rules.plastic_readout import readout_name, with_plastic_readout


def learn(
    network: NetworkFile,
    data: Annotated[
        str,
        typer.Option(
            metavar="digits|FOLDER|FILE",
            help="Scikit-learn's digits; a folder of MNIST's idx files; N-MNIST recordings in a"
            " zip file, or its folder; an .npz of spikes (B, T, N) and labels (B,).",
        ),
    ],
    rule: Annotated[
        LearningRule,
        typer.Option(help="Third factor of SSDP: one, dopamine, error, reward; or the file's."),
    ] = LearningRule.STORED,
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
    steps: Annotated[int, typer.Option(help="Steps of a sample.", min=1)] = 20,
    window: Annotated[
        int | None,
        typer.Option(help="Steps into which the spikes of images fall; 60 % if not given.", min=1),
    ] = None,
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

    For example:

    \b
    ssdp-neuro learn digits.h5 --data digits --rule error-ssdp --add-classes 2
    ssdp-neuro learn digits.h5 --data digits --rule da-ssdp --potentiation 0.5 --out learned.h5
    ssdp-neuro learn digits.h5 --data digits --rule error-ssdp --classes 0,1 --shots 20 --json
    """
    from ssdp_neuro.data.spike_data import load_samples
    from ssdp_neuro.engine.readiness import make_ready

    described = load(network)
    name = readout_name(described, projection)
    choice = RuleChoice(rule=rule, potentiation=potentiation, depression=depression, sigma=sigma)
    _check_steps(steps, _rule(described, name, choice, steps, 0))
    n_inputs = described.inputs[0].n_neurons if described.inputs else 0
    samples, test = load_samples(
        data,
        n_inputs=n_inputs,
        n_steps=steps,
        window=(3 * steps + 4) // 5 if window is None else window,
        train_per_class=shots,
        test_per_class=test_per_class,
        seed=seed,
    )
    target = described.projection(name).target
    n_known = described.population(target).n_neurons
    taught = _chosen(classes, n_known + add_classes)
    lesson, test = samples.of_classes(taught), test.of_classes(range(n_known + add_classes))
    plastic = with_plastic_readout(
        without_other_rules(described, name),
        _rule(described, name, choice, steps, len(lesson)),
        projection=name,
        n_new=add_classes,
    )
    before = accuracies(plastic, target, test, n_known)
    make_ready(plastic)
    started = time.perf_counter()
    result = teach(plastic, name, lesson, epochs=epochs, seed=seed)
    seconds = time.perf_counter() - started
    if out is not None:
        save(result.network, out)
    report = {
        "network": str(network),
        "data": data,
        "rule": rule.value,
        "projection": name,
        "shots": shots,
        "classes": taught,
        "lesson": len(lesson),
        "test": len(test),
        "epochs": epochs,
        "warm_up": result.warm_up,
        "seed": seed,
        "seconds": seconds,
        "before": before,
        "after": accuracies(result.network, target, test, n_known),
        "change": dataclasses.asdict(result.change),
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


def _rule(
    network: FixedPointNetwork, name: str, choice: RuleChoice, n_steps: int, n_samples: int
) -> DaSsdpParams:
    """The rule of the lesson: the file's, or the one that was chosen."""
    if choice.rule is LearningRule.STORED:
        return stored_rule(network, name)
    return choice.params(n_steps, n_samples)


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
