"""On-chip learning: samples one after the other, weights updated after each."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.job import Job
from ssdp_neuro.engine.latencies import Latencies
from ssdp_neuro.engine.learn_result import LearnResult
from ssdp_neuro.engine.learning_task import LearningRecord, learning_task
from ssdp_neuro.engine.plastic_projection import DaSsdpRule, ListedSynapses, listed_synapses
from ssdp_neuro.engine.projection_table import PlasticList
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.teaching import Teaching
from ssdp_neuro.engine.third_factors import dopamine_gate
from ssdp_neuro.progress import Progress


def learn(
    network: FixedPointNetwork,
    spikes: Any,
    teaching: Teaching | None = None,
    *,
    n_steps: int,
    progress: bool | None = None,
) -> LearnResult:
    """Let the plastic projections of a network learn from samples, by integer DA-SSDP.

    Samples run one after the other; after each, every plastic projection is updated from
    that sample's spikes. A sequence of samples may be split over several calls: pass the
    result's network, ``next_sample`` and ``dopamine`` on, and the weights are the same.

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
    docs/explanation/fixed_point_da_ssdp.md
    """
    task = learning_task(network, spikes, teaching, n_steps=n_steps)
    simulator = Simulator(network, n_threads=1, own_weights=True)
    record = LearningRecord(task)
    update = SampleUpdate(simulator, record)
    latencies = Latencies(network, task.plastic, n_steps, simulator.plan.index)
    job = Job(network, simulator.plan, 1, task.given, n_steps, ())
    bar = Progress(progress, "learning")
    with bar, simulator.plan.state() as state:
        for seen in range(task.n_seen):
            latencies.clear()
            job.run_sample(state, seen % task.n_samples, latencies.table)
            update.apply(seen, latencies)
            bar.update(seen + 1, task.n_seen, "samples")
    return record.result(simulator.current_network(), update.rows_visited)


class SampleUpdate:
    """The update of all plastic projections after a sample.

    Parameters
    ----------
    simulator
        With weights of its own, which are changed.
    record
        Of the run; says what is learned, and writes down what happens.
    """

    def __init__(self, simulator: Simulator, record: LearningRecord) -> None:
        task = record.task
        self._simulator, self._record = simulator, record
        self._rules = {name: DaSsdpRule(task.rule(name)) for name in task.plastic}
        self._listed = {
            name: listed_synapses(task.rule(name), place.synapses, task.n_steps)
            for name, place in simulator.plan.plastic.items()
            if isinstance(place, PlasticList)
        }
        self.rows_visited = dict.fromkeys(self._rules, 0)

    def apply(self, seen: int, latencies: Latencies) -> None:
        """Learn from the spikes of the ``seen``-th sample of the run."""
        record, listed = self._record, self._listed
        task = record.task
        for target in record.spike_counts:
            counts, first_spikes = latencies.counts(target), latencies.first_spikes(target)
            record.note_spikes(seen, target, counts, first_spikes)
        for name, rule in self._rules.items():
            if not task.mask[name][seen % task.n_samples]:
                continue
            pre, post = latencies.codes(name)
            gates = _gates(record, name, seen, latencies, listed.get(name))
            weights = self._simulator.plastic_weights(name)
            codes = (pre, rule.post_codes(post, gates), gates)
            key: Any = {"seed": task.seeds[name], "sample": task.first_sample + seen}
            self.rows_visited[name] += (
                rule.update_listed(weights, listed[name], *codes, **key)
                if name in listed
                else rule.update(weights, *codes, **key)
            )


def _gates(
    record: LearningRecord,
    name: str,
    seen: int,
    latencies: Latencies,
    listed: ListedSynapses | None,
) -> np.ndarray:
    """Gates int32 ``(n_post,)`` of a projection, from first spikes; a warm-up counts them."""
    task = record.task
    projection = task.plastic[name]
    if name not in record.dopamine:
        target = projection.target
        counts, first_spikes = record.spike_counts[target][seen], latencies.first_spikes(target)
        return task.factors.gates(projection, seen % task.n_samples, counts, first_spikes)
    silent = task.rule(name).silent_code
    pre, post = latencies.codes(name)
    if listed is not None:
        synchrony = listed.n_synchronous(pre, post, silent)
    else:
        synchrony = int(np.count_nonzero(pre != silent)) * int(np.count_nonzero(post != silent))
    gate = dopamine_gate(task.rule(name), record.dopamine[name], synchrony)
    record.note_synchrony(seen, name, synchrony)
    return np.full(latencies.codes(name)[1].shape, gate, dtype=np.int32)
