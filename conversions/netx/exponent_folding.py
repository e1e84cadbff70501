"""Weights with an exponent, as netx loads none: their layer counted in larger units.

netx holds whole weights of a matrix in one register of 8 bits and undoes a shift that only
makes small ones larger. Weights of ``mantissa * 2**k`` beyond it become mantissas, and what they
are compared with is divided by ``2**k``. Between two whole units a potential has 64 steps
either way, so what a decay rounds off is ``2**k`` times as much, still below a mantissa's 64th.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from conversions.netx.loaded_weights import HIGH, LOW
from hw_models import FixedPointNetwork, LifPopulation


def folded(network: FixedPointNetwork) -> tuple[FixedPointNetwork, list[str]]:
    """The network with the exponents that netx cannot hold in thresholds and biases.

    Returns
    -------
    network
        The same object if there is nothing to fold.
    notes
        One sentence for each population that counts in other units.
    """
    records: list[Any] = []
    notes: list[str] = []
    for population in network.neurons:
        arriving: list[Any] = [p for p in network.projections if p.target == population.name]
        if not any(map(_is_beyond, arriving)):
            continue
        shift = min(projection.weight_exponent for projection in arriving)
        if shift <= 0:
            continue
        made, note = _in_larger_units(population, shift)
        if made is None:
            continue
        records.append(made)
        records += [
            dataclasses.replace(one, weight_exponent=one.weight_exponent - shift)
            for one in arriving
        ]
        notes.append(note)
    return (network.replace(*records) if records else network), notes


def _is_beyond(projection: Any) -> bool:
    if not hasattr(projection, "weights") or projection.weight_exponent <= 0:
        return False
    whole = projection.weights.astype(np.int64) << projection.weight_exponent
    return bool(whole.max(initial=0) > HIGH or whole.min(initial=0) < LOW)


def _in_larger_units(population: LifPopulation, shift: int) -> tuple[LifPopulation | None, str]:
    """Thresholds and biases divided by ``2**shift``; None if nothing would be left of one."""
    given = population.threshold.astype(np.int64)
    threshold = np.rint(np.ldexp(given.astype(np.float64), -shift)).astype(np.int64)
    if (threshold < 1).any():
        return None, ""
    bias = population.bias.astype(np.int64)
    fewer = np.rint(np.ldexp(bias.astype(np.float64), -shift)).astype(np.int64)
    settings: dict[str, Any] = {"threshold": threshold}
    if bias.any():
        # netx has multiples of 64
        mantissa = np.rint(fewer / 64).astype(np.int64)
        settings |= {"bias_mantissa": mantissa, "bias_exponent": np.full_like(mantissa, 6)}
    moved = float(np.abs(np.ldexp(threshold.astype(np.float64), shift) / given - 1).max())
    note = (
        f"{population.name}: netx has no exponents of weights, so this layer counts in units of"
        f" {1 << shift}: the threshold {int(given.min())} is written as {int(threshold.min())}"
        f" (moved by {moved:.2g} of it), decays and biases round to these units. Spikes may differ"
        " from the network's."
    )
    return dataclasses.replace(population, **settings), note
