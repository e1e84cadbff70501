"""A program of floating-point neurons and connections, run in one compiled loop between two rests.

Where every model of a program is one of those below, its steps are one loop over flat arrays, in
Lava's order of additions. Before each run the arrays take what the models hold, afterwards the
models get it back: nothing differs for who looks at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import IdentityTransformer, PyInPortVectorDense
from lava.proc.conv.models import PyConvModelFloat
from lava.proc.dense.models import PyDelayDenseModelFloat, PyDenseModelFloat
from lava.proc.io.sink import PyReceiveModelFloat
from lava.proc.io.source import PySendModelFloat
from lava.proc.lif.models import (
    PyLifModelFloat,
    PyLifRefractoryModelFloat,
    PyLifResetModelFloat,
    PyTernLifModelFloat,
)
from lava.proc.monitor.models import PyMonitorModel
from lava.proc.sparse.models import PyDelaySparseModelFloat, PySparseModelFloat
from scipy.sparse import csr_matrix

from conversions.lava.runtime.fast_convolution import adds_in_order, conv_table
from conversions.lava.runtime.fast_delays import delay_table
from conversions.lava.runtime.float_tables import FloatTables
from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.monitor_reads import reads_as_it_is
from conversions.lava.runtime.sent_spikes import PORT, SentSpikes
from conversions.lava.runtime.turn_order import in_order
from hw_models.errors import ConversionError, RangeError
from ssdp_neuro.engine.kernels.float_program import (
    OF_BUFFER,
    OF_CURRENT,
    OF_POTENTIAL,
    OF_SIGNAL,
    run_float_program,
)

NEURONS = (
    PyLifModelFloat,
    PyLifResetModelFloat,
    PyLifRefractoryModelFloat,
    PyTernLifModelFloat,
)
DELAYED = (PyDelayDenseModelFloat, PyDelaySparseModelFloat)
CONNECTIONS = (PyDenseModelFloat, PySparseModelFloat, PyConvModelFloat, *DELAYED)
RECORDERS = (PyReceiveModelFloat, PyMonitorModel)
MODELS = (*NEURONS, *CONNECTIONS, *RECORDERS, PySendModelFloat)
CHUNK = 1 << 21  # recorded numbers that are held at once
MOST_STEPS = 1 << 16


class FloatBatch:
    """Runs a program's steps in one loop.

    Parameters
    ----------
    actors
        The built models of the program.
    records
        Where to keep spikes that Processes send, by id of the Process.

    Raises
    ------
    ConversionError
        If the loop cannot run it; says what is in the way.
    """

    network = None  # it is none of integers
    notes: tuple[str, ...] = ()

    def __init__(self, actors: list[Actor], records: Mapping[int, SentSpikes]) -> None:
        self._actors, self._records = actors, records
        for actor in actors:
            if type(actor.model) not in MODELS:
                raise ConversionError(f"{actor.name} runs by {type(actor.model).__name__}")
        self._by_id = {actor.process.id: actor for actor in actors}
        self._n_steps = 0
        self._is_ready = False
        self._neurons = self._in_order()
        if not self._neurons:
            raise ConversionError("there are no neurons")
        self._prepare()

    def can_run(self, n_steps: int) -> bool:
        """Whether Monitors have room for so many steps; else the models run, and say so."""
        return all(self._n_steps + n_steps <= room for room in self._rooms)

    def run(self, n_steps: int) -> int:
        """Run at most so many steps; how many it were.

        Raises
        ------
        RangeError
            If a Var that was set has a type or a shape that only the models take.
        """
        if not self._is_ready:
            try:
                self._prepare()
            except ConversionError as error:
                raise RangeError(str(error)) from error
        n_steps = min(n_steps, self.chunk)
        tables = self._tables
        tables.take_state()
        kept = np.zeros((n_steps, max(1, tables.n_kept)))
        run_float_program(tables.program(), self._n_steps, n_steps, kept)
        tables.give_state()
        self._record(kept, n_steps)
        self._n_steps += n_steps
        for actor in self._actors:
            actor.model.time_step += n_steps
        return n_steps

    def rest(self) -> None:
        """Nothing is left to do after :meth:`run`."""

    settle = rest

    def note_change(self, actor: Actor, name: str) -> bool:
        """Whether a Var that was set is one with which the loop can go on: any."""
        self._is_ready = False
        return True

    def _in_order(self) -> list[Actor]:
        """Neurons, those first that send to others in the same step.

        Raises
        ------
        ConversionError
            If they send to each other in a circle, where Lava hangs.
        """
        neurons = [actor for actor in self._actors if type(actor.model) in NEURONS]
        hears = {
            actor.process.id: {sender.process.id for sender in actor.senders} for actor in neurons
        }
        keys = in_order([actor.process.id for actor in neurons], hears)
        if keys is None:
            raise ConversionError("neurons send to each other in a circle")
        return [self._by_id[key] for key in keys]

    def _prepare(self) -> None:
        self._tables = tables = FloatTables()
        for actor in self._actors:
            if type(actor.model) is PySendModelFloat:
                tables.add_source(actor)
        for actor in self._neurons:
            tables.add_neurons(actor)
        connections = [actor for actor in self._actors if type(actor.model) in CONNECTIONS]
        for actor in connections:
            is_graded = actor.model.num_message_bits.item() > 0
            tables.add_connection(actor, _weights(actor, is_graded), is_graded=is_graded)
        for actor in self._neurons:
            tables.add_inputs(self._inputs(actor, actor.model.a_in), of_neurons=True)
        for actor in connections:
            tables.add_inputs(self._inputs(actor, actor.model.s_in), of_neurons=False)
        self._rooms: list[int] = []
        self._taps: list[tuple[Any, str, list[tuple[int, Any]]]] = []
        for actor in self._actors:
            if type(actor.model) is PyReceiveModelFloat:
                self._tap(actor, "data", actor.model.a_in)
            elif type(actor.model) is PyMonitorModel:
                self._tap_monitor(actor)
        self._sent = {
            key: tables.keep(*tables.signal_of(self._by_id[key], OF_SIGNAL))
            for key in self._records
            if hasattr(self._by_id[key].model, PORT)
        }
        self.chunk = max(1, min(MOST_STEPS, CHUNK // max(1, tables.n_kept)))
        self._is_ready = True

    def _inputs(self, actor: Actor, port: Any) -> list[tuple[int, int, Any]]:
        """What arrives at a port: where it lies, and in which order; None for its own."""
        if type(port) is not PyInPortVectorDense:
            raise ConversionError(f"{actor.name} hears by {type(port).__name__}")
        found = []
        for end in port.csp_ports:
            link = end._queue
            if link.source is None:
                raise ConversionError(f"{actor.name} hears what comes from outside")
            sender = self._by_id[link.source.process.id]
            of = OF_BUFFER if type(sender.model) in CONNECTIONS else OF_SIGNAL
            if link.dtype != np.float64:
                raise ConversionError(f"{sender.name} sends {link.dtype}")
            at, _ = self._tables.signal_of(sender, of)[1:]
            places = np.arange(int(np.prod(link.shape))).reshape(link.shape)
            if type(port._transformer) is not IdentityTransformer:
                places = np.asarray(port._transformer.transform(places, end))
            if places.shape != tuple(port._shape):
                raise ConversionError(f"{actor.name} hears shape {places.shape} from {sender.name}")
            order = places.reshape(-1)
            found.append((of, at, None if np.array_equal(order, np.arange(order.size)) else order))
        return found

    def _tap(self, actor: Actor, name: str, port: Any) -> None:
        heard = []
        for of, at, order in self._inputs(actor, port):
            size = int(np.prod(port._shape)) if order is None else int(order.max()) + 1
            heard.append((self._tables.keep(of, at, size), order))
        self._taps.append((actor, name, heard))

    def _tap_monitor(self, actor: Actor) -> None:
        model = actor.model
        asked: dict[int, tuple[Actor, str, Any]] = {}
        for other in self._actors:
            for there, back, name in other.var_links:
                asked[id(there)] = (other, getattr(other.model, name).var_name, back.dtype)
        parameters = model.proc_params
        for number in range(parameters["n_in_ports"]):
            name = parameters["VarsData2"][number]
            self._tap(actor, name, getattr(model, parameters["InPorts"][number]))
            self._rooms.append(len(getattr(model, name)))
        for number in range(parameters["n_ref_ports"]):
            name = parameters["VarsData1"][number]
            port = getattr(model, parameters["RefPorts"][number])
            link = getattr(port._csp_send_port, "_queue", None)
            if id(link) not in asked:
                raise ConversionError(f"{actor.name} monitors what is not known")
            other, variable, dtype = asked[id(link)]
            if (
                dtype != np.float64
                or not reads_as_it_is(port)
                or type(other.model) not in NEURONS
                or variable not in ("u", "v")
            ):
                raise ConversionError(f"{actor.name} monitors {variable} of {other.name}")
            of = OF_CURRENT if variable == "u" else OF_POTENTIAL
            kept = self._tables.keep(*self._tables.signal_of(other, of))
            self._taps.append((actor, name, [(kept, None)]))
            self._rooms.append(len(getattr(model, name)))

    def _record(self, kept: np.ndarray, n_steps: int) -> None:
        steps = np.arange(self._n_steps, self._n_steps + n_steps)
        for actor, name, heard in self._taps:
            values = getattr(actor.model, name)
            room = len(values) if type(actor.model) is PyMonitorModel else values.shape[-1]
            last = np.arange(max(0, n_steps - room), n_steps)
            shape = values.shape[1:] if room == len(values) else values.shape[:-1]
            if type(actor.model) is not PyMonitorModel:
                shape = values.shape[:-1]
            rows = np.zeros((len(last), int(np.prod(shape))))
            for place, order in heard:
                found = self._tables.kept_in(kept, place)[last]
                rows += found if order is None else found[:, order]
            rows = rows.reshape(len(last), *shape)
            if type(actor.model) is PyMonitorModel:
                values[steps[last]] = rows
            else:
                values[..., steps[last] % room] = np.moveaxis(rows, 0, -1)
        for key, place in self._sent.items():
            self._records[key].add(self._n_steps, self._tables.kept_in(kept, place) != 0)


def _weights(actor: Actor, is_graded: bool) -> Any:
    """Weights as :meth:`FloatTables.add_connection` wants them, added up as Lava's model does.

    Raises
    ------
    ConversionError
        If the model adds in another order.
    """
    model, kind = actor.model, type(actor.model)
    found: Any = None
    if kind is PyConvModelFloat:
        found = conv_table(model) if adds_in_order(is_graded) else None
    elif is_graded and kind is not PyDelayDenseModelFloat:
        raise ConversionError(f"{actor.name} multiplies by what arrives")
    elif kind in DELAYED:
        found = delay_table(model, np.float64)
    elif type(model.weights) is csr_matrix and model.weights.has_canonical_format:
        found = model.weights.tocsc()
        found = found if found.dtype == np.float64 else None
    elif type(model.weights) is np.ndarray and len(model.weights) > 1:
        is_real = model.weights.dtype == np.float64
        found = np.ascontiguousarray(model.weights.T) if is_real else None
    if found is None:
        raise ConversionError(f"{actor.name}: weights that NumPy adds up in an order of its own")
    return found
