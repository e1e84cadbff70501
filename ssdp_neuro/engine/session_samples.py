"""Learning from the samples of a session: what is heard of one, and the update at its end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, TypeMismatchError
from hw_models.errors import brief
from ssdp_neuro.engine.eprop_learning import EpropLearning
from ssdp_neuro.engine.job import NO_LATENCIES
from ssdp_neuro.engine.kernels.tables import LatencyTable, RuleTable
from ssdp_neuro.engine.latencies import Latencies
from ssdp_neuro.engine.learning_task import (
    LearningRecord,
    LearningTask,
    dopamine_statistics,
    learning_task,
    learns_by_eprop,
    plastic_projections,
)
from ssdp_neuro.engine.session_state import HEARD, MOST_STEPS, HeardSample, SessionState
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.teaching import Teaching


class SessionSamples:
    """The sample under way, and what earlier ones have left.

    Parameters
    ----------
    network
        Whose plastic projections learn by integer DA-SSDP at the end of a sample, or by
        integer e-prop in its every step.
    simulator
        Its simulator, with weights of its own.
    """

    def __init__(self, network: FixedPointNetwork, simulator: Simulator) -> None:
        self._network = network
        self._simulator = simulator
        self.n_learned = 0
        self.dopamine: dict[str, Any] = {}
        self._heard: Latencies | None = None
        self.steps_learned = 0
        self._eprop: EpropSample | None = None
        self._by_eprop = learns_by_eprop(network)

    @property
    def is_under_way(self) -> bool:
        """Whether learning listens."""
        return self._heard is not None or self._eprop is not None

    @property
    def learning(self) -> EpropLearning | None:
        """What projections keep that learn by e-prop in the sample under way."""
        return None if self._eprop is None else self._eprop.learning

    @property
    def rules(self) -> RuleTable | None:
        """What learns in every step of the sample under way."""
        return None if self._eprop is None else self._eprop.rules

    def note(self, fired: Mapping[str, np.ndarray]) -> None:
        """Count the spikes of a step, indices by population, for who wins the sample."""
        if self._eprop is not None:
            self._eprop.note(fired)

    def note_run(self, reader: Any, begin: int, n_steps: int) -> None:
        """The same of several steps, from ``begin`` on."""
        if self._eprop is not None:
            self._eprop.note_run(reader, begin, n_steps)

    @property
    def most_steps(self) -> int:
        """Steps until a sample must end."""
        return MOST_STEPS if self._heard is None else self._heard.n_steps

    @property
    def table(self) -> LatencyTable:
        """What listens to the network."""
        return NO_LATENCIES if self._heard is None else self._heard.table

    def refuse_within(self, call: str) -> None:
        """Raise InputError while a sample is under way."""
        if self.is_under_way:
            raise InputError(f"{call}: a sample is under way; end_sample comes first")

    def refuse_within_eprop(self, call: str) -> None:
        """Raise InputError while e-prop learns, whose traces are no part of a state."""
        if self._eprop is not None:
            raise InputError(f"{call}: a sample of e-prop is under way; end_sample comes first")

    def begin(self, teaching: Teaching | None) -> None:
        """Listen from now on; e-prop is taught from now on."""
        if not self._by_eprop:
            if teaching is not None:
                raise InputError("begin_sample: teaching is given to end_sample, but for e-prop")
            self._heard = self._listening()
            return
        told = _of_one_sample(teaching)
        task = learning_task(self._network, None, told, n_steps=1)
        self._eprop = EpropSample(task, self._simulator, self.steps_learned)

    def end(self, n_steps: int, teaching: Teaching | None) -> dict[str, int]:
        """Learn from so many steps; returns the neuron that won, by target."""
        from ssdp_neuro.engine.learning_update import SampleUpdate  # imports Numba

        if self._eprop is not None:
            if teaching is not None:
                raise InputError("end_sample: e-prop is taught by begin_sample(teaching)")
            won = self._eprop.winners()
            self._eprop = None
            self.n_learned += 1
            self.steps_learned += n_steps
            return won
        told = _of_one_sample(teaching)
        told = dataclasses.replace(told, first_sample=self.n_learned, dopamine=self.dopamine)
        record = LearningRecord(learning_task(self._network, None, told, n_steps=n_steps))
        assert self._heard is not None
        SampleUpdate(self._simulator, record, self._heard).apply(0)
        self.dopamine = record.dopamine
        self.n_learned += 1
        self._heard = None
        return {name: int(winners[0]) for name, winners in record.decisions.items()}

    def heard_sample(self) -> HeardSample | None:
        """What has been heard of the sample under way."""
        if self._heard is None:
            return None
        return HeardSample(**{name: getattr(self._heard.table, name) for name in HEARD})

    def checked(self, state: SessionState) -> Latencies | None:
        """What would listen after a restore; InputError if nothing of the network can learn so."""
        plastic = self._simulator.plan.plastic
        if state.dopamine or state.n_samples or state.heard is not None:
            if not plastic:
                raise InputError("SessionState: it learns, and no projection is plastic")
            if self._by_eprop:
                if state.dopamine or state.heard is not None:
                    raise InputError("SessionState: of DA-SSDP; the network learns by e-prop")
            else:
                dopamine_statistics(plastic_projections(self._network, 1), state.dopamine)
        if state.heard is None:
            return None
        heard = self._listening()
        heard.put({name: getattr(state.heard, name) for name in HEARD}, state.n_steps)
        return heard

    def restore(self, state: SessionState, heard: Latencies | None) -> None:
        """Go to a state for which :meth:`checked` has given ``heard``."""
        self.n_learned, self.dopamine, self._heard = state.n_samples, dict(state.dopamine), heard
        self.steps_learned, self._eprop = state.steps_learned, None

    def _listening(self) -> Latencies:
        """What hears the spikes of a sample, of as many steps as can be told apart."""
        plastic = plastic_projections(self._network, 1)
        rules = [projection.plasticity for projection in plastic.values()]
        most = min(rule.silent_code << rule.latency_shift for rule in rules)
        return Latencies(self._network, plastic, most, self._simulator.plan.index)


class EpropSample:
    """A sample from which e-prop learns step by step.

    Parameters
    ----------
    task
        Of this one sample.
    simulator
        Of the session, with weights of its own.
    first_step
        Steps of all samples before it.
    """

    def __init__(self, task: LearningTask, simulator: Simulator, first_step: int) -> None:
        learning = EpropLearning(task, simulator.plan)
        learning.begin(task, 0, first_step)
        self.learning, self.rules = learning, learning.rules
        self._record = LearningRecord(task)
        sizes = {name: counts.shape[1] for name, counts in self._record.spike_counts.items()}
        self._counts = {name: np.zeros(n, dtype=np.int64) for name, n in sizes.items()}
        self._first = {name: np.full(n, -1, dtype=np.int64) for name, n in sizes.items()}
        self._n_steps = 0

    def note(self, fired: Mapping[str, np.ndarray]) -> None:
        """Count the spikes of one step."""
        for name, counts in self._counts.items():
            counts[fired[name]] += 1
            first = self._first[name]
            first[fired[name]] = np.where(first[fired[name]] < 0, self._n_steps, first[fired[name]])
        self._n_steps += 1

    def note_run(self, reader: Any, begin: int, n_steps: int) -> None:
        """Count the spikes of a run."""
        for name, counts in self._counts.items():
            here, first = reader.counts(name)[0], self._first[name]
            new = (counts == 0) & (here > 0)
            first[new] = begin + reader.first_spikes(name)[0][new]
            counts += here
        self._n_steps = begin + n_steps

    def winners(self) -> dict[str, int]:
        """By target: the neuron that won, -1 if all were silent."""
        for name, counts in self._counts.items():
            self._record.note_spikes(0, name, counts, self._first[name])
        return {name: int(winners[0]) for name, winners in self._record.decisions.items()}


def _of_one_sample(teaching: Teaching | None) -> Teaching:
    told = Teaching() if teaching is None else teaching
    if not isinstance(told, Teaching):
        raise TypeMismatchError(f"teaching: {brief(told)}; a Teaching is needed")
    if (told.epochs, told.first_sample, told.dopamine) != (1, 0, None):
        raise InputError("teaching: epochs, first_sample and dopamine are kept by the session")
    return told
