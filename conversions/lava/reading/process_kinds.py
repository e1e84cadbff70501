"""Which kinds of Lava Processes can be read, and the names they get."""

from __future__ import annotations

from lava.magma.core.process.process import AbstractProcess

from conversions.lava.reading.connection_processes import SYNAPSES, is_learning
from conversions.lava.reading.neuron_processes import NEURONS
from conversions.lava.reading.recorders import RECORDERS
from conversions.lava.reading.sources import SOURCES
from conversions.lava.reading.walk import label
from hw_models.errors import ConversionError

SUPPORTED = (*NEURONS, *SYNAPSES, *SOURCES, *RECORDERS)


def check_kinds(processes: list[AbstractProcess]) -> None:
    """Refuse Processes that have no counterpart.

    Raises
    ------
    ConversionError
        Names the first one, and what is supported.
    """
    for process in processes:
        if is_learning(process) and type(process) not in SUPPORTED:
            raise ConversionError(
                f"{label(process)}: a learning connection; of these LearningDense and"
                " LearningSparse are supported"
                " (conversions.EngineCfg runs all of them, by Lava's models)"
            )
        if type(process) not in SUPPORTED:
            names = ", ".join(dict.fromkeys(kind.__name__ for kind in SUPPORTED))
            base = next((kind for kind in SUPPORTED if isinstance(process, kind)), None)
            why = f", whose model may differ from that of {base.__name__}" if base else ""
            raise ConversionError(
                f"{label(process)} of {type(process).__module__}{why}: not supported;"
                f" supported are {names}, and Processes made of these (those that a"
                " SubProcessModel makes exist after Lava has compiled the program);"
                " conversions.EngineCfg runs any Process by its own model"
            )


def names_of(processes: list[AbstractProcess]) -> dict[int, str]:
    """A name for each Process: its own, numbered where several have the same."""
    names: dict[int, str] = {}
    taken = {str(process.name) for process in processes}
    used: set[str] = set()
    for process in processes:
        name = base = str(process.name).replace("/", ":")
        number = 1
        while name in used or (number > 1 and name in taken):
            number += 1
            name = f"{base}_{number}"
        used.add(name)
        names[process.id] = name
    return names
