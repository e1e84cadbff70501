"""``ssdp-neuro verify``: the same network in oracle, engine and Lava."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from conversions.cli.arguments import NetworkFile, NetworkSteps, SpikeFile
from conversions.cli.data_options import steps_in_code
from conversions.execution.executor import Executor
from conversions.verification.verify_network import Verification
from conversions.verification.verify_network import verify as compare
from hw_models import FixedPointNetwork, InputError
from hw_models.eprop import taught_population
from ssdp_neuro.engine.learning_task import learns_by_eprop
from ssdp_neuro.engine.spike_input import spike_input
from ssdp_neuro.engine.teaching import Teaching

LABELS = "labels"
DEFAULT_RATE = 0.1
DEFAULT_STEPS = 100


def verify(
    network: NetworkFile,
    steps: NetworkSteps = None,
    spikes: SpikeFile = None,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Without a file: random spikes per input neuron and step, 0..1.",
            show_default=str(DEFAULT_RATE),
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="Samples of random input.", show_default="1")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of random input, labels and rounding.")] = 0,
    runtime: Annotated[
        bool,
        typer.Option(
            "--runtime/--direct",
            help="Run Lava in its own multiprocess runtime, or only its models (sooner).",
        ),
    ] = False,
    rules: Annotated[
        bool,
        typer.Option(
            "--rules",
            help="Let projections with a LearningRule or EpropParams learn; compare what they"
            " learn. E-prop is taught by the labels of an .npz file, or by random ones.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run oracle, engine and Lava on the same input and compare every spike, u and v.

    Exit status 0 if all are equal, 1 if not: then it says where they first differ. For example:

    \b
    ssdp-neuro verify net.h5
    ssdp-neuro verify net.h5 --steps 50 --samples 4 --rate 0.05 --seed 1 --json
    ssdp-neuro verify net.h5 --steps 100 --spikes spikes.npy --runtime
    ssdp-neuro verify learning.h5 --steps 200 --rules
    ssdp-neuro verify eprop.h5 --spikes digits.npz --rules
    """  # noqa: D301 a real backspace keeps typer from joining the lines
    from hw_models.network_file import load

    described = load(network)
    n_steps, notes = steps_in_code(network, steps, DEFAULT_STEPS)
    given = _given_spikes(described, spikes, rate, n_steps, samples, seed)
    lava = Executor.LAVA_RUNTIME if runtime else Executor.LAVA
    executors = (Executor.ORACLE, Executor.ENGINE, lava)
    teaching = None
    if rules and learns_by_eprop(described):
        teaching, said = _teaching(described, spikes, given, n_steps, seed)
        notes = [*notes, *said]
    outcome = compare(
        described, given, n_steps, executors=executors, rules=rules, teaching=teaching
    )
    if as_json:
        report = {"network": str(network), **_report(outcome), "notes": notes}
        typer.echo(json.dumps(report, indent=2))
    else:
        for note in notes:
            typer.echo(note)
        _print(str(network), outcome, _compared(rules, teaching is not None))
    raise typer.Exit(0 if outcome.equal else 1)


def _given_spikes(
    network: FixedPointNetwork,
    file: Path | None,
    rate: float | None,
    steps: int,
    samples: int | None,
    seed: int,
) -> Any:
    from conversions.cli.spike_file import load_spikes
    from ssdp_neuro.engine.random_input import random_spikes

    if file is None:
        rate = DEFAULT_RATE if rate is None else rate
        return random_spikes(network, rate, n_steps=steps, n_samples=samples, seed=seed)
    for option, value in (("--rate", rate), ("--samples", samples)):
        if value is not None:
            raise InputError(f"--spikes and {option}: one of them is allowed, not both")
    return load_spikes(file, network)


def _teaching(
    network: FixedPointNetwork, file: Path | None, given: Any, n_steps: int, seed: int
) -> tuple[Teaching, list[str]]:
    """Labels of the file, or random ones, and a note that they are."""
    from ssdp_neuro.data.formats.array_file import read_array_or_arrays

    arrays = {} if file is None else read_array_or_arrays(file)
    if isinstance(arrays, dict) and LABELS in arrays:
        return Teaching(labels=arrays[LABELS], seed=seed), []
    taught = taught_population(network)
    n_samples = spike_input(network, given, n_steps).n_samples or 1
    labels = np.random.default_rng(seed).integers(0, taught.n_neurons, n_samples)
    note = f"No labels are given: random ones of the {taught.n_neurons} neurons of {taught.name!r}."
    return Teaching(labels=labels, seed=seed), [note]


def _report(outcome: Verification) -> dict[str, Any]:
    """The outcome in plain types."""
    place = outcome.first_difference
    return {
        "equal": outcome.equal,
        "n_samples": outcome.n_samples,
        "n_steps": outcome.n_steps,
        "n_values": outcome.n_values,
        "executors": {
            executor.name.lower(): {
                "spikes": outcome.spikes[executor],
                "seconds": outcome.seconds[executor],
                "equal": executor not in outcome.unequal,
            }
            for executor in outcome.executors
        },
        "first_difference": None
        if place is None
        else {
            "population": place.population,
            "variable": place.variable,
            "sample": place.sample,
            "step": place.step,
            "neuron": place.neuron,
            "source": place.source,
            "values": {e.name.lower(): value for e, value in place.values.items()},
        },
    }


def _compared(rules: bool, by_eprop: bool) -> str:
    """What every step of a run was compared in."""
    if by_eprop:
        return "spike, u, v, weight and trace"
    return "spike, u, v, weight, tag and trace" if rules else "spike, u and v"


def _print(title: str, outcome: Verification, what: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    first = outcome.executors[0]
    table = Table(title=f"{escape(title)}: {outcome.n_samples} x {outcome.n_steps} steps")
    table.add_column("executor")
    for heading in ("spikes", "seconds", f"equal to {first.value}"):
        table.add_column(heading, justify="right")
    for executor in outcome.executors:
        equal = "no" if executor in outcome.unequal else "yes"
        table.add_row(
            executor.value,
            f"{outcome.spikes[executor]:,}",
            f"{outcome.seconds[executor]:.3f}",
            "-" if executor is first else equal,
        )
    console.print(table)
    if outcome.first_difference is None:
        console.print(f"Equal: every {what} ({outcome.n_values:,} values).")
    else:
        console.print(f"First difference: {escape(str(outcome.first_difference))}")
