"""What a sample changes: the tables of a learning run for the kernels, and what they wrote."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import Rounding, ThirdFactor
from hw_models.dopamine import GATE_ONE
from ssdp_neuro.engine.kernels import sample_learning as kernels
from ssdp_neuro.engine.kernels.catalog import RUN_NETWORK
from ssdp_neuro.engine.kernels.native import handle_of
from ssdp_neuro.engine.kernels.tables import Tables
from ssdp_neuro.engine.latencies import Latencies
from ssdp_neuro.engine.learning_task import LearningRecord
from ssdp_neuro.engine.plastic_projection import listed_synapses, product_table
from ssdp_neuro.engine.projection_table import PlasticList
from ssdp_neuro.engine.simulator import Simulator

# of a learning table, what the projections have one after the other
FIELDS: dict[str, Any] = {
    "products": np.int32,
    "gates": np.int32,
    "pre": np.int64,
    "post": np.int64,
    "delays": np.int64,
}
KINDS = {"dense8": kernels.INT8, "dense16": kernels.INT16}


class SampleUpdate:
    """The update of all plastic projections after a sample.

    Parameters
    ----------
    simulator
        With weights of its own, which are changed.
    record
        Of the run; says what is learned, and writes down what happens.
    latencies
        What listens to the samples.
    """

    def __init__(self, simulator: Simulator, record: LearningRecord, latencies: Latencies) -> None:
        self._record, self._latencies = record, latencies
        task = record.task
        self._names = list(task.plastic)
        heard = latencies.table
        self._heard = heard.codes, heard.counts, heard.first
        builder = _TableBuilder(simulator, record, latencies)
        self.table = builder.table()
        synapses = simulator.plan.synapses
        self._weights = (synapses.dense8, synapses.dense16, synapses.weight)
        for name in record.dopamine:
            self._set_gate(name)

    @property
    def rows_visited(self) -> dict[str, int]:
        """By plastic projection: sources whose weights were visited, so far."""
        return dict(zip(self._names, self.table.visited.tolist(), strict=True))

    def apply(self, seen: int) -> None:
        """Learn from the spikes of the ``seen``-th sample of the run, which has been run."""
        task = self._record.task
        kernels.learn_from_sample(
            seen,
            seen % task.n_samples,
            task.first_sample + seen,
            self._heard,
            self.table,
            self._weights,
        )
        self._write_down(seen, seen + 1)

    def run(self, tables: Tables, first: int, last: int, n_at_once: int) -> int:
        """Run and learn samples from ``first`` on; says before which it stopped.

        Parameters
        ----------
        tables
            What :func:`.network_run.run_network` is called with, of a run that keeps nothing.
        last
            Where to stop, unless a gate is to be fitted before.
        n_at_once
            Steps of one call.
        """
        last = min([last, *(self._end_of_warm_up(name, first) for name in self._warming_up())])
        kernels.learn_samples(
            RUN_NETWORK.address,
            handle_of(tables),
            (tables.window.cursor, tables.window.bounds),
            first,
            last,
            self._record.task.first_sample,
            n_at_once,
            self._heard,
            self.table,
            self._weights,
        )
        self._write_down(first, last)
        return last

    def _write_down(self, first: int, last: int) -> None:
        """Take over what the kernels wrote of some samples, and fit the gates that are ready."""
        record, task = self._record, self._record.task
        for place, target in enumerate(self._latencies.targets):
            part = self._latencies.count_part(target)
            record.spike_counts[target][first:last] = self.table.counts[first:last, part]
            record.decisions[target][first:last] = self.table.decisions[first:last, place]
        for name in self._warming_up():
            row = self._names.index(name)
            for seen in range(first, last):
                if task.mask[name][seen % task.n_samples]:
                    record.note_synchrony(seen, name, int(self.table.synchrony[row, seen]))
            self._set_gate(name)

    def _warming_up(self) -> list[str]:
        gates = self.table.rules[:, kernels.GATE]
        return [
            name
            for name, gate in zip(self._names, gates, strict=True)
            if gate == kernels.WARMING_UP
        ]

    def _end_of_warm_up(self, name: str, first: int) -> int:
        """Before which sample a gate is fitted, if the run gets so far."""
        task = self._record.task
        missing = task.rule(name).warm_up - self._record.dopamine[name].n_samples
        learned = np.flatnonzero(np.resize(task.mask[name], task.n_seen)[first:])
        return task.n_seen if learned.size < missing else first + int(learned[missing - 1]) + 1

    def _set_gate(self, name: str) -> None:
        """Fit a dopamine gate whose warm-up is over."""
        params, statistics = self._record.task.rule(name), self._record.dopamine[name]
        rule = self.table.rules[self._names.index(name)]
        rule[kernels.GATE] = kernels.WARMING_UP
        if statistics.n_samples >= params.warm_up:
            fit = statistics.fit(params.least_correlation)
            rule[kernels.GATE] = kernels.FITTED
            rule[kernels.CORRELATION] = fit.correlation
            rule[kernels.MEAN], rule[kernels.DEVIATION] = fit.mean, fit.deviation


class _TableBuilder:
    """Makes the table of a learning run."""

    def __init__(self, simulator: Simulator, record: LearningRecord, latencies: Latencies) -> None:
        self._places, self._record, self._latencies = simulator.plan.plastic, record, latencies
        self._parts: dict[str, list[Any]] = {field: [] for field in FIELDS}

    def table(self) -> kernels.LearningTable:
        """The table, of which nothing has been run yet."""
        task, latencies = self._record.task, self._latencies
        rules = np.array([self._rule(name) for name in task.plastic], dtype=np.int64)
        joined = {
            field: np.concatenate([np.zeros(0, dtype), *self._parts[field]])
            for field, dtype in FIELDS.items()
        }
        parts = [latencies.count_part(target) for target in latencies.targets]
        has_gate = any(name in task.dopamine for name in task.plastic)
        labels = np.zeros(0, dtype=np.int64) if task.factors.labels is None else task.factors.labels
        return kernels.LearningTable(
            rules=rules,
            **joined,
            labels=labels.copy(),  # as all others, it can be written: kernels are compiled once
            mask=np.array([task.mask[name] for name in task.plastic], dtype=np.uint8),
            targets=np.array([(part.start, part.stop - part.start) for part in parts]),
            silent=latencies.silent,
            counts=np.zeros((task.n_seen, latencies.table.counts.size), dtype=np.int32),
            decisions=np.full((task.n_seen, len(parts)), -1, dtype=np.int32),
            synchrony=np.zeros((len(rules), task.n_seen if has_gate else 0), dtype=np.int64),
            visited=np.zeros(len(rules), dtype=np.int64),
        )

    def _rule(self, name: str) -> list[int]:
        task, latencies, place = self._record.task, self._latencies, self._places[name]
        params, row = task.rule(name), [0] * kernels.N_COLUMNS
        pre, post = latencies.code_parts(name)
        row[kernels.PRE], row[kernels.N_PRE] = pre.start, pre.stop - pre.start
        row[kernels.POST], row[kernels.N_POST] = post.start, post.stop - post.start
        row[kernels.COUNT] = latencies.count_part(task.plastic[name].target).start
        row[kernels.TABLE] = self._add("products", product_table(params).reshape(-1))
        row[kernels.SILENT], row[kernels.SHIFT] = params.silent_code, params.shift
        row[kernels.LOW], row[kernels.HIGH] = params.weight_low, params.weight_high
        row[kernels.STOCHASTIC] = params.rounding is Rounding.STOCHASTIC
        row[kernels.SEED] = task.seeds[name]
        has_teacher = params.third_factor is ThirdFactor.TEACHER
        row[kernels.TEACHER_CODE] = params.teacher_latency if has_teacher else -1
        row[kernels.GATE], row[kernels.GATES] = self._gates(name)
        row[kernels.BASE] = place.base
        if isinstance(place, PlasticList):
            listed = listed_synapses(params, place.synapses, task.n_steps)
            row[kernels.WEIGHTS], row[kernels.N_LISTED] = kernels.LIST, listed.pre.size
            row[kernels.ENDS] = self._add("pre", listed.pre)
            self._add("post", listed.post)
            self._add("delays", listed.delays)
            row[kernels.LAST_CODE] = listed.last_code
        else:
            row[kernels.WEIGHTS], row[kernels.ROW] = KINDS[place.field], place.row
        return row

    def _gates(self, name: str) -> tuple[int, int]:
        """What gates are made of, and where those lie that are given."""
        task = self._record.task
        kind, factors, target = (
            task.rule(name).third_factor,
            task.factors,
            task.plastic[name].target,
        )
        if kind is ThirdFactor.TEACHER and target in factors.teacher:
            return kernels.PER_NEURON, self._add("gates", factors.teacher[target].reshape(-1))
        if kind is ThirdFactor.TEACHER and factors.labels is not None:
            return kernels.LABEL, 0
        if kind is ThirdFactor.DOPAMINE:
            return kernels.WARMING_UP, 0
        gates = np.full(task.n_samples, GATE_ONE)
        if kind is ThirdFactor.REWARD and factors.rewards is not None:
            gates = factors.rewards
        return kernels.PER_SAMPLE, self._add("gates", gates.astype(np.int32))

    def _add(self, field: str, values: np.ndarray) -> int:
        start = sum(part.size for part in self._parts[field])
        self._parts[field].append(values)
        return start
