"""On-chip learning: samples one after the other, weights updated after each."""

from __future__ import annotations

import time
from typing import Any

from hw_models import FixedPointNetwork, TypeMismatchError
from hw_models.errors import brief
from ssdp_neuro.engine.job import CHUNK_SECONDS, FIRST_CHUNK_STEPS, Job
from ssdp_neuro.engine.latencies import Latencies
from ssdp_neuro.engine.learn_result import LearnResult
from ssdp_neuro.engine.learning_task import LearningRecord, learning_task, learns_by_eprop
from ssdp_neuro.engine.learning_update import SampleUpdate
from ssdp_neuro.engine.rule_learning import rules_of
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.teaching import Teaching
from ssdp_neuro.progress import Progress

FIRST_SAMPLES = 16  # of a call; they grow until a call takes CHUNK_SECONDS


def learn(
    network: FixedPointNetwork,
    spikes: Any,
    teaching: Teaching | None = None,
    *,
    n_steps: int,
    progress: bool | None = None,
) -> LearnResult:
    """Let the plastic projections of a network learn from samples.

    Samples run one after the other. By integer DA-SSDP, every plastic projection is updated
    after each from that sample's spikes. A sequence of samples may be split over several calls:
    pass the result's network, ``next_sample`` and ``dopamine`` on, and the weights are the same.

    By integer e-prop (:class:`hw_models.EpropParams`) weights change in every step, from labels;
    samples and calls go on as with DA-SSDP.

    By a :class:`hw_models.LearningRule` they change within samples, at the end of every epoch.
    ``Teaching(sample_start=...)`` says what a sample begins with: by default with cleared
    traces, or as an independent copy of the network. To go on after a call, use a
    :class:`ssdp_neuro.Session`.

    Parameters
    ----------
    network
        A network in which at least one projection has ``plasticity``.
    spikes
        Input spikes of ``B`` samples (or one), see
        :func:`ssdp_neuro.engine.spike_input.spike_input`.
    teaching
        Labels, rewards or losses, as the rules need them; seed, epochs and what else a run is
        told. A default one if not given.
    n_steps
        Steps of a sample.
    progress
        Whether to show a progress bar on a long run; by default on a terminal.

    Returns
    -------
    LearnResult

    Raises
    ------
    SsdpError
        If an argument does not fit, or a sample is too long for the latency codes.

    References
    ----------
    docs/explanation/fixed_point_da_ssdp.md, docs/explanation/integer_eprop.md,
    docs/explanation/learning_engine.md
    """
    if isinstance(network, FixedPointNetwork) and rules_of(network):
        told = Teaching() if teaching is None else teaching
        if not isinstance(told, Teaching):
            raise TypeMismatchError(f"teaching: {brief(told)}; a Teaching is needed")
        from ssdp_neuro.engine.rule_lessons import learn_by_rules

        return learn_by_rules(network, spikes, told, n_steps=n_steps, progress=progress)
    task = learning_task(network, spikes, teaching, n_steps=n_steps)
    if learns_by_eprop(network):
        from ssdp_neuro.engine.eprop_learning import learn_by_eprop

        return learn_by_eprop(task, progress=progress)
    simulator = Simulator(network, n_threads=1, own_weights=True)
    record = LearningRecord(task)
    latencies = Latencies(network, task.plastic, n_steps, simulator.plan.index)
    update = SampleUpdate(simulator, record, latencies)
    job = Job(network, simulator.plan, 1, task.given, n_steps, ())
    bar = Progress(progress, "learning")
    seen, n_together = 0, FIRST_SAMPLES
    with bar, simulator.plan.state() as state:
        tables = job.silent_tables(state, latencies.table)
        while seen < task.n_seen:
            started = time.perf_counter()
            last = min(seen + n_together, task.n_seen)
            seen = update.run(tables, seen, last, FIRST_CHUNK_STEPS)
            if time.perf_counter() - started < CHUNK_SECONDS:
                n_together *= 2
            bar.update(seen, task.n_seen, "samples")
    return record.result(simulator.current_network(), update.rows_visited)
