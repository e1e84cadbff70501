"""All Processes that a Process is connected with, as one network and its surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.proc.conv.process import Conv
from lava.proc.io.injector import Injector
from lava.proc.io.source import RingBuffer as SpikeSource

from conversions.lava.reading.connection_processes import (
    LEARNING,
    SYNAPSES,
    Ends,
    ReadSynapses,
    check_start,
    matrix_projection,
    read_synapses,
)
from conversions.lava.reading.conv_processes import (
    ReadConvolution,
    convolution_projections,
    image_order,
    read_convolution,
)
from conversions.lava.reading.graded_spikes import bit_planes, sends_numbers
from conversions.lava.reading.initial_values import loaded
from conversions.lava.reading.learning_processes import (
    PlasticConnection,
    is_in_network,
    plastic_connection,
    read_learning_synapses,
)
from conversions.lava.reading.neuron_processes import (
    NEURONS,
    ReadNeurons,
    population,
    population_shape,
    read_neurons,
)
from conversions.lava.reading.process_kinds import check_kinds, names_of
from conversions.lava.reading.process_wiring import ends_of, outputs_of_synapses
from conversions.lava.reading.recorders import (
    RECORDERS,
    SPIKES,
    Recorder,
    Tap,
    read_recorders,
)
from conversions.lava.reading.sources import SOURCES
from conversions.lava.reading.walk import (
    ProcessConnection,
    connected_processes,
    is_container,
    label,
)
from hw_models.errors import ConversionError, TypeMismatchError, brief
from hw_models.network import FixedPointNetwork
from hw_models.populations import InputPopulation
from hw_models.projections import Projection


@dataclass(frozen=True, kw_only=True, eq=False)
class LavaGraph:
    """What was read.

    Parameters
    ----------
    network
        Neurons and synapses; neuron ``k`` is the ``k``-th in C order of the Process's shape.
    ring_data
        What each source sends, int32 ``(n_neurons, buffer)``, repeated; by input population.
    injected
        Input populations that something outside of Lava feeds.
    learning
        Connections that learn.
    recorders
        What the program records.
    names
        Name in the network (or of the recorder) by id of the Process.
    notes
        What Lava changes when it loads the program, in sentences.
    """

    network: FixedPointNetwork
    ring_data: dict[str, np.ndarray]
    injected: tuple[str, ...]
    learning: tuple[PlasticConnection, ...]
    recorders: tuple[Recorder, ...]
    names: dict[int, str]
    notes: tuple[str, ...]


def read_graph(process: AbstractProcess, *, refractory_in_fixed_point: bool = False) -> LavaGraph:
    """Read a connected Lava program as its fixed-point models would run it.

    Parameters
    ----------
    process
        Any Process of the program.
    refractory_in_fixed_point
        Read ``LIFRefractory``, of which Lava has no fixed-point model, as LIF's
        fixed-point model with a refractory period.

    Raises
    ------
    ConversionError
        If something of the program has no counterpart; names the Process and what has.
    """
    if not isinstance(process, AbstractProcess):
        raise TypeMismatchError(f"process: {brief(process)}; a Lava Process is needed")
    everything = connected_processes(process)
    processes = [each for each in everything if not is_container(each)]
    check_kinds(processes)
    return _Reader(processes, refractory_in_fixed_point).graph()


@dataclass(eq=False)
class _Reader:
    """Processes of a program on their way into a network."""

    processes: list[AbstractProcess]
    refractory_in_fixed_point: bool
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = names_of(self.processes)
        self.neurons: dict[str, ReadNeurons] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.ring_data: dict[str, np.ndarray] = {}
        self.injected: list[str] = []
        self.wanted: dict[str, set[tuple[int, ...]]] = {}

    def graph(self) -> LavaGraph:
        for process in self.processes:
            self._read_source_or_neurons(process)
        outputs = outputs_of_synapses(self.processes)
        read = {
            process: self._read_synapses(process)
            for process in self.processes
            if type(process) in SYNAPSES
        }
        ends = {
            process: self._ends(process, found, outputs.get(process.id, []))
            for process, found in read.items()
        }
        for process, found in read.items():
            if isinstance(found, ReadConvolution):
                self._want_images(found, ends[process])
        for name, wanted in self.wanted.items():
            if len(wanted) == 1 and len(self.shapes[name]) == 1:
                self.shapes[name] = next(iter(wanted))
        projections = [
            projection
            for process, found in read.items()
            for each in ends[process]
            for projection in self._projections(found, each)
        ]
        network = FixedPointNetwork(
            populations=[
                population(name, self.shapes[name], self.neurons[name])
                if name in self.neurons
                else InputPopulation(name=name, shape=self.shapes[name])
                for name in self.shapes
            ],
            projections=projections,
        )
        learning = [
            self._learning(process, found, ends[process])
            for process, found in read.items()
            if isinstance(found, ReadSynapses) and found.rule is not None
        ]
        recorders = [
            recorder
            for process in self.processes
            if type(process) in RECORDERS
            for recorder in read_recorders(
                process, self.names[process.id], self._tap, self._names_of_state()
            )
        ]
        return LavaGraph(
            network=network,
            ring_data=self.ring_data,
            injected=tuple(self.injected),
            learning=tuple(learning),
            recorders=tuple(recorders),
            names=self.names,
            notes=tuple(self.notes),
        )

    def _read_source_or_neurons(self, process: AbstractProcess) -> None:
        name = self.names[process.id]
        if type(process) in NEURONS:
            read = read_neurons(process, self.refractory_in_fixed_point)
            self.neurons[name] = read
            self.notes += read.notes
            self.shapes[name] = population_shape(process)
        elif isinstance(process, SpikeSource):
            data, notes = loaded(process, "data", np.int32)
            self.notes += notes
            self.ring_data[name] = data.reshape(-1, data.shape[-1])
            self.shapes[name] = population_shape(process)
        elif isinstance(process, Injector):
            shape = tuple(int(size) for size in process.out_port.shape)
            self.injected.append(name)
            self.shapes[name] = shape if len(shape) <= 4 else (math.prod(shape),)

    def _read_synapses(self, process: AbstractProcess) -> ReadSynapses | ReadConvolution:
        check_start(process)
        read: ReadSynapses | ReadConvolution
        if isinstance(process, Conv):
            read = read_convolution(process)
        elif type(process) in LEARNING:
            read = read_learning_synapses(process)
        else:
            read = read_synapses(process)
        self.notes += read.notes
        return read

    def _learning(
        self, process: AbstractProcess, read: ReadSynapses, ends: list[Ends]
    ) -> PlasticConnection:
        where = [(each.name, each.pre, each.post) for each in ends]
        connection, notes = plastic_connection(process, read, self.names, where, self.ring_data)
        self.notes += notes
        if ends and not is_in_network(connection, ends[0].target):
            self.notes.append(
                f"{label(process)}: what it learns from is in the program, not in its network"
            )
        return connection

    def _ends(
        self,
        process: AbstractProcess,
        read: ReadSynapses | ReadConvolution,
        outputs: list[ProcessConnection],
    ) -> list[Ends]:
        ends, notes = ends_of(process, outputs, self.names, self.ring_data)
        self.notes += notes
        if ends and sends_numbers(process, self.ring_data.get(ends[0].source)):
            assert isinstance(read, ReadSynapses)
            shape = self.shapes[ends[0].source]
            ends, notes = bit_planes(process, ends, read.exponent, self.ring_data)
            self.notes += notes
            self.shapes |= {each.source: shape for each in ends}
        return ends

    def _want_images(self, read: ReadConvolution, ends: list[Ends]) -> None:
        for each in ends:
            if self._are_images(read, each):
                self.wanted.setdefault(each.source, set()).add(read.input_shape)
                self.wanted.setdefault(each.target, set()).add(read.output_shape)

    def _are_images(self, read: ReadConvolution, ends: Ends) -> bool:
        return image_order(ends.pre, read.input_shape) and image_order(ends.post, read.output_shape)

    def _projections(self, read: ReadSynapses | ReadConvolution, ends: Ends) -> list[Projection]:
        if isinstance(read, ReadSynapses):
            return [matrix_projection(read, ends)]
        shapes = (self.shapes[ends.source], self.shapes[ends.target])
        fits = shapes == (read.input_shape, read.output_shape) and self._are_images(read, ends)
        return convolution_projections(read, ends, fits)

    def _tap(self, connection: ProcessConnection) -> Tap:
        sender = connection.sender.process
        if type(sender) not in (*NEURONS, *SOURCES):
            raise ConversionError(
                f"{label(sender)} -> {label(connection.receiver.process)}: what a connection"
                " delivers is not kept; u, v and s_out of neurons can be recorded"
            )
        return Tap(population=self.names[sender.id], variable=SPIKES, order=connection.order)

    def _names_of_state(self) -> dict[int, str]:
        """Names of the Processes that have Vars to be recorded."""
        return {
            process.id: self.names[process.id]
            for process in self.processes
            if type(process) in (*NEURONS, *LEARNING)
        }
