"""A model's turn in the spiking phase; Lava's own models have one that costs less.

Lava's connections send what they gathered in the step before and then receive. They have two
turns, so that in a loop nobody waits for them. None of Lava's models draws from NumPy's global
random numbers, so these need no state of their own; and those without guards are not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.proc.conv.models import PyConvModelFixed, PyConvModelFloat
from lava.proc.dense.models import (
    PyDelayDenseModelBitAcc,
    PyDelayDenseModelFloat,
    PyDenseModelBitAcc,
    PyDenseModelFloat,
    PyLearningDenseModelBitApproximate,
    PyLearningDenseModelFloat,
)
from lava.proc.monitor.models import PyMonitorModel
from lava.proc.sparse.models import (
    PyDelaySparseModelBitAcc,
    PyDelaySparseModelFloat,
    PyLearningSparseModelBitApproximate,
    PyLearningSparseModelFloat,
    PySparseModelBitAcc,
    PySparseModelFloat,
)

from conversions.lava.runtime.crew import Turn
from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.neuron_turn import NeuronTurn
from conversions.lava.runtime.random_states import RandomStates

_ANSWER, _PHASE = PyLoihiProcessModel.Response, PyLoihiProcessModel.Phase
_WANTS_PRE, _WANTS_LEARNING, _WANTS_POST = (
    int(each[0])
    for each in (_ANSWER.REQ_PRE_LRN_MGMT, _ANSWER.REQ_LEARNING, _ANSWER.REQ_POST_LRN_MGMT)
)
BUFFERED = (
    PyDenseModelFloat,
    PyDenseModelBitAcc,
    PyLearningDenseModelFloat,
    PyLearningDenseModelBitApproximate,
    PySparseModelFloat,
    PySparseModelBitAcc,
    PyLearningSparseModelFloat,
    PyLearningSparseModelBitApproximate,
)
DELAYED = (
    PyDelayDenseModelFloat,
    PyDelayDenseModelBitAcc,
    PyDelaySparseModelFloat,
    PyDelaySparseModelBitAcc,
)
CONVOLVING = (PyConvModelFloat, PyConvModelFixed)
UNGUARDED = ("pre_guard", "lrn_guard", "post_guard")
PLAIN = ("_spike", "advance_to_time_step", "_handle_pause_or_stop_req", "__setattr__")


def spiking_turns(actor: Actor, actors: list[Actor], random: RandomStates) -> list[Turn]:
    """The turn of a model, or the two of a connection."""
    key, kind = actor.process.id, type(actor.model)
    hears = tuple(dict.fromkeys(sender.process.id for sender in actor.senders))
    asks = bool(actor.process.ref_ports.members)
    handler = spiking(actor)
    if not _is_of_lava(kind):
        enter, leave = (lambda: random.enter(key)), (lambda: random.leave(key))
        return [Turn(actor.name, handler, enter, leave, key=key, hears=hears, asks=asks)]
    if kind in (*BUFFERED, *DELAYED, *CONVOLVING):
        send = _sending(actor.model, kind)
        return [
            Turn(actor.name, send, key=key),
            Turn(actor.name, handler, key=key, hears=(key, *hears), sends=False),
        ]
    is_read_only = all(type(each).__name__ == "Monitor" for each in actor.asking)
    if NeuronTurn.fits(kind) and is_read_only:
        neurons = NeuronTurn(actor, handler)
        actor.compiled = (*actor.compiled, "run_spk")
        return [Turn(actor.name, neurons, key=key, hears=hears)]
    asks = asks and kind is not PyMonitorModel  # whose part in this phase only receives
    return [Turn(actor.name, handler, key=key, hears=hears, asks=asks)]


def spiking(actor: Actor) -> Callable[[], None]:
    """What a model does in the spiking phase.

    The same as its handler without messages to the runtime service, where the handler is
    Lava's: assignments to models and answers take longer than models.
    """
    model, values, answers = actor.model, actor.model.__dict__, actor.answers
    kind, base = type(model), PyLoihiProcessModel
    if not issubclass(kind, base) or any(getattr(kind, n) is not getattr(base, n) for n in PLAIN):
        return model._cmd_handlers[int(_PHASE.SPK[0])]
    is_unguarded = all(getattr(kind, n) is getattr(base, n) for n in UNGUARDED)

    def spike() -> None:
        values["time_step"] += 1
        values["phase"] = _PHASE.SPK
        model.run_spk()
        if values["_req_pause"] or values["_req_stop"]:
            model._handle_pause_or_stop_req()
        elif is_unguarded:
            pass
        elif model.lrn_guard():
            answers.append(_WANTS_PRE if model.pre_guard() else _WANTS_LEARNING)
        elif model.post_guard():
            answers.append(_WANTS_POST)

    return spike


def _is_of_lava(kind: type) -> bool:
    return kind.__module__.startswith("lava.proc.")


def _sending(model: Any, kind: type) -> Callable[[], None]:
    """Send what was gathered a step ago; the model itself then sends nothing."""
    port, send = model.a_out, model.a_out.send
    port.send = _nothing
    if kind in DELAYED:
        return lambda: send(model.a_buff[:, 0])
    if kind in CONVOLVING:
        return lambda: send(model.a_buf)
    return lambda: send(model.a_buff)


def _nothing(data: Any) -> None:
    """The turn before has sent it."""
