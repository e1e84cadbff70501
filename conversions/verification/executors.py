"""The executors of a network, behind one call."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.results import RunResult
from ssdp_neuro.engine.spike_input import SpikeInput

Probes = Iterable[tuple[str, str]]


class Executor(enum.Enum):
    """What can run a network; ``LAVA`` is Lava's models alone, without its runtime."""

    ORACLE = "oracle"
    ENGINE = "engine"
    LAVA = "lava"
    LAVA_RUNTIME = "lava runtime"


def run_executor(
    executor: Executor,
    network: FixedPointNetwork,
    given: SpikeInput,
    n_steps: int,
    probes: Probes = (),
) -> RunResult:
    """Run a network in one executor; arguments as of ``ssdp_neuro.simulate``."""
    return _RUNS[executor](network, given, n_steps, probes)


def _run_oracle(
    network: FixedPointNetwork, given: SpikeInput, n_steps: int, probes: Probes
) -> RunResult:
    from ssdp_neuro.oracle import simulate

    return simulate(network, given, n_steps=n_steps, probes=probes)


def _run_engine(
    network: FixedPointNetwork, given: SpikeInput, n_steps: int, probes: Probes
) -> RunResult:
    from ssdp_neuro.engine.simulator import simulate

    return simulate(network, given, n_steps=n_steps, probes=probes)


def _run_lava(
    network: FixedPointNetwork, given: SpikeInput, n_steps: int, probes: Probes
) -> RunResult:
    from conversions.lava.executor import LavaExecution, run_lava

    return run_lava(network, given, n_steps, probes=probes, execution=LavaExecution.DIRECT)


def _run_lava_runtime(
    network: FixedPointNetwork, given: SpikeInput, n_steps: int, probes: Probes
) -> RunResult:
    from conversions.lava.executor import LavaExecution, run_lava

    return run_lava(network, given, n_steps, probes=probes, execution=LavaExecution.RUNTIME)


_RUNS: dict[Executor, Callable[..., RunResult]] = {
    Executor.ORACLE: _run_oracle,
    Executor.ENGINE: _run_engine,
    Executor.LAVA: _run_lava,
    Executor.LAVA_RUNTIME: _run_lava_runtime,
}
