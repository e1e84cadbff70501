"""A Lava program as a network with its input and what it records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from conversions.lava.program_input import ProgramInput
from conversions.lava.program_learning import LearningRun, NetworkLearning
from hw_models import FixedPointNetwork, InputError
from hw_models.errors import brief
from hw_models.integers import integer
from hw_models.learning_engine import RULE_STATE
from hw_models.records import short_repr
from ssdp_neuro import RunResult, simulate

if TYPE_CHECKING:
    from conversions.lava.reading.learning_processes import PlasticConnection
    from conversions.lava.reading.recorders import Recorder
    from ssdp_neuro.engine.spike_input import SpikeInput


@dataclass(frozen=True, kw_only=True, eq=False)
class LavaProgram:
    """What :func:`conversions.from_lava` read.

    Parameters
    ----------
    network
        Neurons and synapses. Populations and projections have the names of their Processes;
        neuron ``k`` is the ``k``-th in C order of the Process's shape.
    ring_data
        What each ring-buffer source sends, int32 ``(n_neurons, buffer)``, repeated as Lava
        repeats it; by input population.
    injected
        Input populations of Lava's ``Injector``: :meth:`run` is given their spikes.
    learning
        Connections that learn: rules, and what their ports hear.
    recorders
        Ring-buffer sinks, Monitors and Extractors.
    names
        Name in the network by id of the Process; see :meth:`name_of`.
    notes
        What Lava's fixed-point models change when they load the program (weights clipped
        or rounded to their grid, floats cut off), or ignore; in sentences. The network has
        the changed values.
    """

    network: FixedPointNetwork
    ring_data: Mapping[str, np.ndarray]
    injected: tuple[str, ...]
    learning: tuple[PlasticConnection, ...]
    recorders: tuple[Recorder, ...]
    names: Mapping[int, str]
    notes: tuple[str, ...]
    _input: ProgramInput = field(init=False, repr=False)

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "_input", ProgramInput(self.network, self.ring_data))

    def name_of(self, process: Any) -> str:
        """Name in the network of a Process of the program.

        Raises
        ------
        InputError
            If the Process is not connected with the one that was read.
        """
        if getattr(process, "id", None) not in self.names:
            raise InputError(f"{process!r} is not a Process of this program")
        return self.names[process.id]

    def spikes(self, n_steps: int, injected: Mapping[str, Any] | None = None) -> SpikeInput:
        """Input of the first ``n_steps`` steps, as ``simulate`` takes it.

        Parameters
        ----------
        n_steps
            Steps, at least 1; ring buffers are repeated as Lava repeats them.
        injected
            Spikes of the ``injected`` populations by name, each in a form of
            :func:`ssdp_neuro.engine.spike_input.spike_input`; others stay silent.

        Raises
        ------
        InputError, ShapeError
            If spikes are for another population, or not usable.
        """
        n_steps = integer("n_steps", n_steps, 1, 2**31 - 1)
        return self._input.spikes(n_steps, injected or {})

    def run(
        self,
        n_steps: int,
        *,
        spikes: Mapping[str, Any] | None = None,
        probes: Iterable[tuple[str, str]] = (),
    ) -> ProgramRun:
        """Run the program from its start in the engine; connections that learn do.

        Parameters
        ----------
        n_steps
            Steps, as of Lava's ``RunSteps``.
        spikes
            Spikes of the ``injected`` populations, see :meth:`spikes`.
        probes
            ``(population, "u" or "v")`` pairs to record beyond what Monitors do.

        Raises
        ------
        InputError
            If spikes are not usable, or a Monitor of the program has room for fewer steps:
            Lava would fail.
        """
        monitored = [
            (tap.population, tap.variable)
            for recorder in self.recorders
            for tap in recorder.taps
            if tap.variable in ("u", "v")
        ]
        for recorder in self.recorders:
            if recorder.labels and n_steps > (recorder.n_steps or 0):
                raise InputError(
                    f"Monitor {recorder.name!r} has room for {recorder.n_steps} steps;"
                    f" Lava would fail in a run of {n_steps}"
                )
        given = self.spikes(n_steps, spikes)
        wanted = list(dict.fromkeys([*monitored, *probes]))
        if not self.learning:
            result = simulate(self.network, given, n_steps=n_steps, probes=wanted)
            return ProgramRun(program=self, result=result)
        recorded = [
            (tap.population, tap.variable)
            for recorder in self.recorders
            for tap in recorder.taps
            if tap.variable not in ("u", "v", "spikes")
        ]
        learning: LearningRun | NetworkLearning
        given_to = (self.network, self.learning, self.ring_data)
        if not recorded and NetworkLearning.can_run(*given_to):
            learning = NetworkLearning(*given_to)
        else:
            learning = LearningRun(*given_to, dict.fromkeys(recorded))
        result = learning.run(given, n_steps, wanted)
        return ProgramRun(program=self, result=result, learning=learning)


def from_lava(process: Any, *, refractory_in_fixed_point: bool = False) -> LavaProgram:
    """Read a Lava program, to run it in the engine.

    Everything that the Process is connected with is read, as Lava's fixed-point models
    (``Loihi2SimCfg(select_tag="fixed_pt")``) would load it: the network computes the same
    spikes, currents and membrane potentials, bit for bit. Nothing is run, and the program
    can still be run by Lava.

    Supported are LIF, LIFReset, LearningLIF, Dense, DelayDense, Sparse, DelaySparse, Conv,
    LearningDense, LearningSparse, ring-buffer sources and sinks, Monitors of ``u``, ``v`` and
    ``s_out``,
    Injector and Extractor, and reshaped, flattened and transposed ports between them; several
    connections may end at a neuron, and loops are allowed. The neurons of
    :func:`conversions.to_lava` are too.

    Both learn as Lava's fixed-point models do, weight for weight, by any rule that
    :func:`conversions.from_lava_rule` reads and any ``graded_spike_cfg``. Their ``s_in_bap`` and
    ``s_in_y1`` to ``s_in_y3`` may hear any neurons and sources, numbers of a ring buffer too.
    Their weights, tags and traces can be monitored, and are found in the run. Graded spikes of a
    ring buffer are as many inputs as their numbers have bits.

    Parameters
    ----------
    process
        Any Process of the program. Values are the initial ones of its Vars; what a running
        program changed by ``Var.set`` is not seen.
    refractory_in_fixed_point
        Lava's ``LIFRefractory`` has a floating-point model only. True to read it as LIF's
        fixed-point model with a refractory period in addition; refused otherwise.

    Returns
    -------
    LavaProgram
        The network, its input, what the program records, and ``run``.

    Raises
    ------
    MissingExtraError
        If Lava is not installed; names the commands that install it.
    ConversionError
        If something has no exact counterpart; names the Process, what is wrong and what is
        supported. ``TernaryLIF`` has none if it can send negative spikes, nor have graded
        spikes that are negative, and connections without a synapse Process.

    Notes
    -----
    ``import hw_models.lava_processes`` before the program's own imports of Lava makes Lava
    importable on Python 3.11 and later.

    Examples
    --------
    An existing program, without Lava's runtime::

        program = from_lava(lif)
        run = program.run(1000)
        raster = run.result.raster(program.name_of(lif))
        recorded = run.data(sink)  # what sink.data.get() would give
    """
    from conversions.lava.reading.graph import read_graph

    graph = read_graph(process, refractory_in_fixed_point=refractory_in_fixed_point)
    return LavaProgram(
        network=graph.network,
        ring_data=graph.ring_data,
        injected=graph.injected,
        learning=graph.learning,
        recorders=graph.recorders,
        names=graph.names,
        notes=graph.notes,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgramRun:
    """Spikes and state of a Lava program.

    Parameters
    ----------
    program
        What was run.
    result
        Rasters, probes and event counts by name of the population.
    learning
        Weights, tags and traces of connections that learn, see :meth:`value`; None without.
    """

    program: LavaProgram
    result: RunResult
    learning: LearningRun | NetworkLearning | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What Lava changes when it loads the program, in sentences."""
        return self.program.notes

    def raster(self, process: Any) -> np.ndarray:
        """Spikes of neurons or of a source: bool ``(n_steps, n_neurons)``."""
        return self.result.raster(self.program.name_of(process))

    def value(self, variable: Any) -> np.ndarray:
        """What a Var of a learning connection is after the run: in place of ``variable.get()``.

        Parameters
        ----------
        variable
            ``weights``, ``tag_1`` or ``tag_2`` of the Process, ``x1``, ``x2``, ``y1``, ``y2``
            or ``y3``.

        Returns
        -------
        int64 in the shape of the Var, of a LearningSparse too

        Raises
        ------
        InputError
            If it is none of these, or not of this program.
        """
        if not hasattr(variable, "process"):
            raise InputError(f"{brief(variable)} is no Var of a Process")
        name = self.program.name_of(variable.process)
        known = () if self.learning is None else self.learning.connections
        if name not in known or variable.name not in RULE_STATE:
            where = f"{name}.{variable.name}"
            raise InputError(
                f"{where}: only {', '.join(RULE_STATE)} of a learning connection are kept"
            )
        assert self.learning is not None
        return self.learning.value(name, variable.name).astype(np.int64)

    def data(self, process: Any) -> Any:
        """What a Process of the program recorded.

        Parameters
        ----------
        process
            A ring-buffer sink, a Monitor or an Extractor.

        Returns
        -------
        float64, as Lava hands out its values. For a sink what ``sink.data.get()`` gives,
        ``(*shape, buffer)``. For a Monitor what ``monitor.get_data()`` gives, arrays
        ``(num_steps, *shape)`` by Process and variable. For an Extractor what ``receive()``
        gives step after step, ``(n_steps, *shape)``.

        Raises
        ------
        InputError
            If the Process is not one of these, or not of this program.
        """
        name = self.program.name_of(process)
        recorders = [each for each in self.program.recorders if each.name == name]
        if not recorders:
            known = ", ".join(repr(each.name) for each in self.program.recorders) or "none"
            raise InputError(f"{name!r} records nothing; recorders are {known}")
        if recorders[0].labels:
            data: dict[str, dict[str, np.ndarray]] = {}
            for recorder in recorders:
                owner, variable = recorder.labels[0]
                data.setdefault(owner, {})[variable] = self._kept(recorder)
            return data
        (recorder,) = recorders
        kept = self._kept(recorder)
        return kept if recorder.n_steps is None else np.moveaxis(kept, 0, -1)

    def _kept(self, recorder: Recorder) -> np.ndarray:
        """What a recorder has room for, ``(room, *shape)``; step ``t`` is in row ``t % room``."""
        n_steps = self.result.n_steps
        room = n_steps if recorder.n_steps is None else recorder.n_steps
        kept = np.zeros((room, int(np.prod(recorder.shape))))
        last = np.arange(max(0, n_steps - room), n_steps)
        for tap in recorder.taps:
            if self.learning is not None and tap.variable in RULE_STATE:
                learned = np.array(self.learning.records[tap.population, tap.variable])
                kept[last % room] += learned[last].reshape(len(last), -1)
            elif tap.variable != "spikes":
                state = self.result.probe(tap.population, tap.variable)
                kept[last % room] += state[last][:, tap.order]
            elif tap.population in self.program.ring_data:  # it may send more than 0 and 1
                data = self.program.ring_data[tap.population].T
                kept[last % room] += data[last % len(data)][:, tap.order]
            else:
                events = self.result.events(tap.population)
                events = events[events["step"] >= n_steps - room]
                place = np.argsort(tap.order)
                kept[events["step"] % room, place[events["index"]]] += 1
        return kept.reshape(room, *recorder.shape)
