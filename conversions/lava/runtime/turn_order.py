"""In which order models take their turns, so that few of them have to wait."""

from __future__ import annotations

from conversions.lava.runtime.crew import Crew
from conversions.lava.runtime.model_building import Actor


class TurnOrder:
    """The order of models in a phase; it changes nothing but the time that a step takes.

    Senders come before those that wait for them. In a loop a model that sends before it
    receives, as Lava's connections do, comes first and waits for the end of the loop. Who
    these are is seen in the first step.
    """

    def __init__(self, actors: list[Actor], crew: Crew) -> None:
        self._all = actors
        self._crew = crew
        self._is_known = False
        crew.first_acts = {}
        self.actors = _sorted(actors, set())

    def learn(self) -> None:
        """Look at a spiking phase that has been run."""
        if not self._is_known:
            self._is_known = True
            acts, self._crew.first_acts = self._crew.first_acts, None
            senders = {name for name, act in (acts or {}).items() if act == "send"}
            self.actors = _sorted(self._all, senders)


def _sorted(actors: list[Actor], sends_first: set[int]) -> list[Actor]:
    """Topological order; loops begin with one that sends first, if there is one."""
    left = {id(actor): actor for actor in actors}
    missing = {key: {id(each) for each in actor.senders} & set(left) for key, actor in left.items()}
    receivers: dict[int, list[int]] = {key: [] for key in left}
    for key, senders in missing.items():
        senders.discard(key)
        for sender in senders:
            receivers[sender].append(key)
    ready = [key for key in left if not missing[key]][::-1]
    order = []
    while left:
        if ready:
            key = ready.pop()
        else:
            key = min(left, key=lambda k: (left[k].process.id not in sends_first, len(missing[k])))
        order.append(left.pop(key))
        missing[key] = set()
        for receiver in receivers[key]:
            if receiver in left and missing[receiver]:
                missing[receiver].discard(key)
                if not missing[receiver]:
                    ready.append(receiver)
    asking = [actor for actor in order if actor.process.ref_ports.members]
    return [*(actor for actor in order if actor not in asking), *asking]
