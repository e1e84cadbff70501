"""Integers that count what is done to them: a tally by event, place and kind of operation."""

from __future__ import annotations

import contextlib
import enum
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ssdp_neuro.oracle.plain_da_ssdp import random_bits


class Operation(enum.Enum):
    """What is counted; the value is its name in tables. Magnitudes and signs count as additions."""

    MULTIPLY = "multiplications"
    DIVIDE = "divisions"
    ADD = "additions"
    COMPARE = "comparisons"
    LOGIC = "shifts and logic"
    LOOKUP = "table reads"
    DRAW = "random words"


class Event(enum.Enum):
    """What an operation is done for."""

    SPIKE = "at a spike"
    STEP = "in a step"
    SAMPLE = "after a sample"


class Place(enum.Enum):
    """Whether once for a neuron, or for each of its synapses."""

    NEURON = "neurons"
    SYNAPSE = "synapses"


class Tally:
    """Counts of operations; nothing is counted while ``counting`` is false."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[Event, Place, Operation]] = Counter()
        self.updates = 0  # weights that were read and written
        self.counting = True
        self.now = (Event.SPIKE, Place.NEURON)

    @contextlib.contextmanager
    def at(self, event: Event, place: Place) -> Iterator[None]:
        """What is done inside belongs here."""
        before, self.now = self.now, (event, place)
        yield
        self.now = before

    def note(self, operation: Operation) -> None:
        """One operation."""
        if self.counting:
            self.counts[(*self.now, operation)] += 1

    def note_update(self) -> None:
        """One weight that was changed, or could have been."""
        self.updates += self.counting

    def number(self, value: Any) -> Counted:
        """An integer whose operations count here."""
        return Counted(int(value), self)

    def read(self, table: Sequence[int], place: Counted) -> Counted:
        """An entry of a table."""
        self.note(Operation.LOOKUP)
        return Counted(int(table[place.value]), self)

    def draw(self, *key: int) -> Counted:
        """32 random bits of a key; how they are mixed isn't counted, a chip draws otherwise."""
        self.note(Operation.DRAW)
        return Counted(random_bits(*key), self)

    def total(self, *wanted: Event | Place | Operation) -> int:
        """All operations, or those of an event, a place and a kind."""
        return sum(n for key, n in self.counts.items() if set(wanted) <= set(key))


def _made(operation: Operation, function: Callable[[int, int], int]) -> Any:
    def method(self: Counted, other: Any = 0) -> Counted:
        self.tally.note(operation)
        return Counted(function(self.value, getattr(other, "value", other)), self.tally)

    return method


def _compared(function: Callable[[int, int], bool]) -> Any:
    def method(self: Counted, other: Any) -> bool:
        self.tally.note(Operation.COMPARE)
        return function(self.value, getattr(other, "value", other))

    return method


class Counted:
    """An integer of a tally. It is no truth value: comparisons shall be seen, and counted."""

    __slots__ = ("tally", "value")

    def __init__(self, value: int, tally: Tally) -> None:
        self.value, self.tally = value, tally

    __add__ = __radd__ = _made(Operation.ADD, operator.add)
    __sub__ = _made(Operation.ADD, operator.sub)
    __rsub__ = _made(Operation.ADD, lambda a, b: b - a)
    __neg__ = _made(Operation.ADD, lambda a, _: -a)
    __abs__ = _made(Operation.ADD, lambda a, _: abs(a))
    __mul__ = __rmul__ = _made(Operation.MULTIPLY, operator.mul)
    __floordiv__ = _made(Operation.DIVIDE, operator.floordiv)
    __rshift__ = _made(Operation.LOGIC, operator.rshift)
    __lshift__ = _made(Operation.LOGIC, operator.lshift)
    __and__ = _made(Operation.LOGIC, operator.and_)
    __or__ = _made(Operation.LOGIC, operator.or_)
    __lt__ = _compared(operator.lt)
    __le__ = _compared(operator.le)
    __gt__ = _compared(operator.gt)
    __ge__ = _compared(operator.ge)
    __eq__ = _compared(operator.eq)
    __ne__ = _compared(operator.ne)
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("a counted integer is no truth value; compare it")

    def __repr__(self) -> str:
        return f"Counted({self.value})"

    def ones(self) -> Counted:
        """How many of its bits are 1: one operation of logic."""
        self.tally.note(Operation.LOGIC)
        return Counted(bin(self.value).count("1"), self.tally)

    def within(self, low: int, high: int) -> Counted:
        """The nearest value of a range; two comparisons."""
        too_low, too_high = self < low, self > high
        return Counted(low if too_low else high if too_high else self.value, self.tally)
