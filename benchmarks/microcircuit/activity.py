"""How often, and how regularly, the neurons of a population fire."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.microcircuit.parameters import STEP_MS

LEAST_SPIKES = 5  # of a neuron whose intervals count


class Activity(NamedTuple):
    """Of one population; ``irregularity`` is NaN if no neuron fired often enough.

    ``irregularity`` is the coefficient of variation of the intervals between a neuron's spikes
    (1 for a Poisson process, 0 for a clock), its mean over neurons with at least LEAST_SPIKES.
    """

    rate_hz: float
    irregularity: float
    n_irregular: int


def activity(spikes: np.ndarray, n_neurons: int, first: int, last: int) -> Activity:
    """Of the steps ``first..last - 1``.

    Parameters
    ----------
    spikes
        Rows (step, neuron), ``(n, 2)``, in any order.
    """
    step, neuron = spikes[(spikes[:, 0] >= first) & (spikes[:, 0] < last)].T
    seconds = (last - first) * STEP_MS / 1000
    rate = step.size / (n_neurons * seconds)
    order = np.lexsort((step, neuron))
    step, neuron = step[order], neuron[order]
    same = neuron[1:] == neuron[:-1]
    interval, owner = np.diff(step)[same].astype(float), neuron[1:][same]
    count = np.bincount(owner, minlength=n_neurons)
    often = count >= LEAST_SPIKES - 1
    if not often.any():
        return Activity(rate, float("nan"), 0)
    mean = np.bincount(owner, interval, n_neurons)[often] / count[often]
    deviation = interval - np.where(often, _spread(mean, often), 0)[owner]
    variance = np.bincount(owner, deviation**2, n_neurons)[often] / count[often]
    return Activity(rate, float(np.mean(np.sqrt(variance) / mean)), int(often.sum()))


def _spread(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values at the true places, zeros elsewhere."""
    spread = np.zeros(places.size)
    spread[places] = values
    return spread
