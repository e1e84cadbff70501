"""A Lava program that learns, in the engine: in one go, or epoch by epoch, weights in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import FixedPointNetwork
from hw_models.learning_engine.learning_rule import TRACES
from ssdp_neuro import PlasticSynapses, RunResult, Session
from ssdp_neuro.engine.job import Job
from ssdp_neuro.engine.neuron_order import inverse
from ssdp_neuro.engine.output_reader import OutputReader
from ssdp_neuro.engine.projection_table import PlasticList
from ssdp_neuro.engine.results import check_probes
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.spike_input import SpikeInput

if TYPE_CHECKING:
    from conversions.lava.reading.learning_processes import Heard, PlasticConnection


class NetworkLearning:
    """A program whose connections learn from their targets, and from numbers of ring buffers.

    The engine learns while it runs. What a connection has can be looked at in the end.

    Parameters
    ----------
    network, connections, ring_data
        As of a :class:`LearningRun`.
    """

    def __init__(
        self,
        network: FixedPointNetwork,
        connections: Iterable[PlasticConnection],
        ring_data: Mapping[str, np.ndarray],
    ) -> None:
        self.connections = {connection.name: connection for connection in connections}
        self.ring_data = ring_data
        self.records: dict[tuple[str, str], list[np.ndarray]] = {}
        self._session = Session(network, learning=True)

    @staticmethod
    def can_run(
        network: FixedPointNetwork,
        connections: Iterable[PlasticConnection],
        ring_data: Mapping[str, np.ndarray],
    ) -> bool:
        """Whether all connections learn from nothing else."""
        return all(
            len(each.projections) == 1
            and not each.reads_numbers
            and each.is_network_rule
            and each.hears_only(network.projection(each.projections[0][0]).target)
            and all(one.population in ring_data for sent in each.sent for one in sent)
            for each in connections
        )

    def run(self, spikes: SpikeInput, n_steps: int, probes: Iterable[tuple[str, str]]) -> RunResult:
        """Run from the start."""
        sent = {}
        for connection in self.connections.values():
            ((projection, _, post),) = connection.projections
            if not any(connection.sent):
                continue
            numbers = np.zeros((n_steps, 3, len(post)), dtype=np.int64)
            for k, heard in enumerate(connection.sent):
                for one in heard:
                    data = self.ring_data[one.population].T
                    numbers[:, k, post] += data[np.arange(n_steps) % len(data)][:, one.order]
            sent[projection] = numbers
        return self._session.run(spikes, n_steps, probes=probes, sent=sent or None)

    def value(self, name: str, variable: str) -> np.ndarray:
        """A variable of a connection now, as its Process has it; a copy."""
        connection = self.connections[name]
        ((projection, pre, post),) = connection.projections
        if not learns(connection, variable):
            return np.array(getattr(connection, variable))
        value = self._session.variables(projection)[variable]
        if variable in TRACES:
            return np.array(value[pre if variable.startswith("x") else post])
        if value.ndim == 1:
            listed: Any = self._session.network.projection(projection)
            full = np.zeros((len(post), len(pre)), dtype=value.dtype)
            full[listed.post, listed.pre] = value
            value = full
        return np.array(value[np.ix_(post, pre)])


class LearningRun:
    """The network of a program, and its learning connections beside it.

    What a connection hears need not be the spikes of its target: a teacher may spike or send
    numbers in its place. So the engine runs to the end of the next epoch, every connection is
    given what its ports heard, and its weights go back to the engine.

    Parameters
    ----------
    network
        Of the program.
    connections
        Its learning connections.
    ring_data
        What each ring buffer sends, by input population.
    recorded
        ``(connection, variable)`` pairs to keep after every step.
    """

    def __init__(
        self,
        network: FixedPointNetwork,
        connections: Iterable[PlasticConnection],
        ring_data: Mapping[str, np.ndarray],
        recorded: Iterable[tuple[str, str]],
    ) -> None:
        self.network = network
        self.connections = {connection.name: connection for connection in connections}
        self.synapses = {
            name: PlasticSynapses(each.rule, each.weights, each.tag_1, each.tag_2)
            for name, each in self.connections.items()
        }
        self.ring_data = ring_data
        self.records: dict[tuple[str, str], list[np.ndarray]] = {pair: [] for pair in recorded}

    def run(self, spikes: SpikeInput, n_steps: int, probes: Iterable[tuple[str, str]]) -> RunResult:
        """Run from the start; afterwards ``synapses`` hold what was learned."""
        simulator = Simulator(self.network, n_threads=1, own_weights=True)
        pairs = check_probes(self.network, probes)
        job = Job(self.network, simulator.plan, 1, spikes, n_steps, pairs)
        step = 0
        with simulator.plan.state() as state:
            while step < n_steps:
                end = self._end(step, n_steps)
                job.run_window(state, 0, 1, step, end)
                self._learn(job, step, end)
                self._put_weights(simulator, end)
                step = end
        sizes = {population.name: population.n_neurons for population in self.network.populations}
        return RunResult(
            sizes=sizes,
            n_steps=n_steps,
            n_samples=None,
            reader=job.reader(),
            probes=job.probe_arrays(),
            counts=job.event_counts(),
            executor="engine",
        )

    def value(self, name: str, variable: str) -> np.ndarray:
        """A variable of a connection now, as its Process has it; a copy."""
        synapses, connection = self.synapses[name], self.connections[name]
        if variable in TRACES:
            return synapses.trace(variable)
        value = getattr(synapses, variable)
        if connection.tag_places is None or not learns(connection, variable):
            return np.array(value)
        places = {"weights": connection.weights != 0, **connection.tag_places}
        return np.where(places[variable], value, 0)

    def _end(self, step: int, n_steps: int) -> int:
        """The next step after which something is learned or kept."""
        if self.records:
            return step + 1
        epochs = [connection.rule.epoch for connection in self.connections.values()]
        return min(n_steps, *(step - step % epoch + epoch for epoch in epochs))

    def _learn(self, job: Job, step: int, end: int) -> None:
        (window,) = job.outputs[-1:]
        sizes = {p.name: p.n_neurons for p in self.network.populations}
        form = (job.plan.index, sizes, job.plan.forms())
        reader = OutputReader([window._replace(start=0)], *form, 1, end - step)
        rasters: dict[str, np.ndarray] = {}

        def heard(sources: tuple[Heard, ...], size: int, is_number: bool) -> np.ndarray:
            total = np.zeros((end - step, size), dtype=np.int64)
            for source in sources:
                name = source.population
                if is_number and name in self.ring_data:
                    data = self.ring_data[name].T
                    values = data[np.arange(step, end) % len(data)]
                else:
                    if name not in rasters:
                        rasters[name] = reader.raster(name)[0]
                    values = rasters[name]
                total += values[:, source.order]
            return total

        for name, connection in self.connections.items():
            synapses = self.synapses[name]
            n_post, n_pre = synapses.shape
            sent = None
            if any(connection.sent):
                sent = np.stack([heard(each, n_post, True) for each in connection.sent], axis=1)
            pre = heard(connection.pre, n_pre, connection.reads_numbers)
            post = heard(connection.post, n_post, False)
            if not connection.rule.takes_numbers:
                pre = pre > 0
            synapses.run(pre, post > 0, sent)
        for (name, variable), kept in self.records.items():
            kept.append(self.value(name, variable))

    def _put_weights(self, simulator: Simulator, step: int) -> None:
        for name, connection in self.connections.items():
            if step % connection.rule.epoch or not connection.rule.dw:
                continue
            learned = self.synapses[name].weights
            for projection, pre, post in connection.projections:
                weights = simulator.plan.weights(projection)
                place = simulator.plan.plastic[projection]
                if isinstance(place, PlasticList):
                    ends = (inverse(post)[place.synapses.post], inverse(pre)[place.synapses.pre])
                    weights[:] = learned[ends]
                else:
                    weights[np.ix_(pre, post)] = learned.T


def learns(connection: PlasticConnection, variable: str) -> bool:
    """Whether a trace, or a variable that its rule changes."""
    target = {"weights": "dw", "tag_1": "dt", "tag_2": "dd"}.get(variable)
    return target is None or bool(getattr(connection.rule, target))
