"""Learning from samples by rules of the learning engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, PostTraces, ShapeError
from hw_models.arrays import integer_array
from hw_models.errors import brief
from hw_models.integers import integer
from ssdp_neuro.engine.learn_result import LearnResult, weight_change
from ssdp_neuro.engine.learning_task import learning_mask
from ssdp_neuro.engine.rule_learning import rules_of
from ssdp_neuro.engine.session import Session
from ssdp_neuro.engine.spike_input import spike_input
from ssdp_neuro.engine.teaching import SampleStart, Teaching
from ssdp_neuro.engine.third_factors import winner
from ssdp_neuro.progress import Progress

OF_DA_SSDP: dict[str, Any] = {
    "labels": None,
    "rewards": None,
    "teacher": None,
    "losses": None,
    "dopamine": None,
}
OF_DA_SSDP |= {"seed": 0, "first_sample": 0}


def learn_by_rules(
    network: FixedPointNetwork,
    spikes: Any,
    told: Teaching,
    *,
    n_steps: int,
    progress: bool | None = None,
) -> LearnResult:
    """Samples one after the other, in which projections learn by their :class:`LearningRule`.

    Arguments and errors as of :func:`ssdp_neuro.learn`.
    """
    n_steps = integer("n_steps", n_steps, 1, 2**31 - 1)
    rules = rules_of(network)
    others = [
        p.name
        for p in network.projections
        if getattr(p, "plasticity", None) is not None and p.name not in rules
    ]
    if others:
        raise InputError(
            f"{others[0]}.plasticity: DaSsdpParams beside a LearningRule in {next(iter(rules))!r};"
            " a call of learn teaches one kind"
        )
    for name, default in OF_DA_SSDP.items():
        if getattr(told, name) is not default and getattr(told, name) != default:
            raise InputError(f"{name}: of DaSsdpParams; a LearningRule has no use for it")
    given = spike_input(network, spikes, n_steps)
    n_samples = 1 if given.n_samples is None else given.n_samples
    mask = learning_mask(told.learning_mask, list(rules), n_samples)
    sent = _numbers_sent(network, told.sent, n_samples, n_steps)
    n_seen = told.epochs * n_samples
    targets = dict.fromkeys(projection.target for projection in rules.values())
    counts = {
        name: np.zeros((n_seen, network.population(name).n_neurons), dtype=np.int32)
        for name in targets
    }
    decisions = {name: np.full(n_seen, -1, dtype=np.int32) for name in targets}
    copies = []
    session = Session(network, learning=True)
    with Progress(progress, "learning") as bar:
        for seen in range(n_seen):
            sample = seen % n_samples
            session.start_over(told.sample_start)
            learning = [name for name in rules if mask[name][sample]]
            session.learning = learning
            numbers = {name: sent[name][sample] for name in sent if name in learning}
            run = session.run(given.sample(sample, n_steps), n_steps, sent=numbers or None)
            for name in targets:
                counts[name][seen] = run.spike_counts(name)
                decisions[name][seen] = winner(counts[name][seen], run.first_spikes(name))
            if told.sample_start is SampleStart.ALL_AS_GIVEN:
                copies.append(session.network)
            bar.update(seen + 1, n_seen, "samples")
    learned = session.network
    return LearnResult(
        before=network,
        network=learned,
        n_samples=n_seen,
        next_sample=n_seen,
        changes={
            name: weight_change(
                projection,
                learned.projection(name),
                told.epochs * int(mask[name].sum()),
                session.synapses_visited(name),
            )
            for name, projection in rules.items()
        },
        spike_counts=counts,
        decisions=decisions,
        seed=told.seed,
        copies=tuple(copies),
    )


def _numbers_sent(
    network: FixedPointNetwork, given: Any, n_samples: int, n_steps: int
) -> dict[str, np.ndarray]:
    """What targets send in all samples, int64 ``(B, n_steps, 3, n_post)`` by projection."""
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
