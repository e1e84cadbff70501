"""Learning from samples by rules of the learning engine."""

from __future__ import annotations

from typing import Any

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.learn_result import LearnResult
from ssdp_neuro.engine.rule_task import RuleRecord, rule_task
from ssdp_neuro.engine.session import Session
from ssdp_neuro.engine.teaching import SampleStart, Teaching
from ssdp_neuro.progress import Progress


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
    task = rule_task(network, spikes, told, n_steps=n_steps)
    record = RuleRecord(task)
    copies = []
    session = Session(network, learning=True)
    with Progress(progress, "learning") as bar:
        for seen in range(task.n_seen):
            sample = seen % task.n_samples
            session.start_over(told.sample_start)
            session.learning = task.learning(sample)
            numbers = {
                name: task.sent[name][sample] for name in task.sent if task.mask[name][sample]
            }
            shown = task.given.sample(sample, task.n_steps)
            run = session.run(shown, task.n_steps, sent=numbers or None)
            for name in record.spike_counts:
                record.note_spikes(seen, name, run.spike_counts(name), run.first_spikes(name))
            if told.sample_start is SampleStart.ALL_AS_GIVEN:
                copies.append(session.network)
            bar.update(seen + 1, task.n_seen, "samples")
    visited = {name: session.synapses_visited(name) for name in task.rules}
    return record.result(session.network, visited, tuple(copies))
