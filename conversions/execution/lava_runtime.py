"""Lava as its users have it: a process for every Process."""

from __future__ import annotations

from conversions.execution import lava
from conversions.execution.executable import Executable
from conversions.execution.executor import Run
from conversions.lava.lava_run import LavaExecution


def prepare(executable: Executable) -> Run:
    """Nothing is to be done before."""
    return lava.prepare(executable, LavaExecution.RUNTIME)
