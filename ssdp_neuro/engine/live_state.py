"""The kernels' state of one sample, read and written as plain arrays by population."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, RangeError, ShapeError, UnknownNameError
from hw_models.arithmetic import STATE_LIMIT
from ssdp_neuro.engine.kernels.tables import ADAPTIVE, INPUT, UNIFORM, WIDE, State
from ssdp_neuro.engine.neuron_order import inverse, kept_order
from ssdp_neuro.engine.on_its_way import on_its_way, put_on_its_way
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.population_table import MAX_INPUT
from ssdp_neuro.engine.session_state import SessionState

Arrays = dict[str, dict[str, np.ndarray]]
STATE_FIELDS = ("u", "v", "waiting", "arriving", "adapted")  # the last of those that adapt


def fresh_arrays(network: FixedPointNetwork, plan: Plan) -> Arrays:
    """Fields of a :class:`SessionState` before the first step."""
    fields: Arrays = {name: {} for name in STATE_FIELDS}
    for population in network.neurons:
        size = population.n_neurons
        reach = int(plan.populations.reach[plan.index[population.name]])
        fields["u"][population.name] = np.broadcast_to(population.u, size)
        fields["v"][population.name] = np.broadcast_to(population.v, size)
        fields["waiting"][population.name] = np.zeros(size, dtype=np.int32)
        fields["arriving"][population.name] = np.zeros((reach, size), dtype=np.int32)
        if population.adapts:
            fields["adapted"][population.name] = np.zeros(size, dtype=np.int32)
    return fields


def read_state(network: FixedPointNetwork, plan: Plan, state: State, n_steps: int) -> Arrays:
    """The same after ``n_steps`` steps; views where possible."""
    fields: Arrays = {name: {} for name in STATE_FIELDS}
    for population in network.neurons:
        name, size = population.name, population.n_neurons
        u, v, waiting, adapted = _views(plan, state, name)
        order = kept_order(network, name)
        places = slice(None) if order is None else inverse(order)
        fields["u"][name], fields["v"][name] = u[places], v[places]
        fields["waiting"][name] = np.zeros(size, np.int32) if waiting is None else waiting[places]
        if adapted is not None:
            fields["adapted"][name] = adapted[places]
        fields["arriving"][name] = on_its_way(plan, state, plan.index[name], n_steps)[:, places]
    return fields


def write_state(network: FixedPointNetwork, plan: Plan, state: State, given: SessionState) -> None:
    """Put a checked state in the place of another; which blocks were live is not in it."""
    for population in network.neurons:
        name = population.name
        u, v, waiting, adapted = _views(plan, state, name)
        order = kept_order(network, name)
        kept = slice(None) if order is None else order
        u[:], v[:] = given.u[name][kept], given.v[name][kept]
        if waiting is not None:
            waiting[:] = given.waiting[name][kept]
        if adapted is not None:
            adapted[:] = given.adapted[name][kept]
        arriving = given.arriving[name][:, kept]
        put_on_its_way(plan, state, plan.index[name], given.n_steps, arriving)
    state.n_past[:] = 0
    state.sweep[:] = 1  # a census finds out later what is at rest
    state.swept[:] = plan.populations.kind != INPUT
    state.live[:] = 0
    state.n_live[:] = 0
    state.n_known[:] = 0


def check_state(network: FixedPointNetwork, plan: Plan, given: SessionState) -> None:
    """Refuse a state that this network cannot have come to.

    Raises
    ------
    UnknownNameError, ShapeError, RangeError, InputError
        Names the population.
    """
    all_names = [population.name for population in network.neurons]
    adaptive = [population.name for population in network.neurons if population.adapts]
    for field in STATE_FIELDS:
        names = adaptive if field == "adapted" else all_names
        if sorted(getattr(given, field)) != sorted(names):
            found = sorted(getattr(given, field))
            raise UnknownNameError(f"SessionState.{field} of {found}; LIF populations are {names}")
    for population in network.neurons:
        p, size = plan.index[population.name], population.n_neurons
        kind, reach = plan.populations.kind[p], int(plan.populations.reach[p])
        keeps_current = bool((population.current_decay < 4095).any())
        word, waits = 2**31, 0 if kind == UNIFORM else population.refractory
        narrow = kind not in {WIDE, ADAPTIVE}
        limits: dict[str, tuple[tuple[int, ...], int, int]] = {
            "u": ((size,), *_around(STATE_LIMIT if narrow and keeps_current else word)),
            "v": ((size,), *_around(2 * STATE_LIMIT if narrow else word)),
            "waiting": ((size,), 0, waits),
            "arriving": ((reach, size), *_around(MAX_INPUT if narrow and keeps_current else word)),
        }
        if population.adapts:
            limits["adapted"] = ((size,), 0, STATE_LIMIT - 1)
        for field, (shape, low, high) in limits.items():
            array = getattr(given, field)[population.name]
            where = f"SessionState.{field}[{population.name!r}]"
            if array.shape != shape:
                raise ShapeError(f"{where}: shape {array.shape}; {shape} is needed")
            if array.size and not (low <= int(array.min()) and int(array.max()) <= high):
                raise RangeError(
                    f"{where}: values {array.min()}..{array.max()}; allowed {low}..{high}"
                )
    if given.n_steps == 0:
        fresh = fresh_arrays(network, plan)
        for field in STATE_FIELDS:
            for name in fresh[field]:
                if not np.array_equal(getattr(given, field)[name], fresh[field][name]):
                    raise InputError(
                        f"SessionState.{field}[{name!r}]: not where the network begins, and"
                        " n_steps is 0"
                    )


def _around(limit: int) -> tuple[int, int]:
    return -limit, limit


def _views(plan: Plan, state: State, name: str) -> tuple[Any, Any, Any, Any]:
    """Arrays u, v, waiting and adapted (None if no neuron ever does) of a population."""
    table, p = plan.populations, plan.index[name]
    size, start, row = int(table.size[p]), int(table.offset[p]), int(table.row[p])
    waiting = None if table.kind[p] == UNIFORM else state.wait[row : row + size]
    adapted = state.adapted[row : row + size] if table.kind[p] == ADAPTIVE else None
    return state.u[start : start + size], state.v[start : start + size], waiting, adapted
