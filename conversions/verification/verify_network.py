"""The same network and input in oracle, engine and Lava: equal, or where they first differ."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conversions.execution.executable import Executable
from conversions.execution.executor import Executor
from conversions.lava.lava_run import numbers_for_rules
from conversions.verification.differences import Difference, compare_results
from conversions.verification.learning_differences import (
    LearningComparison,
    compare_eprop,
    compare_learning,
)
from hw_models import FixedPointNetwork, InputError, TypeMismatchError
from hw_models.choices import member
from hw_models.errors import brief
from hw_models.html_table import table
from ssdp_neuro.engine.learning_task import learning_task, learns_by_eprop
from ssdp_neuro.engine.results import STATE_VARIABLES, check_probes
from ssdp_neuro.engine.rule_learning import rules_of
from ssdp_neuro.engine.spike_input import SpikeInput, spike_input
from ssdp_neuro.engine.teaching import Teaching

ALL_EXECUTORS = (Executor.ORACLE, Executor.ENGINE, Executor.LAVA)


@dataclass(frozen=True, kw_only=True, repr=False)
class Verification:
    """Outcome of :func:`verify`.

    Parameters
    ----------
    executors
        Who was compared, the first with each of the others.
    n_samples, n_steps
        Size of the run; with e-prop, samples of all epochs.
    n_values
        Values compared per executor: every spike or silence, and every probed u and v; where
        rules learn, every weight, tag and trace after every step.
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
    rules: bool = False,
    sent: Any = None,
    teaching: Teaching | None = None,
) -> Verification:
    """Run several executors on the same input and compare every value.

    Weights stay as they are, unless ``rules`` are at work.

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
    rules
        Whether projections learn. By a :class:`hw_models.LearningRule` they do in every sample
        from the network as given. Then weights, tags and traces are compared too, after every
        step; in Lava's runtime, which is asked once, at the end. Lava needs
        ``RandomStream.LAVA`` and dense synapses without delays.
    sent
        With ``rules``: what targets send where a rule has ``PostTraces.SENT``, int
        ``(B, n_steps, 3, n_post)`` by projection. Zeros if not given.
    teaching
        With ``rules``, where projections have :class:`hw_models.EpropParams`: labels, and what
        else :func:`ssdp_neuro.learn` is told of them. Each sample goes on with the weights of
        the one before. Weights and sources' traces are compared after every step; in Lava's
        runtime weights only, after the last sample.

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
    if rules or sent is not None:
        if learns_by_eprop(network) and rules:
            return _verify_eprop(network, given, n_steps, pairs, chosen, sent, teaching)
        if teaching is not None:
            raise InputError("teaching: of EpropParams, and no projection has them")
        return _verify_learning(network, given, n_steps, pairs, chosen, sent, rules)
    if teaching is not None:
        raise InputError("teaching: only with rules=True, where projections learn")
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


def _verify_learning(
    network: FixedPointNetwork,
    given: SpikeInput,
    n_steps: int,
    probes: Sequence[tuple[str, str]],
    executors: tuple[Executor, ...],
    sent: Any,
    rules: bool,
) -> Verification:
    n_samples = 1 if given.n_samples is None else given.n_samples
    if not rules_of(network):
        raise InputError("rules: no projection of the network has a LearningRule or EpropParams")
    numbers = numbers_for_rules(network, sent, n_samples, n_steps, rules)
    rasters = given.rasters(network, n_steps)
    compared = compare_learning(network, executors, rasters, numbers, n_samples, n_steps, probes)
    return _outcome(compared, executors, n_samples, n_steps)


def _verify_eprop(
    network: FixedPointNetwork,
    given: SpikeInput,
    n_steps: int,
    probes: Sequence[tuple[str, str]],
    executors: tuple[Executor, ...],
    sent: Any,
    teaching: Teaching | None,
) -> Verification:
    if sent is not None:
        raise InputError("sent: EpropParams have no use for it; labels teach them")
    task = learning_task(network, given, teaching, n_steps=n_steps)
    return _outcome(compare_eprop(task, executors, probes), executors, task.n_seen, n_steps)


def _outcome(
    compared: LearningComparison, executors: tuple[Executor, ...], n_samples: int, n_steps: int
) -> Verification:
    return Verification(
        executors=executors,
        n_samples=n_samples,
        n_steps=n_steps,
        n_values=compared.n_values,
        spikes=compared.spikes,
        seconds=compared.seconds,
        unequal=tuple(who for who in executors if who in compared.unequal),
        first_difference=compared.first_difference,
    )
