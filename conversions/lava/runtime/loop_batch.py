"""A program of Lava's neurons and connections, run in one compiled loop between two rests.

Where every model of a program is one of a number world, its steps are one loop over flat arrays, in
Lava's order of additions. Before each run the arrays take what the models hold, afterwards the
models get it back: nothing differs for who looks at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import IdentityTransformer, PyInPortVectorDense
from lava.proc.lif.models import PyTernLifModelFixed
from lava.proc.monitor.models import PyMonitorModel

from conversions.lava.runtime.loop_tables import STATE_OF, LoopTables
from conversions.lava.runtime.loop_worlds import NumberWorld, by_numpy, scale_weights
from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.monitor_reads import reads_as_it_is
from conversions.lava.runtime.neuron_constants import SIGMA_DELTA_KINDS, states_of
from conversions.lava.runtime.sent_spikes import PORT, SentSpikes
from conversions.lava.runtime.turn_order import in_order
from hw_models.errors import ConversionError, RangeError
from ssdp_neuro.engine.kernels.lava_program import GRADED, OF_BUFFER, OF_SIGNAL, UNARY, WIDE

CHUNK = 1 << 21  # recorded numbers that are held at once
MOST_STEPS = 1 << 16


class LoopBatch:
    """Runs a program's steps in one loop.

    Parameters
    ----------
    actors
        The built models of the program.
    records
        Where to keep spikes that Processes send, by id of the Process.
    world
        The number world of the program.

    Raises
    ------
    ConversionError
        If the loop cannot run it; says what is in the way.
    """

    def __init__(
        self, actors: list[Actor], records: Mapping[int, SentSpikes], world: NumberWorld
    ) -> None:
        self._actors, self._records, self._world = actors, records, world
        known = (*world.neurons, *world.connections, world.source, world.sink, PyMonitorModel)
        for actor in actors:
            if type(actor.model) not in known:
                raise ConversionError(f"{actor.name} runs by {type(actor.model).__name__}")
        self._by_id = {actor.process.id: actor for actor in actors}
        self._is_ready = False
        self._neurons = self._in_order(world.neurons)
        if not self._neurons:
            raise ConversionError("there are no neurons")
        # a connection hears what others have gathered a step before, so these come later
        self._connections = self._in_order(world.connections)[::-1]
        self._try()

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
                self._scale()
                self._prepare()
            except ConversionError as error:
                raise RangeError(str(error)) from error
        n_steps = min(n_steps, self.chunk)
        tables = self._tables
        tables.take_state()
        kept = np.zeros((n_steps, max(1, tables.n_kept)), self._world.message)
        self._run_steps(n_steps, kept)
        tables.give_state()
        self._record(kept, n_steps)
        for actor in self._actors:
            actor.model.time_step += n_steps
        return n_steps

    @property
    def _n_steps(self) -> int:
        """Steps that were run, here or before."""
        return int(self._actors[0].model.time_step)

    def rest(self) -> None:
        """Nothing is left to do after :meth:`run`."""

    settle = rest

    def note_change(self, actor: Actor, name: str) -> bool:
        """Whether a Var that was set is one with which the loop can go on: any."""
        self._is_ready = False
        return True

    def _run_steps(self, n_steps: int, kept: np.ndarray) -> None:
        run, program = self._world.run, self._tables.program()
        if not self._by_numpy:
            run(program, self._n_steps, n_steps, kept)
            return
        for step in range(n_steps):
            run(program, self._n_steps + step, 1, kept[step : step + 1])
            for model, is_graded, arrived, gathered in self._by_numpy:
                program.buffer[gathered] = by_numpy(model, program.arrived[arrived], is_graded)

    def _in_order(self, kinds: tuple[type, ...]) -> list[Actor]:
        """Models of these kinds, those first that send to others in the same step.

        Raises
        ------
        ConversionError
            If they send to each other in a circle, where Lava's neurons hang.
        """
        chosen = [actor for actor in self._actors if type(actor.model) in kinds]
        hears = {
            actor.process.id: {sender.process.id for sender in actor.senders} for actor in chosen
        }
        keys = in_order([actor.process.id for actor in chosen], hears)
        if keys is None:
            raise ConversionError(f"{chosen[0].name} and others send to each other in a circle")
        return [self._by_id[key] for key in keys]

    def _try(self) -> None:
        """Prepare to see what is in the way; models scale their values in their first step."""
        names = ("isthrscaled", "weights", "weights_set")
        before = [
            (
                each.model,
                {name: each.model.__dict__[name] for name in names if name in vars(each.model)},
            )
            for each in (*self._neurons, *self._connections)
        ]
        try:
            self._scale()
            self._prepare()
        finally:
            for model, held in before:
                vars(model).update(held)
        self._is_ready = False

    def _scale(self) -> None:
        for actor in self._connections:
            scale_weights(actor.model)

    def _prepare(self) -> None:
        self._tables = tables = LoopTables(self._world)
        for actor in self._actors:
            if type(actor.model) is self._world.source:
                tables.add_source(actor)
        for actor in self._neurons:
            tables.add_neurons(actor)
        for actor in self._connections:
            is_graded = actor.model.num_message_bits.item() > 0
            weights = self._world.weights(actor, is_graded)
            n_pre = int(np.prod(actor.model.s_in._shape))
            tables.add_connection(actor, weights, n_pre, self._how(actor) if is_graded else UNARY)
        for actor in self._neurons:
            tables.add_inputs(self._inputs(actor, actor.model.a_in), of_neurons=True)
        for connection in self._connections:
            tables.add_inputs(self._inputs(connection, connection.model.s_in), of_neurons=False)
        self._by_numpy = tables.by_numpy()
        self._rooms: list[int] = []
        self._taps: list[tuple[Any, str, list[tuple[int, Any]]]] = []
        for actor in self._actors:
            kind = type(actor.model)
            if kind is self._world.sink:
                self._tap(actor, "data", actor.model.a_in)
            elif kind is PyMonitorModel:
                self._tap_monitor(actor)
        self._sent = {
            key: tables.keep(*tables.signal_of(self._by_id[key], OF_SIGNAL))
            for key in self._records
            if hasattr(self._by_id[key].model, PORT)
        }
        self.chunk = max(1, min(MOST_STEPS, CHUNK // max(1, tables.n_kept)))
        self._is_ready = True

    def _how(self, actor: Actor) -> int:
        """Whether a connection multiplies by numbers of 32 or of 64 bits."""
        types = {end._queue.dtype for end in actor.model.s_in.csp_ports}
        return GRADED if types <= {np.dtype(self._world.message)} else WIDE

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
            of = OF_BUFFER if type(sender.model) in self._world.connections else OF_SIGNAL
            # signs of int64 that come alone are added to nothing that could wrap
            is_sign = type(sender.model) is PyTernLifModelFixed and len(port.csp_ports) == 1
            is_sign = is_sign and type(actor.model) not in SIGMA_DELTA_KINDS
            if link.dtype != self._world.message and not is_sign:
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
                dtype not in (self._world.message, self._world.number)
                or not reads_as_it_is(port)
                or type(other.model) not in self._world.neurons
                or variable not in states_of(other.model)
            ):
                raise ConversionError(f"{actor.name} monitors {variable} of {other.name}")
            kept = self._tables.keep(*self._tables.signal_of(other, STATE_OF[variable]))
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
            rows = np.zeros((len(last), int(np.prod(shape))), self._world.number)
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
