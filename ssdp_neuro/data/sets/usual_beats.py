"""Heart beats beside what is usual of their patient: intervals, and the shape of the QRS complex.

Amplitudes, leads and pulses differ more from patient to patient than a premature beat differs
from the ones around it; how unlike its own patient's beats it is carries over to others. The
whole record has to be at hand, and the beat after the one that is judged.
"""

from __future__ import annotations

import numpy as np

PER_RATIO = 1000
QRS = slice(60, 130)  # samples of a beat whose R peak is sample 90
INTERVAL = (549, 1822)  # lowest and highest ratio to the usual one: e**-0.6 and e**0.6
FOLLOWING = (368, 2718)  # of the interval after a beat to the one before it: e**-1 and e**1
DISTANCE = (4_000, 100_000)  # thousandths of a converter unit, on average over the complex
GROUPS = 4


def usual_levels(
    beats: np.ndarray, before: np.ndarray, after: np.ndarray, record: np.ndarray, channels: int
) -> np.ndarray:
    """How far each beat is from what is usual of its patient, as thermometers.

    A record's usual interval is half the median of what lies between a beat's neighbours; its
    typical beat is the median, sample by sample, of the half of its beats whose two intervals are
    nearest to the usual one. Each beat is taken from its own median. Compared are the interval
    before, the interval after, the second with the first, and the mean distance from the typical
    beat over the QRS complex.

    Parameters
    ----------
    beats
        Integers ``(N, samples)``, converter units; more than 60 samples, the R peak at 90.
    before, after
        Samples since the beat before and to the next one, above 0, ``(N,)``.
    record
        The patient of each beat, ``(N,)``.
    channels
        Levels of each comparison, in equal ratios from the lowest to the highest.

    Returns
    -------
    bool, shape (N, 4 * channels)
        Channel ``k`` of a comparison is true where its level ``k`` is reached.
    """
    before, after = before.astype(np.int64), after.astype(np.int64)
    level = beats.astype(np.int64)
    level -= _median(level, axis=1)[:, None]
    ratios = np.zeros((3, len(beats)), dtype=np.int64)
    distance = np.zeros(len(beats), dtype=np.int64)
    for one in np.unique(record):
        own = np.flatnonzero(record == one)
        twice_usual = _median(before[own] + after[own], axis=0)
        ratios[0, own] = 2 * PER_RATIO * before[own] // twice_usual
        ratios[1, own] = 2 * PER_RATIO * after[own] // twice_usual
        irregular = np.abs(ratios[:2, own] - PER_RATIO).sum(axis=0)
        regular = own[np.argsort(irregular, kind="stable")[: max(1, len(own) // 2)]]
        typical = _median(level[regular], axis=0)
        apart = np.abs(level[own] - typical)[:, QRS]
        distance[own] = PER_RATIO * apart.sum(axis=1) // apart.shape[1]
    ratios[2] = PER_RATIO * after // before
    bounds = (INTERVAL, INTERVAL, FOLLOWING, DISTANCE)
    return np.concatenate(
        [
            values[:, None] >= thresholds(low, high, channels)
            for values, (low, high) in zip((*ratios, distance), bounds, strict=True)
        ],
        axis=1,
    )


def thresholds(low: int, high: int, channels: int) -> np.ndarray:
    """Whole numbers in equal ratios, int64 ``(channels,)``, half a ratio within both ends."""
    share = (np.arange(channels) + 0.5) / channels
    return np.rint(low * (high / low) ** share).astype(np.int64)


def _median(values: np.ndarray, axis: int) -> np.ndarray:
    """The lower one of the two in the middle, so that whole numbers stay whole."""
    middle = (values.shape[axis] - 1) // 2
    return np.partition(values, middle, axis=axis).take(middle, axis=axis)
