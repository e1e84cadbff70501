"""What a Lava program records: ring-buffer sinks, Monitors, Extractors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.proc.io.extractor import Extractor
from lava.proc.io.sink import RingBuffer as SpikeSink
from lava.proc.monitor.process import Monitor

from conversions.lava.reading.connection_processes import LEARNING
from conversions.lava.reading.walk import ProcessConnection, connections_into, label
from hw_models.errors import ConversionError
from hw_models.learning_engine import RULE_STATE

RECORDERS = (SpikeSink, Monitor, Extractor)
SPIKES = "spikes"
STATE = ("u", "v")


@dataclass(frozen=True, kw_only=True, eq=False)
class Tap:
    """One thing that is recorded.

    Parameters
    ----------
    population
        Its name; of a connection that learns, the name of that.
    variable
        ``spikes``, ``u`` or ``v``; of a connection one of ``RULE_STATE``.
    order
        Flat neuron index at each flat position of the recording.
    """

    population: str
    variable: str
    order: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Recorder:
    """A Process that records.

    Parameters
    ----------
    name
        Of the Process.
    taps
        What it hears; a sink adds up what several ports send.
    shape
        Of what is recorded in a step.
    n_steps
        Steps that it has room for: a ring buffer overwrites, a Monitor fails; None without
        a limit (an Extractor).
    labels
        For a Monitor: name of the Process and of its Var or port, for each tap.
    """

    name: str
    taps: tuple[Tap, ...]
    shape: tuple[int, ...]
    n_steps: int | None = None
    labels: tuple[tuple[str, str], ...] = ()


def read_recorders(
    process: AbstractProcess,
    name: str,
    tap: Callable[[ProcessConnection], Tap],
    names: dict[int, str],
) -> list[Recorder]:
    """The recorders that one of ``RECORDERS`` stands for; a Monitor may have several probes.

    Parameters
    ----------
    process, name
        The Process and its name in the program.
    tap
        What a connection from a population's output records.
    names
        Population names by id of the Process.
    """
    if isinstance(process, Monitor):
        return _monitor_probes(process, name, tap, names)
    is_sink = isinstance(process, SpikeSink)
    port = process.a_in if is_sink else process.in_port
    taps = tuple(tap(connection) for connection in connections_into(port))
    return [
        Recorder(
            name=name,
            taps=taps,
            shape=tuple(port.shape),
            n_steps=int(process.data.shape[-1]) if is_sink else None,
        )
    ]


def _monitor_probes(
    monitor: Monitor, name: str, tap: Callable[[ProcessConnection], Tap], names: dict[int, str]
) -> list[Recorder]:
    heard = [
        (tap(connection), port)
        for port in monitor.in_ports.members
        for connection in connections_into(port)
    ]
    heard += [
        (_state_tap(monitor, target, names), port)
        for port in monitor.ref_ports.members
        if port.out_connections
        for target in port.get_dst_vars()
    ]
    recorders = []
    for each, port in heard:
        kept, label_of_kept = _kept(monitor, port.name)
        recorders.append(
            Recorder(
                name=name,
                taps=(each,),
                shape=tuple(port.shape),
                n_steps=int(kept.shape[0]),
                labels=(label_of_kept,),
            )
        )
    return recorders


def _kept(monitor: Monitor, port_name: str) -> tuple[Var, tuple[str, str]]:
    """Where a Monitor keeps what arrives at one of its ports, and how it is labelled."""
    name = port_name.replace("in_port", "out_read").replace("ref_port", "var_read")
    owner, variable = monitor.target_names[name]
    return getattr(monitor, name), (owner, variable)


def _state_tap(monitor: Monitor, target: Var, names: dict[int, str]) -> Tap:
    while target.aliased_var is not None:  # of a Process around others
        target = target.aliased_var
    owner = target.process
    kept = RULE_STATE if type(owner) in LEARNING else STATE
    if owner.id not in names or target.name not in kept:
        raise ConversionError(
            f"{label(monitor)}: it monitors {target.name} of {label(owner)};"
            " u, v and s_out of neurons can be recorded, and of a learning connection"
            f" {', '.join(RULE_STATE)}"
        )
    order = np.arange(int(np.prod(target.shape)))
    return Tap(population=names[owner.id], variable=target.name, order=order)
