"""Which Processes are connected, and how the neurons of one port arrive at another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import AbstractVirtualPort, ConcatPort, InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

from hw_models.errors import ConversionError


@dataclass(frozen=True, kw_only=True, eq=False)
class ProcessConnection:
    """What an ``OutPort`` sends to an ``InPort``.

    Parameters
    ----------
    sender, receiver
        The ports.
    order
        ``order[k]`` is the flat index, in the sender, of what arrives at flat index ``k``
        of the receiver; int64. Reshaped, flattened and transposed ports are in it.
    """

    sender: OutPort
    receiver: InPort
    order: np.ndarray

    @property
    def place(self) -> np.ndarray:
        """Where each element of the sender arrives: the inverse of ``order``."""
        place = np.empty_like(self.order)
        place[self.order] = np.arange(self.order.size)
        return place


def label(process: AbstractProcess) -> str:
    """Class and name of a Process, for messages."""
    return f"{type(process).__name__} {process.name!r}"


def connected_processes(process: AbstractProcess) -> list[AbstractProcess]:
    """All Processes that a Process is connected with, itself included, oldest first."""
    found = {process}
    waiting: list[Any] = _ports(process)
    seen = set(waiting)
    while waiting:
        port = waiting.pop()
        for other in (*port.in_connections, *port.out_connections):
            if other in seen:
                continue
            seen.add(other)
            waiting.append(other)
            if not isinstance(other, AbstractVirtualPort) and other.process not in found:
                found.add(other.process)
                new = [each for each in _ports(other.process) if each not in seen]
                seen.update(new)
                waiting.extend(new)
    return sorted(found, key=lambda each: each.id)


def is_container(process: AbstractProcess) -> bool:
    """Whether a Process only stands around others, to which its ports are passed on.

    Those inside exist if the Process makes them itself, or Lava has compiled it.
    """
    if not process.procs.members:
        return False
    sends = any(p.out_connections and not p.in_connections for p in process.out_ports.members)
    receives = any(
        connections_into(port) and not port.out_connections for port in process.in_ports.members
    )
    return not sends and not receives


def connections_into(port: InPort) -> list[ProcessConnection]:
    """Every connection that ends at a port.

    Raises
    ------
    ConversionError
        If ports are concatenated, or one port arrives twice: Lava's compiler refuses the
        first and mixes up the second.
    """
    connections = []
    for sender, functions in _paths(port):
        positions = np.arange(sender.size).reshape(sender.shape)
        for function in functions:
            positions = function(positions)
        order = np.ascontiguousarray(positions).reshape(-1)
        connections.append(ProcessConnection(sender=sender, receiver=port, order=order))
    senders = [connection.sender for connection in connections]
    if len(set(senders)) < len(senders):
        raise ConversionError(
            f"{label(port.process)}.{port.name}: the same port is connected to it twice;"
            " Lava keeps one of the two ways only"
        )
    return connections


def _ports(process: AbstractProcess) -> list[Any]:
    kinds = (process.in_ports, process.out_ports, process.ref_ports, process.var_ports)
    return [port for kind in kinds for port in kind.members]


def _paths(port: Any) -> Iterator[tuple[OutPort, list[Any]]]:
    """Each ``OutPort`` before a port, and what the ports between do to its data."""
    for before in port.in_connections:
        if isinstance(before, ConcatPort):
            raise ConversionError(
                f"{label(port.process)}.{port.name}: concatenated ports; Lava's compiler does"
                " not support them"
            )
        if isinstance(before, AbstractVirtualPort):
            for sender, functions in _paths(before):
                yield sender, [*functions, before.get_transform_func_fwd()]
        elif before.in_connections:  # of a Process around others
            yield from _paths(before)
        elif isinstance(before, OutPort):
            yield before, []
