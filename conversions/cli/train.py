"""``ssdp-neuro train``: train a network by a config file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hw_models import InputError

if TYPE_CHECKING:
    from ssdp_neuro.training import EpochRecord

INTERRUPTED = 130


def train(
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="The run's settings; see --fields and --example."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of the run; runs/ and the config's name if left out."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from the last checkpoint, bit for bit."),
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SECTION.FIELD=VALUE", help="A field that differs; may be repeated."
        ),
    ] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="Print every field of a config, and end.")
    ] = False,
    example: Annotated[
        Path | None,
        typer.Option(metavar="NEW.toml", help="Write a whole config with comments, and end."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""Train a spiking network, choose its best epoch, and measure it once on the test.

    A run that was killed goes on with --resume as if it had not been. On several GPUs or
    processes: torchrun --nproc-per-node 2 -m conversions.cli.main train --config FILE.toml

    For example:

    \b
    ssdp-neuro train --fields
    ssdp-neuro train --example new.toml
    ssdp-neuro train --config new.toml --out runs/new --set training.epochs=1 --set model.gain=2
    ssdp-neuro train --config runs/new/config.toml --out runs/new --resume --json
    """
    if fields:
        from ssdp_neuro.training.run.config import described_fields

        typer.echo(described_fields(), nl=False)
        return
    if example is not None:
        _write_example(example)
        return
    if config is None:
        raise InputError("--config: needed; ssdp-neuro train --example NEW.toml writes one")
    from ssdp_neuro.training import fit, read_config

    settings = read_config(config, tuple(changes or ()))
    folder = Path("runs", config.stem) if out is None else out
    try:
        result = fit(
            settings,
            out=folder,
            resume=resume,
            show_progress=sys.stderr.isatty(),
            on_epoch=None if as_json else _print_epoch,
        )
    except KeyboardInterrupt as stopped:
        typer.echo(f"{stopped}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if os.environ.get("RANK", "0") != "0":  # under torchrun the first one speaks
        return
    if as_json:
        typer.echo(json.dumps(result.to_dict(), indent=2))
    else:
        _print(result.to_dict())


def _write_example(path: Path) -> None:
    from ssdp_neuro.training.run.config import example_config

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example_config())
    except FileExistsError:
        raise InputError(f"--example {path}: exists already") from None
    typer.echo(f"written: {path}")


def _print_epoch(record: EpochRecord) -> None:
    measured = record.validation_accuracy
    validation = "" if measured is None else f", validation {measured:.2%}"
    typer.echo(
        f"epoch {record.epoch}: loss {record.loss:.4f}, trained on {record.train_accuracy:.2%}"
        f"{validation}"
    )


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title=escape(f"{report['folder']}: {len(report['history'])} epochs"))
    for heading in ("epoch", "loss", "trained on", "validation", ""):
        table.add_column(heading, justify="right")
    for record in _shown(report["history"], report["best_epoch"]):
        measured = record["validation_accuracy"]
        notes = ["best"] * (record["epoch"] == report["best_epoch"])
        notes += ["quantized"] * record["quantized"]
        table.add_row(
            str(record["epoch"]),
            f"{record['loss']:.4f}",
            f"{record['train_accuracy']:.2%}",
            "-" if measured is None else f"{measured:.2%}",
            ", ".join(notes),
        )
    console.print(table)
    best = report["validation_accuracy"]
    lines = [
        f"best validation accuracy  {'none' if best is None else f'{best:.2%}'}"
        f" (epoch {report['best_epoch']})",
        f"test accuracy             {report['test_accuracy']:.2%}",
        f"time per epoch            {report['seconds_per_epoch']:.2f} s",
        f"best model                {report['best']}",
    ]
    if report["convertible"]:
        network = Path(report["folder"], "network.h5")
        lines.append(
            f"to convert it             ssdp-neuro convert {report['best']} --out {network}"
        )
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def _shown(history: list[dict[str, Any]], best: int) -> list[dict[str, Any]]:
    """At most about a dozen epochs: the last ones, the best, and some before."""
    every = max(1, len(history) // 10)
    return [
        r for i, r in enumerate(history) if i % every == 0 or i == best or i == len(history) - 1
    ]
