"""The same network and input in oracle, engine and Lava: equal, or where they first differ."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conversions.execution.executable import Executable
from conversions.execution.executor import Executor
from conversions.verification.differences import Difference, compare_results
from hw_models import FixedPointNetwork, InputError, TypeMismatchError
from hw_models.choices import member
from hw_models.errors import brief
from hw_models.html_table import table
from ssdp_neuro.engine.results import STATE_VARIABLES, check_probes
from ssdp_neuro.engine.spike_input import spike_input

ALL_EXECUTORS = (Executor.ORACLE, Executor.ENGINE, Executor.LAVA)


@dataclass(frozen=True, kw_only=True, repr=False)
class Verification:
    """Outcome of :func:`verify`.

    Parameters
    ----------
    executors
        Who was compared, the first with each of the others.
    n_samples, n_steps
        Size of the run.
    n_values
        Values compared per executor: every spike or silence, and every probed u and v.
    spikes
        Spikes that each executor counted, over all populations.
    seconds
        How long each took; kernels are compiled before.
    unequal
        Executors that differ from the first one somewhere.
    first_difference
        The earliest place in the first sample that differs; None if all are equal.
    """

    executors: tuple[Executor, ...]
    n_samples: int
    n_steps: int
    n_values: int
    spikes: Mapping[Executor, int]
    seconds: Mapping[Executor, float]
    unequal: tuple[Executor, ...]
    first_difference: Difference | None

    @property
    def equal(self) -> bool:
        """Whether all spikes and all probed values are the same in all executors."""
        return self.first_difference is None

    def __str__(self) -> str:
        names = ", ".join(executor.value for executor in self.executors)
        if self.first_difference is None:
            return f"{names} agree on all {self.n_values} values"
        return f"{names} differ first in {self.first_difference}"

    def __repr__(self) -> str:
        return f"Verification({self})"

    def _repr_html_(self) -> str:
        rows = [("executor", "spikes", "seconds", "compared")]
        for executor in self.executors:
            agrees = "differs" if executor in self.unequal else "equal"
            rows.append(
                (
                    executor.value,
                    f"{self.spikes[executor]:,}",
                    f"{self.seconds[executor]:.2f}",
                    "the first" if executor is self.executors[0] else agrees,
                )
            )
        return table(rows, f"{self}; {self.n_samples} samples of {self.n_steps} steps")


def verify(
    network: FixedPointNetwork,
    spikes: Any,
    n_steps: int,
    *,
    probes: Iterable[tuple[str, str]] | None = None,
    executors: Iterable[Executor] = ALL_EXECUTORS,
) -> Verification:
    """Run several executors on the same input and compare every value.

    Parameters
    ----------
    network
        What to run.
    spikes
        Input spikes, see :func:`ssdp_neuro.engine.spike_input.spike_input`.
    n_steps
        Steps of a sample, at least 1.
    probes
        ``(population, "u" or "v")`` pairs to compare besides the spikes; u and v of all
        LIF populations if not given.
    executors
        At least two.

    Raises
    ------
    MissingExtraError
        If Lava is asked for and not installed.
    SsdpError
        If an argument does not fit; see :mod:`hw_models.errors`.
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"network: {brief(network)}; a FixedPointNetwork is needed")
    chosen = tuple(dict.fromkeys(member("executors", one, Executor) for one in executors))
    if len(chosen) < 2:
        raise InputError(f"executors: {len(chosen)} given; at least two are needed")
    if probes is None:
        probes = [(lif.name, variable) for lif in network.neurons for variable in STATE_VARIABLES]
    pairs = check_probes(network, probes)
    given = spike_input(network, spikes, n_steps)
    results, seconds = {}, {}
    for executor in chosen:
        run = executor.prepare(Executable(network=network))
        started = time.perf_counter()
        results[executor] = run(given, n_steps, pairs)
        seconds[executor] = time.perf_counter() - started
    n_values, unequal, difference = compare_results(results, pairs)
    return Verification(
        executors=chosen,
        n_samples=1 if given.n_samples is None else given.n_samples,
        n_steps=n_steps,
        n_values=n_values,
        spikes={executor: sum(run.counts.spikes.values()) for executor, run in results.items()},
        seconds=seconds,
        unequal=unequal,
        first_difference=difference,
    )
