"""A network that lives on between calls: steps as they come, and learning in between."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, TypeMismatchError
from hw_models.arrays import plain_array
from hw_models.choices import member
from hw_models.errors import brief
from hw_models.integers import integer
from ssdp_neuro.engine.event_stream import EventStream, input_of
from ssdp_neuro.engine.job import Job
from ssdp_neuro.engine.live_state import check_state, fresh_arrays, read_state, write_state
from ssdp_neuro.engine.results import RunResult, check_probes
from ssdp_neuro.engine.rule_learning import RuleLearning, chosen_rules
from ssdp_neuro.engine.session_samples import SessionSamples
from ssdp_neuro.engine.session_state import SessionState
from ssdp_neuro.engine.simulator import MAX_STEPS, Simulator
from ssdp_neuro.engine.single_step import (
    SingleStep,
    forms_by_input,
    indices_of,
    run_form,
)
from ssdp_neuro.engine.spike_input import spike_input
from ssdp_neuro.engine.teaching import SampleStart, Teaching
from ssdp_neuro.progress import Progress


class Session:
    """A network that goes on where it stopped, bit for bit as if it had never stopped.

    However a run is cut into steps, runs, packets, states saved and restored: its spikes are
    those of one whole run by :func:`ssdp_neuro.simulate`.

    **Learning.** A sample of a stream is what lies between :meth:`begin_sample` and
    :meth:`end_sample`. As :func:`ssdp_neuro.learn` has it, the network begins each sample
    afresh, first spikes are counted from its beginning, and weights change at its end. Samples
    shown so, one after the other, give the weights that ``learn`` gives. Outside of samples the
    network runs on with the weights it has.

    Projections with :class:`hw_models.EpropParams` learn in every step of a sample, so they are
    told its label when it begins: ``begin_sample(Teaching(labels=[3]))``.

    Projections with a :class:`hw_models.LearningRule` learn in every epoch while ``learning`` is
    on, whether there are samples or not; :meth:`start_over` begins a sample for them.

    Parameters
    ----------
    network
        What to run. Its weights stay as they are; what a session learns is its own.
    learning
        Which projections learn by their LearningRule: all of them, none, or names. May be
        changed at any time between runs, see :attr:`learning`.

    Raises
    ------
    TypeMismatchError
        If it is no network.
    InputError
        If ``learning`` is on and no projection has a LearningRule, or not the one named.

    Examples
    --------
    >>> from hw_models import LifPopulation
    >>> clock = LifPopulation(name="clock", shape=(1,), current_decay=4095, voltage_decay=0,
    ...                       threshold=2, bias_mantissa=64)
    >>> session = Session(FixedPointNetwork(populations=[clock], projections=[]))
    >>> [session.step()["clock"].tolist() for _ in range(4)]
    [[], [], [0], []]
    >>> session.run(None, 6).events("clock")["step"].tolist()
    [1, 4]
    """

    def __init__(
        self, network: FixedPointNetwork, *, learning: bool | Iterable[str] = False
    ) -> None:
        if not isinstance(network, FixedPointNetwork):
            raise TypeMismatchError(f"network: {brief(network)}; a FixedPointNetwork is needed")
        self._given = network
        plastic = any(getattr(p, "plasticity", None) is not None for p in network.projections)
        self._simulator = Simulator(network, n_threads=1, own_weights=plastic)
        self._plan = self._simulator.plan
        self._live = self._plan.new_state()
        self._n_steps = 0
        self._is_torn = False
        self._samples = SessionSamples(network, self._simulator)
        self._rules: RuleLearning | None = None
        self._single: SingleStep | None = None
        self.learning = learning

    @property
    def network(self) -> FixedPointNetwork:
        """The network with its weights as they are now, and tags that rules have changed."""
        if not self._plan.plastic:
            return self._given
        network = self._simulator.current_network()
        return network if self._rules is None else self._rules.with_tags(network)

    @property
    def learning(self) -> tuple[str, ...]:
        """Names of the projections whose LearningRule is at work.

        Set it to True, False or names. A rule that is off stands still: it hears no spikes, its
        traces and tags stay, and its epochs are not counted.
        """
        return () if self._rules is None else self._rules.active

    @learning.setter
    def learning(self, wanted: bool | Iterable[str]) -> None:
        names = chosen_rules(self._given, wanted)
        if names and self._rules is None:
            self._rules = RuleLearning(self._given, self._plan)
        if self._rules is not None:
            self._rules.active = names

    def variables(self, name: str) -> dict[str, np.ndarray]:
        """What a rule that learns in every step has made of a projection so far, as copies.

        Returns
        -------
        By Lava's names: ``weights``, ``tag_1`` and ``tag_2`` (delays), int16 in the shape of the
        projection's weights; traces ``x1``, ``x2``, int64 ``(n_pre,)``, and ``y1``, ``y2``,
        ``y3``, int64 ``(n_post,)``. Within an epoch traces are those of its beginning, see
        :meth:`ssdp_neuro.PlasticSynapses.trace`. Of :class:`hw_models.EpropParams`, in a sample:
        ``weights``, and the sources' ``trace``, int64 ``(n_pre,)``

        Raises
        ------
        InputError
            If no rule of that name has been at work.
        """
        eprop = self._samples.learning
        if eprop is not None and name in eprop.names:
            return eprop.variables(name)
        known = {} if self._rules is None else self._rules.learners
        if name not in known:
            raise InputError(f"variables of {brief(name)}; rules that were at work: {list(known)}")
        return known[name].variables()

    @property
    def n_steps(self) -> int:
        """Steps since the network began: the number of the next step."""
        return self._n_steps

    @property
    def n_samples(self) -> int:
        """Samples learned from so far."""
        return self._samples.n_learned

    @property
    def is_in_sample(self) -> bool:
        """Whether learning listens: between ``begin_sample`` and ``end_sample``."""
        return self._samples.is_under_way

    def __repr__(self) -> str:
        sample = ", in a sample" if self.is_in_sample else ""
        return f"Session(step {self._n_steps}{sample}, {self.n_samples} samples learned)"

    def synapses_visited(self, name: str) -> int:
        """Synapses that a rule has looked at so far, each as often as it did."""
        return 0 if self._rules is None else self._rules.learners[name].n_visited

    def step(self, spikes: Any = None, *, sent: Any = None) -> dict[str, np.ndarray]:
        """Run one step.

        Parameters
        ----------
        spikes
            Of one input population, or a mapping from names: a bool array ``(N,)`` or of the
            population's shape, or the indices of the neurons that fire, integers ``(n,)``, each
            once, in any order. Inputs that are not named are silent.
        sent
            As of :meth:`run`, of one step: int ``(3, n_post)``.

        Returns
        -------
        By LIF population: indices of the neurons that fired, rising, int32

        Raises
        ------
        SsdpError
            If spikes do not fit; the session is where it was.
        """
        forms = forms_by_input(self._given, spikes)
        if sent is None and (given := self._indices(forms)) is not None:
            return self._one_step(given)
        if isinstance(sent, Mapping):
            sent = {name: plain_array(f"sent[{name!r}]", one)[None] for name, one in sent.items()}
        given = {name: run_form(self._given, name, form) for name, form in forms.items()}
        result = self.run(given, 1, sent=sent)
        return {p.name: result.events(p.name)["index"] for p in self._given.neurons}

    def _indices(self, forms: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
        """Neurons that fire, by input; None where a form, or the step, is left to :meth:`run`."""
        if self._is_torn or self._n_steps >= self._samples.most_steps:
            return None
        latencies = self._samples.table
        if self._single is None or self._single.latencies is not latencies:
            self._single = SingleStep(self._given, self._plan, self._live, latencies)
        given = {}
        for name, form in forms.items():
            population = self._single.inputs.get(name)
            neurons = None if population is None else indices_of(population, form)
            if neurons is None:
                return None
            given[name] = neurons
        return given

    def _one_step(self, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same as a run of one step, of which only the spikes are kept."""
        assert self._single is not None
        rules, at_work = self._rules if self.learning else None, self._samples.rules
        if rules is not None:
            at_work = rules.begin_run(1, self._n_steps, {})
        self._is_torn = True
        fired = self._single.run(self._n_steps, given, at_work)
        if rules is not None:
            rules.end_run(1)
        self._samples.note(fired)
        self._n_steps += 1
        self._is_torn = False
        return fired

    def run(
        self,
        spikes: Any,
        n_steps: int,
        *,
        probes: Iterable[tuple[str, str]] = (),
        sent: Any = None,
        progress: bool | None = False,
    ) -> RunResult:
        """Run steps, from where the session is.

        Parameters
        ----------
        spikes
            As for :func:`ssdp_neuro.simulate`, without a batch axis; steps count from the
            beginning of this call.
        n_steps
            How many, at least 1.
        probes
            ``(population, "u" or "v")`` pairs to record.
        sent
            By projection whose rule has ``PostTraces.SENT``: what its target sends as y1, y2 and
            y3 in every step, int ``(n_steps, 3, n_post)``, 32 bits. Zeros of those not named.
        progress
            True for a bar on a long run, None for one on a terminal.

        Returns
        -------
        RunResult
            Of these steps alone, counted from 0.

        Raises
        ------
        SsdpError
            If an argument does not fit, or a sample would be longer than learning can code; the
            session is where it was.
        """
        n_steps = integer("n_steps", n_steps, 1, MAX_STEPS)
        pairs = check_probes(self._given, probes)
        given = spike_input(self._given, spikes, n_steps)
        if given.n_samples is not None:
            raise InputError(
                f"spikes of {given.n_samples} samples; a session is one, give no batch"
            )
        most = self._samples.most_steps
        if self._n_steps + n_steps > most:
            raise InputError(
                f"n_steps {n_steps}: a sample of {self._n_steps + n_steps} steps; the latency"
                f" codes tell 1..{most} apart, then end_sample is needed"
            )
        self._check_whole()
        rules, at_work = self._rules if self.learning else None, self._samples.rules
        if rules is not None:
            numbers = rules.numbers_sent(sent, n_steps)
            at_work = rules.begin_run(n_steps, self._n_steps, numbers)
        elif sent is not None:
            raise InputError("sent: no LearningRule is at work; see Session.learning")
        begin = self._n_steps
        job = Job(self._given, self._plan, 1, given, n_steps, pairs, begin=begin, rules=at_work)
        self._is_torn = True
        with Progress(progress) as bar:
            job.go_on(self._live, bar, self._samples.table)
        if rules is not None:
            rules.end_run(n_steps)
        self._samples.note_run(job.reader(), begin, n_steps)
        self._n_steps += n_steps
        self._is_torn = False
        return RunResult(
            sizes={population.name: population.n_neurons for population in self._given.populations},
            n_steps=n_steps,
            n_samples=None,
            reader=job.reader(),
            probes=job.probe_arrays(),
            counts=job.event_counts(),
            executor="engine",
        )

    def stream(
        self,
        packets: Iterable[Any],
        *,
        time_per_step: int = 1,
        start: int = 0,
        population: str | None = None,
    ) -> Iterator[RunResult]:
        """Follow packets of events as they come; see :class:`.event_stream.EventStream`.

        A step runs as soon as an event, or a time, beyond it has come; the last one when the
        packets end. What is kept is one packet and the events of a step under way, and no call
        of the engine is longer than ``MOST_AT_ONCE`` steps, so neither memory nor the time
        for a step grows with the stream.

        Parameters
        ----------
        packets
            Iterable of structured arrays as tonic gives (fields ``t``, and ``x``, ``y``, ``p``
            as the input's shape has axes), of integer arrays ``(n, 2)`` of ``(time, index)``,
            or of integers: a time before which nothing more will come. Times never fall.
            ``ssdp_neuro.data.event_packets`` reads them from a file.
        time_per_step
            In the events' unit of time. Several events of a neuron in a step are one spike.
        start
            The time at which the first step begins.
        population
            The input that the events are of; may be left out where there is one.

        Yields
        ------
        RunResult
            Of the steps that a packet completed, in parts; other inputs are silent.

        Raises
        ------
        InputError, ShapeError, RangeError, TypeMismatchError
            If a packet does not fit, or an event comes late; no step of it has run then.
        """
        inputs = {each.name: each for each in self._given.inputs}
        name = next(iter(inputs)) if population is None and len(inputs) == 1 else population
        if name not in inputs:
            raise InputError(f"population {name!r}; the input populations are {list(inputs)}")
        events = EventStream(inputs[name], time_per_step, start)
        return self._follow(events, packets)

    def _follow(self, events: EventStream, packets: Iterable[Any]) -> Iterator[RunResult]:
        name = events.population.name
        for packet in packets:
            events.add(packet)
            for pairs, n_steps in events.complete():
                yield self.run(input_of(self._given, name, pairs, n_steps), n_steps)
        for pairs, n_steps in events.rest():
            yield self.run(input_of(self._given, name, pairs, n_steps), n_steps)

    def start_over(self, start: SampleStart = SampleStart.TRACES_CLEARED) -> None:
        """Begin the network afresh, step 0; what rules have learned is kept or not, as wanted.

        Parameters
        ----------
        start
            What is left of the learning before.

        Raises
        ------
        InputError
            If a sample is under way.
        """
        member("start", start, SampleStart)
        self._samples.refuse_within("start_over")
        self._check_whole()
        self._n_steps = 0
        if self._rules is not None:
            self._rules.start_over(start)

    def begin_sample(self, teaching: Teaching | None = None) -> None:
        """Begin the network afresh, step 0, and listen for what is to be learned.

        Parameters
        ----------
        teaching
            With :class:`hw_models.EpropParams`, which learn in every step from now on:
            ``Teaching(labels=[3])``, as :meth:`end_sample` has it for others. Bits of rounding
            follow from the steps of all samples so far, as in :func:`ssdp_neuro.learn`.

        Raises
        ------
        InputError
            If no projection is plastic, a sample is under way, or the teaching does not fit.
        """
        self._samples.refuse_within("begin_sample")
        self._check_whole()
        self._samples.begin(teaching)
        self._n_steps = 0

    def end_sample(self, teaching: Teaching | None = None) -> dict[str, int]:
        """Learn from the sample under way; then the network runs on, nothing is listened to.

        Parameters
        ----------
        teaching
            As for :func:`ssdp_neuro.learn`, of one sample: ``Teaching(labels=[3])``; none with
            e-prop, which is taught from the beginning. Its
            ``epochs``, ``first_sample`` and ``dopamine`` are the session's business, and must be
            left at their defaults.

        Returns
        -------
        By target of a plastic projection: the neuron that won, before the update; -1 if all were
        silent

        Raises
        ------
        InputError
            If there is no sample under way, or it has no steps, or no teaching that fits.
        """
        if not self.is_in_sample or self._n_steps == 0:
            raise InputError("end_sample: no steps of a sample to learn from; see begin_sample")
        self._check_whole()
        return self._samples.end(self._n_steps, teaching)

    def state(self) -> SessionState:
        """Where the session is; a copy, to be restored here or elsewhere, or saved.

        Raises
        ------
        InputError
            If a sample of e-prop is under way.
        """
        self._samples.refuse_within_eprop("state")
        self._check_whole()
        fields = (
            read_state(self._given, self._plan, self._live, self._n_steps)
            if self._n_steps
            else fresh_arrays(self._given, self._plan)
        )
        network: Any = self.network
        return SessionState(
            n_steps=self._n_steps,
            **fields,
            weights={name: network.projection(name).weights for name in self._plan.plastic},
            n_samples=self.n_samples,
            steps_learned=self._samples.steps_learned,
            dopamine=self._samples.dopamine,
            heard=self._samples.heard_sample(),
            rules={} if self._rules is None else self._rules.states(),
        )

    def restore(self, state: SessionState) -> None:
        """Go to a state of this network, from whichever session.

        Raises
        ------
        SsdpError
            If it is not one that the network can be in; the session is where it was.
        """
        if not isinstance(state, SessionState):
            raise TypeMismatchError(f"state: {brief(state)}; a SessionState is needed")
        check_state(self._given, self._plan, state)
        plastic = list(self._plan.plastic)
        if sorted(state.weights) != sorted(plastic):
            raise InputError(f"SessionState.weights of {sorted(state.weights)}; needed {plastic}")
        learned = [
            dataclasses.replace(self._given.projection(name), weights=state.weights[name])
            for name in plastic
        ]
        heard = self._samples.checked(state)
        if state.rules or self._rules is not None:
            rules = self._rules or RuleLearning(self._given, self._plan, active=())
            rules.restore(state.rules, {one.name: one for one in learned})
            self._rules = rules
        for projection in learned:
            self._simulator.set_plastic_weights(projection)
        write_state(self._given, self._plan, self._live, state)
        self._n_steps = state.n_steps
        self._samples.restore(state, heard)
        self._is_torn = False

    def _check_whole(self) -> None:
        if self._is_torn:
            raise InputError("the session was interrupted within a run; restore a state of before")
