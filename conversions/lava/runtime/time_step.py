"""A time step of a program: every model's turn in every phase, in Lava's order."""

from __future__ import annotations

import time
from typing import Any

from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.proc.monitor.models import PyMonitorModel

from conversions.lava.runtime.crew import Crew, Turn
from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.random_states import RandomStates
from conversions.lava.runtime.spiking_turns import spiking_turns
from conversions.lava.runtime.turn_order import TurnOrder

_PHASE, ANSWER = PyLoihiProcessModel.Phase, PyLoihiProcessModel.Response
SPIKING, PRE_MANAGEMENT, LEARNING, POST_MANAGEMENT, HOST = (
    int(each[0])
    for each in (_PHASE.SPK, _PHASE.PRE_MGMT, _PHASE.LRN, _PHASE.POST_MGMT, _PHASE.HOST)
)
PHASE_NAMES = {
    SPIKING: "spiking phase",
    PRE_MANAGEMENT: "management phase before learning",
    LEARNING: "learning phase",
    POST_MANAGEMENT: "management phase",
    HOST: "after the last phase",
}
NEXT_PHASE = (  # who asks for it, in Lava's order of precedence
    (int(ANSWER.REQ_PRE_LRN_MGMT[0]), PRE_MANAGEMENT),
    (int(ANSWER.REQ_LEARNING[0]), LEARNING),
    (int(ANSWER.REQ_POST_LRN_MGMT[0]), POST_MANAGEMENT),
)
TAKING_PART = {  # a model that has none of these from elsewhere does nothing in the phase
    PRE_MANAGEMENT: ("_pre_mgmt", "pre_guard", "run_pre_mgmt"),
    LEARNING: ("_lrn", "lrn_guard", "run_lrn", "post_guard"),
    POST_MANAGEMENT: ("_post_mgmt", "post_guard", "run_post_mgmt"),
    HOST: ("_host",),
}


class TimeStep:
    """Runs the steps of models that have them.

    Parameters
    ----------
    actors
        The models.
    crew
        Runs their turns.
    random
        Their random states.
    """

    def __init__(self, actors: list[Actor], crew: Crew, random: RandomStates) -> None:
        self.number = 0
        self.phase = HOST
        self._actors, self._crew, self._random = actors, crew, random
        turns = [each for actor in actors for each in spiking_turns(actor, actors, random)]
        self._order = TurnOrder(turns, crew)
        asking_last = sorted(actors, key=lambda actor: type(actor.model) is PyMonitorModel)
        self._taking_part = {
            phase: [actor for actor in asking_last if _takes_part(type(actor.model), names)]
            for phase, names in TAKING_PART.items()
        }
        self._turns = {
            phase: [self._turn(actor, phase) for actor in taking_part]
            for phase, taking_part in self._taking_part.items()
        }
        self._asked_of = [link[0] for actor in actors for link in actor.var_links]

    def run(self) -> set[int]:
        """Run one step; what models ask for that is no phase."""
        self.number += 1
        asked = self.run_phase(SPIKING)
        while asked:
            wanted = next(((ask, phase) for ask, phase in NEXT_PHASE if ask in asked), None)
            if wanted is None:
                break
            asked.discard(wanted[0])
            asked |= self.run_phase(wanted[1])
        return asked

    def run_phase(self, phase: int) -> set[int]:
        """Every model's part of a phase; what they ask for after it."""
        self.phase = phase
        crew = self._crew
        if phase == SPIKING:
            crew.is_managing = False
            crew.run(self._order.turns)
            self._order.learn()
        else:
            for actor in self._taking_part[phase]:
                actor.is_done = False
            crew.is_managing = phase != LEARNING
            crew.run(self._turns[phase])
        crew.is_managing = True
        for there in self._asked_of:
            there.on_put()  # what was written while the owner was busy
        return asked_by(self._actors)

    def place(self) -> str:
        """Where the run is, for messages."""
        if self.phase == HOST:
            return f" after step {self.number}"
        return f" in step {self.number}, {PHASE_NAMES[self.phase]}"

    def watch(self, seconds: dict[int, float]) -> None:
        """Add up the seconds that models run, by id of the Process."""
        for each in self._order.turns:
            _watch(each, each.key, seconds)
        for turns in self._turns.values():
            for turn in turns:
                _watch(turn, turn.key, seconds)

    def _turn(self, actor: Actor, phase: int) -> Turn:
        return turn_of(actor, actor.model._cmd_handlers[phase], self._random)


def turn_of(actor: Actor, handler: Any, random: RandomStates) -> Turn:
    """A turn of a model by one of its handlers, with random numbers of its own."""
    key = actor.process.id

    def call() -> None:
        handler()
        actor.is_done = True

    enter, leave = (lambda: random.enter(key)), (lambda: random.leave(key))
    return Turn(actor.name, call, enter, leave, actor.is_async, key)


def asked_by(actors: list[Actor]) -> set[int]:
    """What models asked for since the last time."""
    asked: set[int] = set()
    for actor in actors:
        if actor.answers:
            asked.update(actor.answers)
            actor.answers.clear()
    return asked


def _takes_part(kind: type, names: tuple[str, ...]) -> bool:
    base = PyLoihiProcessModel
    return not issubclass(kind, base) or any(
        getattr(kind, n) is not getattr(base, n) for n in names
    )


def _watch(turn: Turn, key: int, seconds: dict[int, float]) -> None:
    """Add up the seconds of a turn, without those in which it waits."""
    enter, leave = turn.enter, turn.leave
    began = 0.0

    def begin() -> None:
        nonlocal began
        if enter:
            enter()
        began = time.perf_counter()

    def end() -> None:
        seconds[key] += time.perf_counter() - began
        if leave:
            leave()

    turn.enter, turn.leave = begin, end
