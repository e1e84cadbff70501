"""Where populations and projections of a network stand in its picture."""

from __future__ import annotations

from collections.abc import Iterable

from hw_models import FixedPointNetwork

Ends = tuple[str, str]


def levels_of(description: FixedPointNetwork) -> dict[str, int]:
    """By population, how many projections lead there at most, loops left out.

    A loop is left out at the projection that closes it, seen from the inputs.
    """
    onward: dict[str, list[str]] = {p.name: [] for p in description.populations}
    for projection in description.projections:
        onward[projection.source].append(projection.target)
    levels = dict.fromkeys(onward, 0)
    finished: list[str] = []
    forward: list[tuple[str, str]] = []
    state: dict[str, int] = {}
    starts = [p.name for p in description.inputs] + [p.name for p in description.neurons]
    for start in starts:
        stack = [(start, iter(onward[start]))] if start not in state else []
        state.setdefault(start, 1)
        while stack:
            name, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                stack.pop()
                state[name] = 2
                finished.append(name)
            elif state.get(target) != 1:
                forward.append((name, target))
                if target not in state:
                    state[target] = 1
                    stack.append((target, iter(onward[target])))
    leaving: dict[str, list[str]] = {name: [] for name in onward}
    for source, target in forward:
        leaving[source].append(target)
    for name in reversed(finished):
        for target in leaving[name]:
            levels[target] = max(levels[target], levels[name] + 1)
    return levels


def lanes_of(spans: Iterable[tuple[Ends, int, int]]) -> dict[Ends, int]:
    """By pair of names the first lane, from 0, in which nothing before it passes the same levels.

    Parameters
    ----------
    spans
        Names, level of the source and level of the target of each; short ones come first.
    """
    lanes: dict[Ends, int] = {}
    taken: list[list[tuple[float, float]]] = []
    for ends, source, target in sorted(spans, key=lambda span: abs(span[1] - span[2])):
        low, high = min(source, target), max(source, target)
        span = (low - 0.1, low + 0.1) if low == high else (low + 0.01, high - 0.01)
        for lane, passing in enumerate([*taken, []]):
            if all(span[1] <= other[0] or other[1] <= span[0] for other in passing):
                lanes[ends] = lane
                if lane == len(taken):
                    taken.append([])
                taken[lane].append(span)
                break
    return lanes
