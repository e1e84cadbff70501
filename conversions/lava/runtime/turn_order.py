"""In which order models take their turns, so that few of them have to wait."""

from __future__ import annotations

from conversions.lava.runtime.crew import Crew, Turn


class TurnOrder:
    """The order of turns in the spiking phase; it changes nothing but the time that a step takes.

    Senders come before those that wait for them. In a loop a model that sends before it
    receives comes first and waits for the end of the loop. Who these are is seen in the first
    step; Lava's connections, of which it is known, have a turn to send and one to receive.

    Parameters
    ----------
    turns
        Of all models.
    crew
        Runs them, and sees which model sends first.
    """

    def __init__(self, turns: list[Turn], crew: Crew) -> None:
        self._all = turns
        self._crew = crew
        self._is_known = False
        crew.first_acts = {}
        self.turns = _sorted(turns, set())

    def learn(self) -> None:
        """Look at a spiking phase that has been run."""
        if not self._is_known:
            self._is_known = True
            acts, self._crew.first_acts = self._crew.first_acts, None
            senders = {name for name, act in (acts or {}).items() if act == "send"}
            self.turns = _sorted(self._all, senders)


def in_order(keys: list[int], hears: dict[int, set[int]]) -> list[int] | None:
    """Keys, each behind all that it hears among them; None if there is a circle."""
    left = {key: hears[key] & set(keys) for key in keys}
    order: list[int] = []
    while left:
        ready = [key for key, missing in left.items() if not missing]
        if not ready:
            return None
        order += ready
        left = {key: missing.difference(ready) for key, missing in left.items() if missing}
    return order


def _sorted(turns: list[Turn], sends_first: set[int]) -> list[Turn]:
    """Topological order; loops begin with one that sends first, if there is one."""
    left = dict(enumerate(turns))
    sending: dict[int, set[int]] = {}
    for number, turn in left.items():
        if turn.sends:
            sending.setdefault(turn.key, set()).add(number)
    missing = {
        number: {k for sender in turn.hears for k in sending.get(sender, ())}
        for number, turn in left.items()
    }
    receivers: dict[int, list[int]] = {number: [] for number in left}
    for number, senders in missing.items():
        senders.discard(number)
        for sender in senders:
            receivers[sender].append(number)
    ready = [number for number in left if not missing[number]][::-1]
    order = []
    while left:
        if ready:
            number = ready.pop()
        else:
            number = min(left, key=lambda k: (left[k].key not in sends_first, len(missing[k])))
        order.append(left.pop(number))
        missing[number] = set()
        for receiver in receivers[number]:
            if receiver in left and missing[receiver]:
                missing[receiver].discard(number)
                if not missing[receiver]:
                    ready.append(receiver)
    asking = [turn for turn in order if turn.asks]
    return [*(turn for turn in order if not turn.asks), *asking]
