"""The slow, obvious simulator in NumPy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conversions.execution.executable import Executable
from conversions.execution.executor import Run
from ssdp_neuro.engine.results import RunResult


def prepare(executable: Executable) -> Run:
    """Nothing is to be done before."""
    from ssdp_neuro.oracle import simulate

    def run(spikes: Any, n_steps: int, probes: Iterable[tuple[str, str]] = ()) -> RunResult:
        return simulate(executable.network, spikes, n_steps=n_steps, probes=probes)

    return run
