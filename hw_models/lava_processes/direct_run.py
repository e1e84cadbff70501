"""Lava's ProcessModels without Lava's runtime: one process, one thread, deterministic.

The models are chosen, built and given their ports by Lava's own compiler and builders.
Replaced are only the channels between processes: each holds the message of the current
step in an array of the sender's dtype (int32), as Lava's shared memory does.

A connection sends what it gathered in the step before and then waits for this step's
spikes, which in a loop depend on what it sent. Here a model that would wait for any of its
inputs is left at its first ``recv`` and called again once all have come; until then it has
changed nothing, so what it sends again is the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from lava.magma.compiler.builders.py_builder import PyProcessBuilder
from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.compiler.utils import PortInitializer, VarInitializer
from lava.magma.core.model.py.connection import PyLearningConnection
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.process.ports.ports import create_port_id
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import Loihi2SimCfg

from hw_models.errors import ExecutorError

_MODEL_CLASSES: dict[type, type[PyLoihiProcessModel]] = {}


class _WouldWait(Exception):  # noqa: N818 a signal, not an error
    """A model asked for a message that has not been sent in this step."""


@dataclass
class _Clock:
    step: int = 0


@dataclass(eq=False)
class _Message:
    """What a channel holds: one array, and the step in which it was sent."""

    values: np.ndarray
    sent_at: int = 0


@dataclass(eq=False)
class _ChannelEnd:
    """An end of a channel, with the name of the port that it belongs to.

    ``needed`` are the messages of all inputs of the model at this end.
    """

    name: str
    clock: _Clock
    message: _Message
    needed: list[_Message] = field(default_factory=list)

    def send(self, data: np.ndarray) -> None:
        """Put the message of this step."""
        self.message.values[...] = data
        self.message.sent_at = self.clock.step

    def recv(self) -> np.ndarray:
        """Read the message of this step, as often as wanted."""
        if any(message.sent_at < self.clock.step for message in self.needed):
            raise _WouldWait
        return self.message.values.copy()


class DirectRun:
    """Models of connected Processes, in their initial state.

    Parameters
    ----------
    processes
        All Processes of a network; those that send first come first.
    """

    def __init__(self, processes: Iterable[AbstractProcess]) -> None:
        self._clock = _Clock()
        processes = tuple(processes)
        builders = {process: _builder(process) for process in processes}
        self._inputs: dict[AbstractProcess, list[_Message]] = {each: [] for each in processes}
        for process in processes:
            for port in process.out_ports:
                for to in port.get_dst_ports():
                    self._join(builders, port, to)
        self._models = {process: builder.build() for process, builder in builders.items()}

    def model(self, process: AbstractProcess) -> PyLoihiProcessModel:
        """The ProcessModel that computes a Process; its Vars are its attributes."""
        return self._models[process]

    def step(self) -> None:
        """One time step of every model: its spiking phase, then its learning phase."""
        self._clock.step += 1
        pending = list(self._models.values())
        for model in pending:
            model.time_step = self._clock.step
        while pending:
            waiting = [model for model in pending if not _is_done(model)]
            if len(waiting) == len(pending):
                names = [type(model).__name__ for model in waiting]
                raise ExecutorError(f"Lava models wait for each other in a circle: {names}")
            pending = waiting
        for model in self._models.values():
            if model.lrn_guard():
                model.run_lrn()

    def _join(self, builders: dict[AbstractProcess, PyProcessBuilder], port: Any, to: Any) -> None:
        sender, receiver = builders[port.process], builders[to.process]
        dtype = getattr(sender.proc_model, port.name).d_type
        message = _Message(np.zeros(port.shape, dtype=dtype))
        sender.set_csp_ports([_ChannelEnd(port.name, self._clock, message)])
        needed = self._inputs[to.process]
        needed.append(message)
        end = _ChannelEnd(to.name, self._clock, message, needed)
        receiver.set_csp_ports([end])
        receiver.add_csp_port_mapping(create_port_id(port.process.id, port.name), end)


def _builder(process: AbstractProcess) -> PyProcessBuilder:
    """Lava's builder of the model, prepared as Lava's compiler prepares it."""
    builder = PyProcessBuilder(_model_class(process), process.id, process.proc_params)
    builder.set_variables([VarInitializer(v.name, v.shape, v.init, v.id) for v in process.vars])
    builder.set_py_ports(
        [
            PortInitializer(
                port.name,
                port.shape,
                getattr(builder.proc_model, port.name).d_type,
                type(port).__name__,
                1,
                port.get_incoming_transform_funcs(),
            )
            for ports in (process.in_ports, process.out_ports)
            for port in ports
        ]
    )
    builder.check_all_vars_and_ports_set()
    return builder


def _model_class(process: AbstractProcess) -> type[PyLoihiProcessModel]:
    """The fixed-point model that Lava's compiler finds; the search takes long, so once."""
    kind = type(process)
    if kind not in _MODEL_CLASSES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it compiles and executes files that it needs not
            found = ProcGroupDiGraphs._find_proc_models(process)
        _MODEL_CLASSES[kind] = Loihi2SimCfg(select_tag="fixed_pt").select(process, found)
    return _MODEL_CLASSES[kind]


def _is_done(model: PyLoihiProcessModel) -> bool:
    try:
        if isinstance(model, PyLearningConnection):
            _wait_for_spikes(model)
        model.run_spk()
    except _WouldWait:
        return False
    return True


def _wait_for_spikes(model: Any) -> None:
    """Send what a learning connection gathered, and wait until all is there that it will read.

    Unlike the others it has changed something before it waits, in a loop, for its target.
    """
    model.a_out.send(model.a_buff)
    for name in ("s_in", "s_in_bap", "s_in_y1", "s_in_y2", "s_in_y3"):
        getattr(model, name).recv()
