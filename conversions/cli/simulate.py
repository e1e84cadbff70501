"""``ssdp-neuro simulate``: run a network file in the engine."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from conversions.cli.arguments import NetworkFile, NetworkSteps, SpikeFile
from conversions.cli.data_options import steps_in_code
from conversions.cli.spike_file import load_spikes
from hw_models import FixedPointNetwork, InputError, load
from ssdp_neuro.engine.results import RunResult, check_probes
from ssdp_neuro.engine.spike_input import spike_input


def simulate(
    network: NetworkFile,
    steps: NetworkSteps = None,
    spikes: SpikeFile = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Random input instead: spikes per input neuron and step, 0..1."),
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Samples of random input.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random input.")] = 0,
    probe: Annotated[
        list[str] | None,
        typer.Option(metavar="POPULATION.u|v", help="State to record; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="RESULT.npz", help="Write events, probes and counts to this file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    threads: Annotated[
        int | None,
        typer.Option(
            help="Threads that share the samples; if not given, one for each core that may be used."
        ),
    ] = None,
) -> None:
    r"""Run a network and report spikes, rates, first spikes and event counts.

    For example:

    \b
    ssdp-neuro simulate net.h5 --steps 100 --rate 0.05
    ssdp-neuro simulate net.h5 --steps 20 --spikes spikes.npy --out run.npz
    ssdp-neuro simulate net.h5 --steps 20 --rate 0.1 --samples 8 --seed 1
    ssdp-neuro simulate net.h5 --steps 20 --rate 0.1 --probe hidden.v --json
    """
    from ssdp_neuro.engine.readiness import make_ready
    from ssdp_neuro.engine.simulator import simulate as run_network

    if out is not None and out.suffix != ".npz":
        raise InputError(f"--out {out}: a name that ends in .npz is needed, a NumPy archive")
    described = load(network)
    n_steps, notes = steps_in_code(network, steps)
    given = spike_input(
        described, _given_spikes(described, spikes, rate, n_steps, samples, seed), n_steps
    )
    probes = [_probe(text) for text in probe or ()]
    check_probes(described, probes)
    make_ready(described)
    started = time.perf_counter()
    result = run_network(
        described, given, n_steps=n_steps, probes=probes, seed=seed, n_threads=threads
    )
    seconds = time.perf_counter() - started
    report = {**_report(result, seconds), "notes": notes}
    if out is not None:
        _write(result, report, out)
    if as_json:
        typer.echo(json.dumps({"network": str(network), **report}, indent=2))
    else:
        _print(str(network), report)
        if out is not None:
            typer.echo(f"written: {out}")


def _given_spikes(
    network: FixedPointNetwork,
    file: Path | None,
    rate: float | None,
    steps: int,
    samples: int | None,
    seed: int,
) -> Any:
    if file is not None and rate is not None:
        raise InputError("--spikes and --rate: one of them is allowed, not both")
    if samples is not None and rate is None:
        raise InputError("--samples: only with --rate; a file says itself how many it has")
    if file is not None:
        return load_spikes(file, network)
    if rate is not None:
        from ssdp_neuro.engine.random_input import random_spikes

        return random_spikes(network, rate, n_steps=steps, n_samples=samples, seed=seed)
    if network.inputs:
        raise InputError("--spikes or --rate is needed, the network has input populations")
    return None


def _probe(text: str) -> tuple[str, str]:
    name, dot, variable = text.rpartition(".")
    if not (name and dot and variable):
        raise InputError(f"--probe {text!r}; a population and u or v is needed, as in 'hidden.v'")
    return name, variable


def _report(result: RunResult, seconds: float) -> dict[str, Any]:
    """What the command says about a run, in plain types."""
    n_samples = 1 if result.n_samples is None else result.n_samples
    populations = {}
    for name in result.populations:
        first = np.atleast_2d(result.first_spikes(name))
        fired = first[first < result.n_steps]
        neuron_steps = result.sizes[name] * result.n_steps * n_samples
        populations[name] = {
            "neurons": result.sizes[name],
            "spikes": result.counts.spikes[name],
            "rate": result.counts.spikes[name] / neuron_steps,
            "fired": fired.size / first.size,
            "earliest_first_spike": int(fired.min()) if fired.size else None,
            "median_first_spike": float(np.median(fired)) if fired.size else None,
            "neuron_updates": result.counts.neuron_updates[name],
        }
    return {
        "executor": result.executor,
        "n_steps": result.n_steps,
        "n_samples": n_samples,
        "seed": result.seed,
        "seconds": seconds,
        "populations": populations,
        "synaptic_operations": dict(result.counts.synaptic_operations),
        "probes": {
            f"{name}.{variable}": {"lowest": int(values.min()), "highest": int(values.max())}
            for (name, variable), values in result.probes.items()
        },
        "versions": result.versions,
    }


def _write(result: RunResult, report: dict[str, Any], path: Path) -> None:
    from hw_models.atomic_file import write_whole

    arrays: dict[str, Any] = {"report": np.array(json.dumps(report))}
    for name in result.populations:
        arrays[f"events/{name}"] = result.events(name)
    for (name, variable), values in result.probes.items():
        arrays[f"probe/{name}.{variable}"] = values
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_whole(path, buffer.getvalue())


def _print(title: str, report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    for note in report["notes"]:
        console.print(note, highlight=False, markup=False)
    table = Table(title=escape(title))
    table.add_column("population")
    for heading in ("neurons", "spikes", "rate", "fired", "first", "median first", "updates"):
        table.add_column(heading, justify="right")
    for name, row in report["populations"].items():
        median = row["median_first_spike"]
        table.add_row(
            escape(name),
            f"{row['neurons']:,}",
            f"{row['spikes']:,}",
            f"{row['rate']:.4f}",
            f"{row['fired']:.1%}",
            "-" if row["earliest_first_spike"] is None else str(row["earliest_first_spike"]),
            "-" if median is None else f"{median:g}",
            f"{row['neuron_updates']:,}",
        )
    console.print(table)
    for name, operations in report["synaptic_operations"].items():
        console.print(f"{escape(name)}: {operations:,} synaptic operations", highlight=False)
    for name, row in report["probes"].items():
        span = f"{row['lowest']:,} .. {row['highest']:,}"
        console.print(f"{escape(name)}: {span}", highlight=False)
    console.print(
        f"{report['n_samples']} x {report['n_steps']} steps in {report['seconds']:.3g} s",
        highlight=False,
    )
