"""A page of the command line, made of what each command says of itself with ``--help``.

A hook of MkDocs.
"""

import os
from typing import Any

from mkdocs.structure.files import File, Files

os.environ["TERMINAL_WIDTH"] = "80"  # typer reads it when it is imported

from typer.testing import CliRunner

from conversions.cli.main import COMMANDS, app

PAGE = "reference/command_line.md"
INTRODUCTION = """# Command line

`ssdp-neuro COMMAND`, or `uv run ssdp-neuro COMMAND` in a clone. This page is what each command
prints with `--help`. Commands that compute something take `--json` and then print one JSON object.
The exit status is 2, with one line on standard error, if the input is at fault.
"""


def on_files(files: Files, config: Any) -> Files:
    """Add the page."""
    sections = [INTRODUCTION, *map(section, sorted(COMMANDS))]
    files.append(File.generated(config, PAGE, content="\n\n".join(sections)))
    return files


def section(command: str) -> str:
    """The help of one command.

    Raises
    ------
    RuntimeError
        If the command cannot be loaded.
    """
    asked = CliRunner().invoke(app, [command, "--help"], prog_name="ssdp-neuro", color=False)
    if asked.exit_code or "Not available here" in asked.output:
        raise RuntimeError(f"ssdp-neuro {command} --help: {asked.output}")
    lines = [line.rstrip() for line in asked.output.strip("\n").splitlines()]
    return f"## {command}\n\n```text\n" + "\n".join(lines) + "\n```"
