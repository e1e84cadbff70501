"""A Lava program in a file, read without being run: what ``ssdp-neuro lava`` asks for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conversions.lava.interpreter import THREAD_SWITCHES
from hw_models import ExecutorError, InputError, MissingFileError

PYTHON, NOTEBOOK = ".py", ".ipynb"


def explained_file(
    program: str, n_steps: int = 0, arguments: Sequence[str] = (), run_number: int = 1
) -> dict[str, Any]:
    """What :func:`conversions.explain_lava` says of a program that is in a file.

    The program is started in an interpreter of its own, as its user starts it, and stopped
    where it would run a Process: up to there it builds its Processes, which may take a while.
    What it prints goes to standard error.

    Parameters
    ----------
    program
        Path of a ``.py`` file or a notebook; or ``module:object``, a Process or a function
        that makes one.
    n_steps
        Steps to run here, to say what takes the time.
    arguments
        The program's own.
    run_number
        At which of its calls of ``run`` that would build a new runtime to stop; the ones
        before are run here.

    Returns
    -------
    dict
        As of ``ExplainedProgram.to_dict``, and ``text``, the table.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is none of the above, or never runs a Process.
    ExecutorError
        If it fails before.
    SsdpError
        As of ``explain_lava``.
    """
    if ":" not in Path(program).name and not Path(program).is_file():
        raise MissingFileError(f"{program}: no such file")
    if ":" not in Path(program).name and Path(program).suffix not in (PYTHON, NOTEBOOK):
        raise InputError(f"{program}: a file {PYTHON} or {NOTEBOOK} is needed, or module:object")
    with tempfile.TemporaryDirectory(prefix="ssdp-lava-") as folder:
        answer = Path(folder) / "answer.json"
        search_path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        switches = dict.fromkeys(THREAD_SWITCHES, "1")
        command = [sys.executable, "-m", "conversions.lava.runtime.program_child"]
        done = subprocess.run(
            [*command, str(answer), str(n_steps), str(run_number), program, *arguments],
            env={"MPLBACKEND": "Agg", **os.environ, **switches, "PYTHONPATH": search_path},
            stdin=subprocess.DEVNULL,
            stdout=2,
            check=False,
        )
        if answer.exists():
            said = json.loads(answer.read_text(encoding="utf-8"))
            if "error" in said:
                raise ExecutorError(f"{program}: {said['error']}")
            return said
    if done.returncode:
        raise ExecutorError(f"{program} failed before it ran a Process; see above")
    raise InputError(f"{program}: it ended, and has not run a Process {run_number} times")


def share_text(share: float | None) -> str:
    """A share as a percentage; nothing where none was measured."""
    return "" if share is None else f"{100 * share:.0f} %"
