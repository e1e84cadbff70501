"""Learning from the samples of a session: what is heard of one, and the update at its end."""

from __future__ import annotations

import dataclasses
from typing import Any

from hw_models import FixedPointNetwork, InputError, TypeMismatchError
from hw_models.errors import brief
from ssdp_neuro.engine.job import NO_LATENCIES
from ssdp_neuro.engine.kernels.tables import LatencyTable
from ssdp_neuro.engine.latencies import Latencies
from ssdp_neuro.engine.learning_task import (
    LearningRecord,
    dopamine_statistics,
    learning_task,
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
        Whose plastic projections learn by integer DA-SSDP.
    simulator
        Its simulator, with weights of its own.
    """

    def __init__(self, network: FixedPointNetwork, simulator: Simulator) -> None:
        self._network = network
        self._simulator = simulator
        self.n_learned = 0
        self.dopamine: dict[str, Any] = {}
        self._heard: Latencies | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether learning listens."""
        return self._heard is not None

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
        if self._heard is not None:
            raise InputError(f"{call}: a sample is under way; end_sample comes first")

    def begin(self) -> None:
        """Listen from now on."""
        self._heard = self._listening()

    def end(self, n_steps: int, teaching: Teaching | None) -> dict[str, int]:
        """Learn from so many steps; returns the neuron that won, by target."""
        from ssdp_neuro.engine.learning_update import SampleUpdate  # imports Numba

        told = Teaching() if teaching is None else teaching
        if not isinstance(told, Teaching):
            raise TypeMismatchError(f"teaching: {brief(told)}; a Teaching is needed")
        if (told.epochs, told.first_sample, told.dopamine) != (1, 0, None):
            raise InputError("teaching: epochs, first_sample and dopamine are kept by the session")
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
            dopamine_statistics(plastic_projections(self._network, 1), state.dopamine)
        if state.heard is None:
            return None
        heard = self._listening()
        heard.put({name: getattr(state.heard, name) for name in HEARD}, state.n_steps)
        return heard

    def restore(self, state: SessionState, heard: Latencies | None) -> None:
        """Go to a state for which :meth:`checked` has given ``heard``."""
        self.n_learned, self.dopamine, self._heard = state.n_samples, dict(state.dopamine), heard

    def _listening(self) -> Latencies:
        """What hears the spikes of a sample, of as many steps as can be told apart."""
        plastic = plastic_projections(self._network, 1)
        rules = [projection.plasticity for projection in plastic.values()]
        most = min(rule.silent_code << rule.latency_shift for rule in rules)
        return Latencies(self._network, plastic, most, self._simulator.plan.index)
