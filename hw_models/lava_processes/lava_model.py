"""A network as connected Lava Processes, and what can be attached to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.extractor import Extractor, PyLoihiExtractorModel
from lava.proc.io.injector import Injector, PyLoihiInjectorModel
from lava.proc.io.sink import RingBuffer as SpikeSink
from lava.proc.io.source import RingBuffer as SpikeSource
from lava.proc.monitor.process import Monitor

from hw_models.eprop import EpropParams
from hw_models.errors import InputError, UnknownNameError
from hw_models.lava_processes.eprop_learning import EpropProcesses, eprop_processes
from hw_models.lava_processes.learning import PlasticProcesses, plastic_processes
from hw_models.lava_processes.neurons import neuron_process
from hw_models.lava_processes.rule_process import rule_process
from hw_models.lava_processes.synapses import connect_input, connect_output, synapse_process
from hw_models.learning_engine import LearningRule
from hw_models.learning_schedule import LearningPlan
from hw_models.network import FixedPointNetwork
from hw_models.plasticity import DaSsdpParams
from hw_models.populations import Population


@dataclass(frozen=True, kw_only=True, eq=False)
class LavaModel:
    """Connected Lava Processes of a network.

    Parameters
    ----------
    network
        The network that they compute.
    populations
        Process of each LIF population, by name; flat, in C order of the shape.
    projections
        Process of each projection, by name.
    sources
        Lava's ring buffer of each input population, by name; its ``data`` is int32
        ``(n_neurons, n_steps)`` and is repeated in a longer run. Empty if none was given.
    plastic
        What makes each plastic projection learn, by name; empty if they keep their weights.
    plan
        How they learn, if they do.
    numbers
        What sends targets' numbers to projections with ``PostTraces.SENT``, if they are known.
    """

    network: FixedPointNetwork
    populations: Mapping[str, AbstractProcess]
    projections: Mapping[str, AbstractProcess]
    sources: Mapping[str, SpikeSource]
    plastic: Mapping[str, PlasticProcesses | EpropProcesses] = field(default_factory=dict)
    plan: LearningPlan | None = None
    numbers: tuple[SpikeSource, ...] = ()

    @property
    def processes(self) -> tuple[AbstractProcess, ...]:
        """All Processes of the network: sources, projections, populations, what teaches them."""
        parts = (self.sources, self.projections, self.populations)
        teaching = (process for each in self.plastic.values() for process in each.processes)
        network = (process for part in parts for process in part.values())
        return (*self.numbers, *network, *teaching)

    @property
    def run_config(self) -> Loihi2SimCfg:
        """The run configuration that selects the fixed-point ProcessModels.

        Lava's ``Injector`` and ``Extractor`` have models without this tag; they are named, so
        that a program may feed and read the network with them.
        """
        models = {Injector: PyLoihiInjectorModel, Extractor: PyLoihiExtractorModel}
        return Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=models)

    def connect_input(self, name: str, port: OutPort) -> None:
        """Feed an input population from an ``OutPort`` of shape ``(n_neurons,)``.

        For a model without sources: spikes from any Process of yours, a ``RingBuffer``, an
        ``Injector`` or neurons; whatever is not 0 is a spike.

        Raises
        ------
        UnknownNameError
            If there is no input population of that name.
        InputError
            If that input has a source already.
        """
        source = self.network.population(name)
        if source not in self.network.inputs:
            raise UnknownNameError(f"{name!r} is not an input population")
        if name in self.sources:
            raise InputError(f"{name}: the input has a source already")
        self._connect_source(source, port)

    def _connect_source(self, source: Population, port: OutPort) -> None:
        """Connect the spikes of a population to all that want them."""
        for projection in self.network.projections:
            if projection.source != source.name:
                continue
            plastic = self.plastic.get(projection.name)
            if plastic is None or plastic.entrance is None:
                connect_input(port, self.projections[projection.name], source)
            for end in plastic.listening_to_source if plastic else ():
                port.connect(end)

    def record_spikes(self, name: str, n_steps: int) -> SpikeSink:
        """Attach Lava's ring-buffer sink to a LIF population, before the first run.

        Its ``data.get()`` after a run is ``(n_neurons, n_steps)``, 1 for a spike.
        """
        process = self._population(name)
        sink = SpikeSink(shape=process.s_out.shape, buffer=n_steps)
        process.s_out.connect(sink.a_in)
        return sink

    def record_state(self, name: str, variable: str, n_steps: int) -> Monitor:
        """Attach Lava's Monitor to ``u`` or ``v`` of a LIF population, before the first run.

        ``get_data()[name][variable]`` after a run is ``(n_steps, n_neurons)``: the values
        after each step's update and reset.
        """
        monitor = Monitor()
        monitor.probe(getattr(self._population(name), variable), n_steps)
        return monitor

    def _population(self, name: str) -> AbstractProcess:
        if name not in self.populations:
            known = ", ".join(map(repr, self.populations))
            raise UnknownNameError(f"no LIF population named {name!r}; there are {known}")
        return self.populations[name]


def build_model(
    network: FixedPointNetwork,
    rasters: Mapping[str, np.ndarray] | None = None,
    plan: LearningPlan | None = None,
    rules: bool = False,
    sent: Mapping[str, np.ndarray] | None = None,
) -> LavaModel:
    """Connect the Processes that compute a network.

    Parameters
    ----------
    network
        What to build.
    rasters
        Spikes of every input population, bool ``(n_steps, n_neurons)``; None for a model
        without sources, see :meth:`LavaModel.connect_input`.
    plan
        How plastic projections learn; None if they keep their weights.
    rules
        Whether projections with a LearningRule learn by it, in Lava's ``LearningDense`` or
        ``LearningSparse``; with a plan, from its samples.
    sent
        What targets send as y1, y2 and y3, int ``(n_steps, 3, n_post)`` by projection; nothing is
        connected where it is not given.
    """
    learned = {
        projection.name: rule_process(
            projection,
            (
                network.population(projection.target).n_neurons,
                network.population(projection.source).n_neurons,
            ),
            plan,
        )
        for projection in network.projections
        if rules and isinstance(getattr(projection, "plasticity", None), LearningRule)
    }
    clock = None if plan is None else plan.clock
    plastic = {
        projection.name: (
            eprop_processes(projection, network, plan)
            if isinstance(projection.plasticity, EpropParams)
            else plastic_processes(projection, plan)
        )
        for projection in network.projections
        if plan is not None
        and isinstance(getattr(projection, "plasticity", None), (DaSsdpParams, EpropParams))
    }
    projections = {}
    for projection in network.projections:
        ends = (network.population(projection.source), network.population(projection.target))
        learning = plastic.get(projection.name)
        if projection.name in learned:
            projections[projection.name] = learned[projection.name]
        else:
            projections[projection.name] = (
                synapse_process(projection, *ends) if learning is None else learning.synapses
            )
    sources = {}
    if rasters is not None:
        for population in network.inputs:
            raster = np.ascontiguousarray(rasters[population.name].T, dtype=np.int32)
            sources[population.name] = SpikeSource(data=raster)
    numbers = []
    for name, values in ({} if sent is None else sent).items():
        for port, trace in zip(("s_in_y1", "s_in_y2", "s_in_y3"), range(3), strict=True):
            data = np.ascontiguousarray(values[:, trace].T, dtype=np.int32)
            numbers.append(SpikeSource(data=data))
            numbers[-1].s_out.connect(getattr(learned[name], port))
    model = LavaModel(
        network=network,
        populations={lif.name: neuron_process(lif, clock) for lif in network.neurons},
        projections=projections,
        sources=sources,
        plastic=plastic,
        plan=plan,
        numbers=tuple(numbers),
    )
    for projection in network.projections:
        process = model.projections[projection.name]
        target = network.population(projection.target)
        connect_output(process, target, model.populations[projection.target])
        if projection.name in learned:
            model.populations[projection.target].s_out.connect(process.s_in_bap)
        if projection.name in plastic:
            plastic[projection.name].connect_target(
                model.populations[projection.target], model.populations
            )
    for name, process in (*sources.items(), *model.populations.items()):
        model._connect_source(network.population(name), process.s_out)
    return model
