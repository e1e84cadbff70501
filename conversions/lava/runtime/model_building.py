"""Models of a program, built by Lava's builders, with channels of ours between them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from lava.magma.compiler.builders.py_builder import PyProcessBuilder
from lava.magma.compiler.channel_map import ChannelMap
from lava.magma.compiler.subcompilers.py.pyproc_compiler import PyProcCompiler
from lava.magma.core.learning.learning_rule import LoihiLearningRule
from lava.magma.core.model.py.model import AbstractPyProcessModel
from lava.magma.core.model.py.ports import IdentityTransformer, PyInPortVectorDense
from lava.magma.core.process.ports.ports import InPort, VarPort, create_port_id
from lava.magma.core.process.process import ProcessParameters
from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND
from lava.proc.io.extractor import VarWire
from scipy.sparse import spmatrix

from conversions.lava.reading.walk import label
from conversions.lava.runtime.channels import (
    ModelChannel,
    ModelReceive,
    ModelSend,
    OutsideReceive,
    OutsideSend,
    PipedReceive,
    PipedSend,
    WireSend,
)
from conversions.lava.runtime.crew import Crew, named_error
from conversions.lava.runtime.fast_learning import FastLearning
from conversions.lava.runtime.fast_models import speed_up
from conversions.lava.runtime.plastic_model import METHODS, PlasticModel
from conversions.lava.runtime.random_states import RandomStates
from hw_models.errors import ConversionError

CHANNEL_SIZE = 64  # messages, as of Lava's compiler


@dataclass(eq=False)
class Actor:
    """A Process with its running model.

    Parameters
    ----------
    process
        The Process.
    name
        Its label for messages.
    model
        None until it is built.
    is_async
        Whether it runs by ``run_async`` instead of phases.
    is_done
        Whether it has finished the phase that is going on.
    answers
        What it asked for in this phase, as numbers of Lava's responses.
    var_links
        Channels on which others ask for its Vars and are answered, with the name of the port.
    asking
        Processes that do.
    senders
        Those that send to it.
    compiled
        Methods of its model that run as compiled loops.
    plastic
        What runs the model of a connection that learns, if that is compiled.
    """

    process: Any
    name: str
    model: Any = None
    is_async: bool = False
    is_done: bool = True
    answers: list[int] = field(default_factory=list)
    var_links: list[tuple[ModelChannel, ModelChannel, str]] = field(default_factory=list)
    asking: list[Any] = field(default_factory=list)
    senders: list[Actor] = field(default_factory=list)
    compiled: tuple[str, ...] = ()
    plastic: PlasticModel | None = None


def build_actors(
    processes: list[Any], crew: Crew, random: RandomStates, channel_size: int
) -> dict[int, Actor]:
    """Models of Processes whose model classes are chosen, by id of the Process.

    Raises
    ------
    ConversionError
        If a model is not written in Python, or a port leads to none.
    ExecutorError
        If a model cannot be built; names the Process.
    """
    for process in processes:
        if not issubclass(process.model_class, AbstractPyProcessModel):
            raise ConversionError(
                f"{label(process)}: {process.model_class.__name__} is no model in Python; only"
                " those can be run"
            )
    compiler = PyProcCompiler(processes, {"pypy_channel_size": channel_size})
    builders, _ = compiler.get_builders(ChannelMap())
    actors = {process.id: Actor(process, label(process)) for process in processes}
    receivers: list[tuple[int, ModelReceive]] = []
    for process in processes:
        _join_ports(process, builders, actors, crew, receivers)
        _join_outside(process, builders[process], crew, receivers)
    random.open()
    try:
        for process, builder in builders.items():
            random.enter(process.id)
            try:
                _build(actors[process.id], builder, crew)
            except Exception as error:
                raise named_error(label(process), error) from error
            finally:
                random.leave(process.id)
    finally:
        random.close()
    for owner, end in receivers:
        end.polite = actors[owner].is_async
    return actors


def _join_ports(
    process: Any,
    builders: dict[Any, PyProcessBuilder],
    actors: dict[int, Actor],
    crew: Crew,
    receivers: list[tuple[int, ModelReceive]],
) -> None:
    for port in (*process.out_ports.members, *process.ref_ports.members):
        for to in port.get_dst_ports():
            if to.process not in builders:
                if isinstance(to, InPort):
                    raise ConversionError(
                        f"{label(process)}.{port.name}: is connected to {label(to.process)}."
                        f"{to.name}, which leads to no Process inside it, so that nothing would"
                        " arrive; Lava does not compile this either. A netx network whose first"
                        " layer is its Input is loaded with skip_layers=1"
                    )
                continue
            there = _join(port, to, builders, crew, receivers)
            if isinstance(to, VarPort):
                back = _join(to, port, builders, crew, receivers)
                actors[to.process.id].var_links.append((there, back, to.name))
                actors[to.process.id].asking.append(process)
            else:
                actors[to.process.id].senders.append(actors[process.id])


def _join(
    port: Any,
    to: Any,
    builders: dict[Any, PyProcessBuilder],
    crew: Crew,
    receivers: list[tuple[int, ModelReceive]],
) -> ModelChannel:
    sender, receiver = builders[port.process], builders[to.process]
    made = _initializer(sender, port.name)
    names = (f"{label(port.process)}.{port.name}", f"{label(to.process)}.{to.name}")
    link = ModelChannel(crew, made.shape, made.d_type, made.size, names)
    link.source = port
    sender.set_csp_ports([ModelSend(port.name, link, port.process.id)])
    end = ModelReceive(to.name, link, to.process.id)
    receiver.set_csp_ports([end])
    receiver.add_csp_port_mapping(create_port_id(port.process.id, port.name), end)
    receivers.append((to.process.id, end))
    return link


def _initializer(builder: PyProcessBuilder, name: str) -> Any:
    for kind in (builder.py_ports, builder.ref_ports, builder.var_ports):
        if name in kind:
            return kind[name]
    raise KeyError(name)


def _join_outside(
    process: Any,
    builder: PyProcessBuilder,
    crew: Crew,
    receivers: list[tuple[int, ModelReceive]],
) -> None:
    """Channels to the program itself (Injector, Extractor)."""
    for name, made in builder.py_ports.items():
        port = getattr(process, name)
        if not port.external_pipe_flag:
            continue
        here = f"{label(process)}.{name}"
        is_input = isinstance(port, InPort)
        names = (
            (f"{label(process)}.send", here) if is_input else (here, f"{label(process)}.receive")
        )
        link = ModelChannel(crew, made.shape, made.d_type, port.external_pipe_buffer_size, names)
        if is_input:
            end = PipedReceive(name, link)
            builder.set_csp_ports([end])
            receivers.append((process.id, end))
            port.external_pipe_csp_send_port = OutsideSend("src", link)
        else:
            builder.set_csp_ports([PipedSend(name, link)])
            port.external_pipe_csp_recv_port = OutsideReceive("dst", link)


def _build(actor: Actor, builder: PyProcessBuilder, crew: Crew) -> None:
    parameters = _copied(actor.process.proc_params._parameters)
    if isinstance(actor.process, VarWire):
        to_program = actor.process._pm_to_p_dst_port
        parameters["pm_to_p_src_port"] = WireSend(
            parameters["pm_to_p_src_port"], to_program._queue, crew, f"{actor.name}.receive"
        )
    builder.proc_params = ProcessParameters(parameters)
    actor.model = model = builder.build()
    if type(model).__module__ == "lava.proc.io.injector":  # it closes a port that it never had
        model.__dict__.setdefault("_p_to_pm_dst_port", model.in_port.csp_ports[-1])
    for var in builder.vars.values():
        held = getattr(model, var.name)
        if held is var.value and isinstance(held, np.ndarray | spmatrix):
            setattr(model, var.name, held.copy())
    actor.compiled = (*speed_up(model), *FastLearning.replace(model))
    actor.plastic = PlasticModel.of(model, actor.asking)
    if actor.plastic is not None:
        actor.compiled = METHODS
    for name in builder.py_ports:
        _shorten(getattr(model, name))
    actor.is_async = MGMT_COMMAND.RUN[0] in model._cmd_handlers
    for there, back, name in actor.var_links:
        there.on_put = back.on_empty = _Service(actor, there, getattr(model, name))


def _shorten(port: Any) -> None:
    """Hand on the only message as it is, which Lava adds to zeros; of -0.0 that makes 0.0."""
    if type(port) is not PyInPortVectorDense or len(port.csp_ports) != 1:
        return
    (end,) = port.csp_ports
    dtype = np.result_type(np.dtype(port._d_type), end.d_type)
    is_whole = type(port._transformer) is IdentityTransformer and end.shape == tuple(port.shape)
    if is_whole and dtype == end.d_type and dtype.kind in "bi":
        port.recv = end.recv
    elif is_whole and dtype == end.d_type == np.float64:
        port.recv = lambda: end.recv() + 0.0


def _copied(value: Any) -> Any:
    """Parameters as a process of Lava has them: what a model changes stays with it."""
    if isinstance(value, dict) and type(value) is dict:
        return {key: _copied(each) for key, each in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(_copied(each) for each in value)
    if isinstance(value, np.ndarray | spmatrix):
        return value.copy()
    return copy.deepcopy(value) if isinstance(value, LoihiLearningRule) else value


class _Service:
    """Answers what other models ask of a Var, as soon as Lava's model would."""

    def __init__(self, actor: Actor, link: ModelChannel, port: Any) -> None:
        self._actor, self._link, self._port = actor, link, port

    def __call__(self) -> None:
        messages = self._link.messages
        while self._link.crew.is_managing and messages and self._actor.is_done:
            is_writing = messages[0].flat[0] == 1
            if is_writing and len(messages) < 2:
                return  # the values follow
            self._port.service()
