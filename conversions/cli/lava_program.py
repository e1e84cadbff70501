"""``ssdp-neuro lava``: how a Lava program would run here."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer


def lava(
    program: Annotated[
        str,
        typer.Argument(
            metavar="PROGRAM", help="A Lava program, .py or .ipynb; or module:object, a Process."
        ),
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="The program's own arguments.")
    ] = None,
    steps: Annotated[
        int, typer.Option(min=0, help="Run so many steps here, to say what takes the time.")
    ] = 0,
    run: Annotated[
        int, typer.Option(min=1, help="Which of the program's runs to look at, if it has several.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""List how each Process of a Lava program runs here, and what differs.

    The program is started as its user starts it and stopped where it first runs a Process:
    its Processes are built, and nothing of it is run. What it prints goes to standard error.

    For example:

    \b
    ssdp-neuro lava mnist.py
    ssdp-neuro lava mnist.py --steps 100
    ssdp-neuro lava my_package.networks:build --json
    """
    from conversions.lava.program_file import explained_file

    found = explained_file(program, steps, arguments or (), run)
    text = found.pop("text")
    if as_json:
        typer.echo(json.dumps({"program": program, **found}, indent=2))
    else:
        _print(program, text, found)


def _print(program: str, text: str, found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from conversions.lava.program_file import share_text

    console = Console()
    table = Table(title=escape(program))
    for heading in ("Process", "class", "model", "runs by", "share"):
        table.add_column(heading, overflow="fold")
    for row in found["processes"]:
        cells = (row["name"], row["process"], row["model"], row["runs_by"])
        table.add_row(*map(escape, cells), share_text(row["share"]))
    console.print(table)
    _, _, remarks = text.partition("\n\n")
    console.print(remarks, markup=False, highlight=False, soft_wrap=True)
