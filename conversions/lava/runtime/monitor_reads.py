"""Monitors that read a Var where it lies, instead of asking for it by two messages a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import IdentityTransformer
from lava.proc.monitor.models import PyMonitorModel

from conversions.lava.runtime.model_building import Actor


def read_directly(actors: list[Actor]) -> None:
    """Have Lava's Monitors do so; what they store, and when, stays as it was."""
    asked = {
        id(there): (actor, getattr(actor.model, name).var_name, back)
        for actor in actors
        for there, back, name in actor.var_links
    }
    for actor in actors:
        if type(actor.model) is PyMonitorModel:
            actor.model.__dict__["run_post_mgmt"] = _reading(actor.model, asked)


def reads_as_it_is(port: Any) -> bool:
    """Whether a port of a Monitor that reads a Var leaves the numbers in their places."""
    if type(port._transformer) is IdentityTransformer:
        return True
    end = port._csp_recv_port
    places = np.arange(int(np.prod(end.shape))).reshape(end.shape)
    moved = np.asarray(port._transformer.transform(places, end))
    return moved.shape == places.shape and bool((moved == places).all())


def _reading(monitor: Any, asked: dict[int, tuple[Actor, str, Any]]) -> Callable[[], None]:
    parameters = monitor.proc_params
    reads = []
    for number in range(parameters["n_ref_ports"]):
        port = getattr(monitor, parameters["RefPorts"][number])
        link = getattr(port._csp_send_port, "_queue", None)
        source = asked.get(id(link)) if reads_as_it_is(port) else None
        reads.append((parameters["VarsData1"][number], port, source))

    def run_post_mgmt() -> None:
        row = monitor.time_step - 1
        for name, port, source in reads:
            read = None if source is None else _read(*source)
            getattr(monitor, name)[row, ...] = np.array(port.read()) if read is None else read

    return run_post_mgmt


def _read(owner: Actor, name: str, back: Any) -> np.ndarray | None:
    """The value of a Var as a message would bring it; None where a message has to."""
    if not owner.is_done:  # it may change the Var in this phase, and answers after that
        return None
    value = getattr(owner.model, name)
    if type(value) is not np.ndarray or value.shape != back.shape:
        return None
    return value.astype(back.dtype)
