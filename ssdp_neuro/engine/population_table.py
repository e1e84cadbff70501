"""Populations of a network lowered to the flat arrays that the kernels read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    ResetMode,
    SparseProjection,
)
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY, STATE_LIMIT
from hw_models.bounds import input_bound
from ssdp_neuro.engine.aligned import joined
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.kernels.catalog import (
    REMEMBER,
    TAKE_PENDING,
    UPDATES,
    VISIT_BLOCKS,
    addresses_of,
)
from ssdp_neuro.engine.kernels.tables import BLOCK, PopulationTable, ProjectionTable, padded
from ssdp_neuro.engine.neuron_order import kept_order

MAX_INPUT = 2 * STATE_LIMIT >> ALIGN_SHIFT  # beyond it, one wrap may leave more than 24 bits
ROUNDS = 24  # slots of drive beyond the most that is reached: it is seldom in two pieces
ALWAYS_SWEPT = 1024  # neurons; below, one vector pass costs less than keeping a list


def population_table(network: FixedPointNetwork, projections: ProjectionTable) -> PopulationTable:
    """The populations of a network as flat arrays; ``projections`` are its own."""
    count = len(network.populations)
    columns: dict[str, Any] = {
        field: np.zeros(count, dtype=dtype)
        for dtype, fields in (
            (np.uint8, ("kind", "subtract", "awake", "begins", "named")),
            (np.int64, ("size", "stride", "ring", "interval", "phase", "row")),
            (np.int64, ("begin_row", "channels", "reach", "depth")),
            (np.float64, ("keep_u", "keep_v")),
            (np.int32, ("bias", "threshold", "refractory")),
        )
        for field in fields
    }
    each: dict[str, list[np.ndarray]] = {
        field: []
        for field in ("keep_u", "keep_v", "bias", "threshold", "u", "v", "rise", "keep_rise")
    }
    any_adapts = any(population.adapts for population in network.neurons)
    rows = begin_rows = 0
    for p, population in enumerate(network.populations):
        columns["size"][p] = population.n_neurons
        columns["stride"][p] = padded(population.n_neurons)
        span = int(projections.span[projections.target == p].max(initial=1))
        columns["ring"][p] = min(4 * span - 3, span + ROUNDS)
        columns["reach"][p] = _longest_delay(network, population.name) + 1
        columns["depth"][p] = projections.lag[projections.source == p].max(initial=-1) + 1
        if isinstance(population, InputPopulation):
            columns["stride"][p] = 0
            columns["awake"][p] = 1
            continue
        size, order = population.n_neurons, kept_order(network, population.name)
        if order is not None:
            columns["channels"][p] = population.shape[0]
            sent = projections.source == p
            columns["named"][p] = bool(((projections.placed == 0) & sent).any())
        values = _neuron_parameters(population)
        columns["kind"][p] = kind = _kind(network, population, values)
        uniform = kind == tables.UNIFORM
        columns["awake"][p] = bool(
            population.n_neurons <= ALWAYS_SWEPT
            or values["bias"].any()
            or population.adapts  # its thresholds fall in every step
            or (values["threshold"] < 0).any()
        )
        columns["refractory"][p] = population.refractory
        columns["subtract"][p] = population.reset is ResetMode.SUBTRACT
        columns["interval"][p] = population.reset_interval
        if population.reset_interval:
            columns["phase"][p] = population.reset_offset % population.reset_interval
        columns["row"][p] = rows
        for field, value in values.items():
            if uniform:
                columns[field][p] = value[0]
            else:
                each[field].append(_kept(value, size, order))
        if any_adapts and not uniform:
            for field, value in _adaptation(population).items():
                each[field].append(_kept(value, size, order))
        rows += 0 if uniform else population.n_neurons
        columns["begin_row"][p] = begin_rows
        columns["begins"][p] = begins = bool(population.u.any() or population.v.any())
        if begins:
            for field in ("u", "v"):
                value = getattr(population, field)
                each[field].append(_kept(value, size, order))
            begin_rows += population.n_neurons
    strides, rings, depths = columns["stride"], columns["ring"], columns["depth"]
    pending = np.where(columns["reach"] > 1, columns["reach"] * strides, 0)
    past = depths * (columns["size"] + 3)
    return PopulationTable(
        **columns,
        pending_row=np.cumsum(pending) - pending,
        past_row=np.cumsum(past) - past,
        past_count_row=np.cumsum(depths) - depths,
        offset=np.cumsum(strides) - strides,
        drive_offset=np.cumsum(strides * rings) - strides * rings,
        each_keep_u=joined(each["keep_u"], np.float32),
        each_keep_v=joined(each["keep_v"], np.float32),
        each_bias=joined(each["bias"], np.int32),
        each_threshold=joined(each["threshold"], np.int32),
        each_rise=joined(each["rise"], np.int32),
        each_keep_rise=joined(each["keep_rise"], np.float64),
        begin_u=joined(each["u"], np.int32),
        begin_v=joined(each["v"], np.int32),
        update=addresses_of(UPDATES.get(kind) for kind in columns["kind"]),
        ranges=np.zeros(count, dtype=np.int64),
        grain=np.array(
            [
                _grain(population, columns["channels"][p] > 0)
                for p, population in enumerate(network.populations)
            ]
        ),
        visit=addresses_of(None if awake else VISIT_BLOCKS for awake in columns["awake"]),
        remember=addresses_of(REMEMBER if depth else None for depth in depths),
        take_pending=addresses_of(
            TAKE_PENDING if reach > 1 else None for reach in columns["reach"]
        ),
    )


def _grain(population: Any, is_image: bool) -> int:
    """Neurons of which threads' ranges are whole multiples: blocks, and rows of an image."""
    if not is_image:
        return BLOCK
    channels, _, columns = population.shape
    return math.lcm(BLOCK, channels * columns)


def _kept(value: np.ndarray, size: int, order: np.ndarray | None) -> np.ndarray:
    """A value of each neuron, as the kernels keep them."""
    each = np.broadcast_to(value, size)
    return each if order is None else each[order]


def _kind(
    network: FixedPointNetwork, population: LifPopulation, values: dict[str, np.ndarray]
) -> int:
    """The step that a population needs; WIDE if its state may not fit 24 bits and a sign.

    ADAPTIVE has room for such state, too.
    """
    subtract = population.reset is ResetMode.SUBTRACT
    if population.adapts:
        return tables.ADAPTIVE
    one_of_each = all(value.size == 1 for value in values.values())
    if subtract and values["threshold"].min() < -STATE_LIMIT:
        return tables.WIDE
    if values["keep_u"].any() and not is_narrow(network, population.name):
        return tables.WIDE
    uniform = one_of_each and not (subtract or population.refractory)
    return tables.UNIFORM if uniform else tables.GENERAL


def is_narrow(network: FixedPointNetwork, name: str) -> bool:
    """Whether the current of every neuron stays within ``-2**23..2**23``, whatever arrives.

    A current that does, and an aligned input of at most ``2**24``, are together less than
    ``2**25``, which wrapping to 24 bits brings back.
    """
    ending = [projection for projection in network.projections if projection.target == name]
    bound = input_bound(ending, network.population(name).n_neurons)
    return int(bound.magnitude.max(initial=0)) <= MAX_INPUT


def _longest_delay(network: FixedPointNetwork, name: str) -> int:
    return max(
        (
            int(projection.delays.max(initial=0))
            for projection in network.projections
            if projection.target == name
            and isinstance(projection, (DenseProjection, SparseProjection))
            and projection.delays is not None
        ),
        default=0,
    )


def _neuron_parameters(population: LifPopulation) -> dict[str, np.ndarray]:
    return {
        "keep_u": (DECAY_UNITY - 1 - population.current_decay) / DECAY_UNITY,
        "keep_v": (DECAY_UNITY - population.voltage_decay) / DECAY_UNITY,
        "bias": population.bias,
        "threshold": population.threshold << ALIGN_SHIFT,
    }


def _adaptation(population: LifPopulation) -> dict[str, np.ndarray]:
    return {
        "rise": population.threshold_rise << ALIGN_SHIFT,
        "keep_rise": (DECAY_UNITY - population.threshold_decay) / DECAY_UNITY,
    }
