"""Lava's fixed-point models, without its runtime."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conversions.execution.executable import Executable
from conversions.execution.executor import Run
from conversions.lava.lava_run import LavaExecution, run_lava
from ssdp_neuro.engine.results import RunResult


def prepare(executable: Executable, execution: LavaExecution = LavaExecution.DIRECT) -> Run:
    """Nothing is to be done before."""

    def run(spikes: Any, n_steps: int, probes: Iterable[tuple[str, str]] = ()) -> RunResult:
        return run_lava(executable.network, spikes, n_steps, probes=probes, execution=execution)

    return run
