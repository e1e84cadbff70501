"""A program of fixed-point LIF neurons and connections, run by the engine between two rests.

Where every model of a program is one that the engine computes bit for bit, its steps are the
engine's. After each run the models hold what they would hold: state, records, time. What a
connection has under way follows from the last spikes and is put in its place when somebody
wants it, by the connection's own model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.proc.conv.models import PyConvModelFixed
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc
from lava.proc.io.sink import PyReceiveModelFixed
from lava.proc.io.source import PySendModelFixed
from lava.proc.lif.models import PyLifModelBitAcc, PyLifResetModelBitAcc
from lava.proc.monitor.models import PyMonitorModel
from lava.proc.sparse.models import PyDelaySparseModelBitAcc, PySparseModelBitAcc

from conversions.lava.program_input import ProgramInput
from conversions.lava.reading.graph import read_graph
from conversions.lava.reading.recorders import SPIKES, Recorder
from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.sent_spikes import SentSpikes
from hw_models.errors import ConversionError
from ssdp_neuro import RunResult, Session

NEURONS = (PyLifModelBitAcc, PyLifResetModelBitAcc)
CONNECTIONS = (
    PyDenseModelBitAcc,
    PyDelayDenseModelBitAcc,
    PySparseModelBitAcc,
    PyDelaySparseModelBitAcc,
    PyConvModelFixed,
)
MODELS = (*NEURONS, *CONNECTIONS, PySendModelFixed, PyReceiveModelFixed, PyMonitorModel)
N_REMEMBERED = 64  # steps: no connection delays by more
CHUNK = 1 << 22  # neurons times steps that are run at once


class EngineBatch:
    """Runs a program's steps in the engine.

    Parameters
    ----------
    actors
        The built models of the program, which have not run yet.
    records
        Where to keep spikes that Processes send, by id of the Process.

    Raises
    ------
    SsdpError
        If the engine cannot run it; says what is in the way.
    """

    def __init__(self, actors: list[Actor], records: Mapping[int, SentSpikes]) -> None:
        self._actors = actors
        for actor in actors:
            if type(actor.model) not in MODELS:
                raise ConversionError(f"{actor.name} runs by {type(actor.model).__name__}")
        graph = read_graph(actors[0].process)
        self.network = graph.network
        self._ring_data = graph.ring_data
        self._names = graph.names
        self._recorders = graph.recorders
        self.notes = graph.notes
        self._records = {self._names[key]: record for key, record in records.items()}
        self._by_name = {graph.names[actor.process.id]: actor for actor in actors}
        for recorder in self._recorders:
            if recorder.labels:
                _place_of(self._by_name[recorder.name].process, recorder)
        self._session = Session(graph.network)
        self._n_steps = 0
        self._changed: list[Actor] = []
        self._is_settled = True
        sizes = {p.name: p.n_neurons for p in graph.network.populations}
        self._spikes = {
            each.name: np.zeros((0, each.n_neurons), bool) for each in graph.network.neurons
        }
        self.chunk = max(1, CHUNK // max(1, sum(sizes.values())))
        self._probes = list(
            dict.fromkeys(
                (tap.population, tap.variable)
                for recorder in self._recorders
                for tap in recorder.taps
                if tap.variable != SPIKES
            )
        )

    def can_run(self, n_steps: int) -> bool:
        """Whether Monitors have room for so many steps; else the models run, and say so."""
        rooms = [each.n_steps for each in self._recorders if each.labels]
        return all(self._n_steps + n_steps <= (room or 0) for room in rooms)

    def run(self, n_steps: int) -> int:
        """Run at most so many steps; how many it were.

        Raises
        ------
        SsdpError
            If the state that the program has set is none that the engine can hold.
        """
        n_steps = min(n_steps, self.chunk)
        self._take_changes()
        given = ProgramInput(
            self.network,
            {
                name: np.roll(data, -(self._n_steps % data.shape[1]), axis=1)
                for name, data in self._ring_data.items()
            },
        )
        result = self._session.run(given.spikes(n_steps, {}), n_steps, probes=self._probes)
        self._keep(result)
        self._n_steps += n_steps
        self._is_settled = False
        for actor in self._actors:
            actor.model.time_step += n_steps
        return n_steps

    def rest(self) -> None:
        """Give neurons their state, after the last :meth:`run`."""
        state = self._session.state()
        for actor in self._actors:
            if type(actor.model) in NEURONS:
                name, model = self._names[actor.process.id], actor.model
                model.u[...] = state.u[name].reshape(model.u.shape)
                model.v[...] = state.v[name].reshape(model.v.shape)
                if not model.isthrscaled:
                    model.scale_threshold()

    def note_change(self, actor: Actor, name: str) -> bool:
        """Whether a Var that was set is one with which the engine can go on."""
        if type(actor.model) in NEURONS and name in ("u", "v"):
            self._changed.append(actor)
            return True
        return False

    def settle(self) -> None:
        """Let connections compute what they have under way, from the last spikes."""
        if self._is_settled:
            return
        self._is_settled = True
        for actor in self._actors:
            if type(actor.model) in CONNECTIONS:
                self._settle(actor)

    def _settle(self, actor: Actor) -> None:
        model = actor.model
        for back in range(min(N_REMEMBERED, self._n_steps), 0, -1):
            for end in model.s_in.csp_ports:
                end._queue.put(self._sent(end._queue.source, self._n_steps - back, -back))
            model.run_spk()
            for end in model.a_out.csp_ports:
                end._queue.messages.clear()

    def _sent(self, port: Any, step: int, row: int) -> np.ndarray:
        name = self._names[port.process.id]
        if name in self._ring_data:
            data = self._ring_data[name]
            return data[:, step % data.shape[1]].reshape(port.shape)
        return self._spikes[name][row].reshape(port.shape)

    def _take_changes(self) -> None:
        """Put what the program has set in the place of the engine's state."""
        if not self._changed:
            return
        values = {
            self._names[actor.process.id]: (actor.model.u.reshape(-1), actor.model.v.reshape(-1))
            for actor in self._changed
        }
        if self._n_steps:
            state = self._session.state()
            u, v = dict(state.u), dict(state.v)
            for name, (currents, potentials) in values.items():
                u[name], v[name] = currents.copy(), potentials.copy()
            self._session.restore(dataclasses.replace(state, u=u, v=v))
        else:
            populations = [
                dataclasses.replace(each, u=values[each.name][0], v=values[each.name][1])
                if each.name in values
                else each
                for each in self.network.populations
            ]
            self.network = dataclasses.replace(self.network, populations=populations)
            self._session = Session(self.network)
        self._changed.clear()

    def _keep(self, result: RunResult) -> None:
        """Note spikes for connections, and write what sinks and Monitors record."""
        for name, known in self._spikes.items():
            n_new = min(N_REMEMBERED, result.n_steps)
            new = np.zeros((n_new, known.shape[1]), bool)
            events = result.events(name)
            events = events[events["step"] >= result.n_steps - n_new]
            new[events["step"] - (result.n_steps - n_new), events["index"]] = True
            self._spikes[name] = np.concatenate([known, new])[-N_REMEMBERED:]
        for name, record in self._records.items():
            record.add(self._n_steps, self._sent_in(result, name))
        for recorder in self._recorders:
            actor = self._by_name[recorder.name]
            room = recorder.n_steps or 0
            last = np.arange(max(0, result.n_steps - room), result.n_steps)
            rows = self._rows(recorder, result, last)
            places = (self._n_steps + last) % room
            if type(actor.model) is PyMonitorModel:
                getattr(actor.model, _place_of(actor.process, recorder))[places] = rows
            else:
                actor.model.data[..., places] = np.moveaxis(rows, 0, -1)

    def _sent_in(self, result: RunResult, name: str) -> np.ndarray:
        if name not in self._ring_data:
            return result.raster(name)
        data = self._ring_data[name].T
        return data[(self._n_steps + np.arange(result.n_steps)) % len(data)] != 0

    def _rows(self, recorder: Recorder, result: RunResult, last: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(last), int(np.prod(recorder.shape))))
        for tap in recorder.taps:
            if tap.variable != SPIKES:
                rows += result.probe(tap.population, tap.variable)[last][:, tap.order]
            elif tap.population in self._ring_data:
                data = self._ring_data[tap.population].T
                rows += data[(self._n_steps + last) % len(data)][:, tap.order]
            else:
                rows += result.raster(tap.population)[last][:, tap.order]
        return rows.reshape(len(last), *recorder.shape)


def _place_of(monitor: Any, recorder: Recorder) -> str:
    """Name of the Var in which a Monitor keeps what it records.

    Raises
    ------
    ConversionError
        If it records two things under one name.
    """
    names = [
        name for name, label in monitor.target_names.items() if tuple(label) in recorder.labels
    ]
    if len(names) != 1:
        raise ConversionError(f"{recorder.name} records {recorder.labels[0]} more than once")
    return names[0]
