"""Learning from samples by rules of the learning engine: what is to be done, and what happened.

The engine and Lava learn from the same :class:`RuleTask` and report by the same
:class:`RuleRecord`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, PostTraces, ShapeError
from hw_models.arrays import integer_array
from hw_models.errors import brief
from hw_models.integers import integer
from hw_models.records import short_repr
from ssdp_neuro.engine.learn_result import LearnResult, weight_change
from ssdp_neuro.engine.learning_task import learning_mask
from ssdp_neuro.engine.rule_learning import rules_of
from ssdp_neuro.engine.spike_input import SpikeInput, spike_input
from ssdp_neuro.engine.teaching import Teaching
from ssdp_neuro.engine.third_factors import winner

OF_DA_SSDP: dict[str, Any] = {
    "labels": None,
    "rewards": None,
    "teacher": None,
    "losses": None,
    "dopamine": None,
}
OF_DA_SSDP |= {"seed": 0, "first_sample": 0}


@dataclass(frozen=True, kw_only=True, eq=False)
class RuleTask:
    """Samples in which projections learn by rules, checked; made by :func:`rule_task`.

    Parameters
    ----------
    rules
        The projections that learn, by name.
    mask
        By projection: which samples it learns from, bool ``(B,)``.
    sent
        What targets send in all samples, int64 ``(B, n_steps, 3, n_post)`` by projection.
    """

    network: FixedPointNetwork
    rules: Mapping[str, Any]
    given: SpikeInput
    mask: Mapping[str, np.ndarray]
    sent: Mapping[str, np.ndarray]
    told: Teaching
    n_steps: int
    n_samples: int

    __repr__ = short_repr

    @property
    def n_seen(self) -> int:
        """All samples that are run, epochs together."""
        return self.told.epochs * self.n_samples

    def learning(self, sample: int) -> list[str]:
        """The projections that learn from a sample."""
        return [name for name in self.rules if self.mask[name][sample]]


class RuleRecord:
    """What happened in each sample.

    Parameters
    ----------
    task
        The run that is recorded.
    """

    def __init__(self, task: RuleTask) -> None:
        self.task = task
        targets = dict.fromkeys(projection.target for projection in task.rules.values())
        self.spike_counts = {
            name: np.zeros((task.n_seen, task.network.population(name).n_neurons), dtype=np.int32)
            for name in targets
        }
        self.decisions = {name: np.full(task.n_seen, -1, dtype=np.int32) for name in targets}

    def note_spikes(self, seen: int, target: str, counts: Any, first_spikes: Any) -> None:
        """Write down the spikes of a target population in one sample."""
        self.spike_counts[target][seen] = counts
        self.decisions[target][seen] = winner(counts, first_spikes)

    def result(
        self,
        learned: FixedPointNetwork,
        visited: Mapping[str, int],
        copies: tuple[FixedPointNetwork, ...] = (),
    ) -> LearnResult:
        """The run's result; ``visited`` are synapses by projection."""
        task = self.task
        return LearnResult(
            before=task.network,
            network=learned,
            n_samples=task.n_seen,
            next_sample=task.n_seen,
            changes={
                name: weight_change(
                    projection,
                    learned.projection(name),
                    task.told.epochs * int(task.mask[name].sum()),
                    visited[name],
                )
                for name, projection in task.rules.items()
            },
            spike_counts=self.spike_counts,
            decisions=self.decisions,
            seed=task.told.seed,
            copies=copies,
        )


def rule_task(network: FixedPointNetwork, spikes: Any, told: Teaching, *, n_steps: int) -> RuleTask:
    """Check what :func:`ssdp_neuro.learn` was given for rules of the learning engine.

    Raises
    ------
    SsdpError
        If an argument does not fit.
    """
    n_steps = integer("n_steps", n_steps, 1, 2**31 - 1)
    rules = rules_of(network)
    others: list[Any] = [
        p
        for p in network.projections
        if getattr(p, "plasticity", None) is not None and p.name not in rules
    ]
    if others:
        raise InputError(
            f"{others[0].name}.plasticity: {type(others[0].plasticity).__name__} beside a"
            f" LearningRule in {next(iter(rules))!r};"
            " a call of learn teaches one kind"
        )
    for name, default in OF_DA_SSDP.items():
        if getattr(told, name) is not default and getattr(told, name) != default:
            raise InputError(f"{name}: of DaSsdpParams; a LearningRule has no use for it")
    given = spike_input(network, spikes, n_steps)
    n_samples = 1 if given.n_samples is None else given.n_samples
    return RuleTask(
        network=network,
        rules=rules,
        given=given,
        mask=learning_mask(told.learning_mask, list(rules), n_samples),
        sent=numbers_sent(network, told.sent, n_samples, n_steps),
        told=told,
        n_steps=n_steps,
        n_samples=n_samples,
    )


def numbers_sent(
    network: FixedPointNetwork, given: Any, n_samples: int, n_steps: int
) -> dict[str, np.ndarray]:
    """What targets send in all samples, checked: int64 ``(B, n_steps, 3, n_post)`` by projection.

    Raises
    ------
    InputError, ShapeError, RangeError
        If a projection has no use for it, or numbers do not fit.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"sent: {brief(given)}; a mapping from projections is needed")
    rules = rules_of(network)
    takers = [n for n, p in rules.items() if p.plasticity.post_traces is PostTraces.SENT]
    numbers = {}
    for name, values in given.items():
        if name not in takers:
            raise InputError(
                f"sent: {brief(name)}; projections whose rule has PostTraces.SENT are {takers}"
            )
        where = f"sent[{name!r}]"
        array = integer_array(where, values, -(2**31), 2**31 - 1, np.int64)
        needed = (n_samples, n_steps, 3, network.population(rules[name].target).n_neurons)
        if array.shape != needed:
            raise ShapeError(
                f"{where}: shape {array.shape}; {needed} is needed: samples, steps, y1 y2 y3,"
                " neurons"
            )
        numbers[name] = array
    return numbers
