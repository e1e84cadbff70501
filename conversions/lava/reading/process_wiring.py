"""Which populations the connection Processes of a program lie between."""

from __future__ import annotations

import numpy as np
from lava.magma.core.process.process import AbstractProcess

from conversions.lava.reading.connection_processes import SYNAPSES, Ends, is_learning
from conversions.lava.reading.graded_spikes import check_numbers_sent, sends_numbers
from conversions.lava.reading.neuron_processes import NEURONS
from conversions.lava.reading.sources import SOURCES
from conversions.lava.reading.walk import ProcessConnection, connections_into, label
from hw_models.errors import ConversionError


def outputs_of_synapses(processes: list[AbstractProcess]) -> dict[int, list[ProcessConnection]]:
    """Connections into neurons, by id of the connection Process that they come from.

    Raises
    ------
    ConversionError
        If something other than a connection Process sends to neurons.
    """
    outputs: dict[int, list[ProcessConnection]] = {}
    for process in processes:
        if type(process) not in NEURONS:
            continue
        for connection in connections_into(process.a_in):
            sender = connection.sender.process
            if type(sender) not in SYNAPSES:
                raise ConversionError(
                    f"{label(sender)} -> {label(process)}.a_in: it arrives in the step in"
                    " which it is sent; in a network everything arrives one step late."
                    " Put a connection Process between them"
                )
            outputs.setdefault(sender.id, []).append(connection)
    return outputs


def ends_of(
    process: AbstractProcess,
    outputs: list[ProcessConnection],
    names: dict[int, str],
    ring_data: dict[str, np.ndarray],
) -> tuple[list[Ends], list[str]]:
    """Every pair of populations that a connection Process lies between.

    Parameters
    ----------
    process
        The connection Process.
    outputs
        Its connections into neurons.
    names
        Of the populations, by id of the Process.
    ring_data
        What each source sends, by its name.

    Returns
    -------
    pairs, and sentences; if nothing is connected to one of its ports, no pair and why

    Raises
    ------
    ConversionError
        If what arrives are no spikes of one population.
    """
    inputs = connections_into(process.s_in)
    for connection in inputs:
        _check_spikes(connection, names, ring_data)
    if len(inputs) > 1:
        raise ConversionError(
            f"{label(process)}.s_in: {len(inputs)} ports send to it, and Lava makes one spike"
            " of simultaneous ones; give each a connection Process of its own"
        )
    if not inputs or not outputs:
        side = "s_in" if not inputs else "a_out"
        what = "left out of the network" if is_learning(process) else "left out"
        return [], [f"{label(process)}: {what}, nothing is connected to its {side}"]
    source = names[inputs[0].sender.process.id]
    several = len(outputs) > 1
    ends = []
    for output in outputs:
        target = names[output.receiver.process.id]
        name = names[process.id]
        ends.append(
            Ends(
                name=f"{name}->{target}" if several else name,
                source=source,
                target=target,
                pre=inputs[0].order,
                post=output.place,
            )
        )
    return ends, []


def _check_spikes(
    connection: ProcessConnection, names: dict[int, str], ring_data: dict[str, np.ndarray]
) -> None:
    sender, receiver = connection.sender.process, connection.receiver.process
    where = f"{label(sender)} -> {label(receiver)}.s_in"
    if type(sender) not in (*NEURONS, *SOURCES):
        raise ConversionError(f"{where}: only neurons and sources send spikes")
    data = ring_data.get(names[sender.id])
    if data is not None and sends_numbers(receiver, data):
        check_numbers_sent(receiver, where, data)
