"""Learning from samples by rules of the learning engine."""

from __future__ import annotations

from concurrent.futures import wait
from typing import Any

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.core_use import available_cores, helpers
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

    Independent copies share the cores that the process may use; their number changes nothing.
    Arguments and errors as of :func:`ssdp_neuro.learn`.
    """
    task = rule_task(network, spikes, told, n_steps=n_steps)
    record = RuleRecord(task)
    is_apart = told.sample_start is SampleStart.ALL_AS_GIVEN
    n_threads = min(available_cores(), task.n_seen) if is_apart else 1
    sessions = [Session(network, learning=True) for _ in range(n_threads)]
    copies: dict[int, FixedPointNetwork] = {}
    order = iter(range(task.n_seen))
    with Progress(progress, "learning") as bar:

        def teach(session: Session) -> None:
            for seen in order:
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
                if is_apart:
                    copies[seen] = session.network
                bar.update(seen + 1, task.n_seen, "samples")

        others = [helpers().submit(teach, session) for session in sessions[1:]]
        try:
            teach(sessions[0])
        finally:
            wait(others)
        for other in others:
            other.result()
    visited = {
        name: sum(session.synapses_visited(name) for session in sessions) for name in task.rules
    }
    last = copies[task.n_seen - 1] if is_apart else sessions[0].network
    return record.result(last, visited, tuple(copies[seen] for seen in sorted(copies)))
