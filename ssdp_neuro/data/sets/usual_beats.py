"""Heart beats beside what is usual of their patient: intervals, shape and width of the QRS complex.

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
WIDTH = (400, 2500)  # ratio to the typical beat's
WIDE_FROM = 3, 10  # of the highest deviation in the complex


def usual_levels(
    beats: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    time: np.ndarray,
    record: np.ndarray,
    channels: int,
) -> np.ndarray:
    """How far each beat is from what is usual of its patient, as thermometers.

    A beat stands for the time from the middle between it and the beat of its record that was
    stored before to the middle between it and the one stored after (the first and the last for as
    much on their other side): files hold all rare beats and few of the others, and a median over
    beats alone would be one of the rare. A record's usual interval is half the median, over time,
    of what lies between a beat's neighbours; its typical beat is the median over time, sample by
    sample, of the beats in that half of the time whose two intervals are nearest to the usual
    one. Each beat is taken from its own median. Compared are the interval before, the interval
    after, the second with the first, the mean distance from the typical beat over the QRS complex,
    and its width, in how many samples of the complex at least three tenths of the highest
    deviation are reached.

    Parameters
    ----------
    beats
        Integers ``(N, samples)``, converter units; more than 60 samples, the R peak at 90.
    before, after
        Samples since the beat before and to the next one, above 0, ``(N,)``.
    time
        Sample of the record at which each beat was, ``(N,)``; no two alike in a record.
    record
        The patient of each beat, ``(N,)``.
    channels
        Levels of each comparison, in equal ratios from the lowest to the highest.

    Returns
    -------
    bool, shape (N, 10 * channels)
        Of each comparison ``channels`` that are true where a level is reached; after all of these,
        in the same order, as many that are true where it is not.
    """
    before, after = before.astype(np.int64), after.astype(np.int64)
    level = beats.astype(np.int64)
    level -= _median(level)[:, None]
    ratios = np.zeros((4, len(beats)), dtype=np.int64)
    distance = np.zeros(len(beats), dtype=np.int64)
    for one in np.unique(record):
        own = np.flatnonzero(record == one)
        span = time_stood_for(time[own])
        twice_usual = median_over_time((before[own] + after[own])[:, None], span)[0]
        ratios[0, own] = 2 * PER_RATIO * before[own] // twice_usual
        ratios[1, own] = 2 * PER_RATIO * after[own] // twice_usual
        irregular = np.abs(ratios[:2, own] - PER_RATIO).sum(axis=0)
        regular = irregular <= median_over_time(irregular[:, None], span)
        typical = median_over_time(level[own[regular]], span[regular])
        apart = np.abs(level[own] - typical)[:, QRS]
        distance[own] = PER_RATIO * apart.sum(axis=1) // apart.shape[1]
        ratios[3, own] = PER_RATIO * width(level[own]) // width(typical[None])
    ratios[2] = PER_RATIO * after // before
    compared = (*ratios[:3], distance, ratios[3])
    bounds = (INTERVAL, INTERVAL, FOLLOWING, DISTANCE, WIDTH)
    reached = np.concatenate(
        [
            values[:, None] >= thresholds(low, high, channels)
            for values, (low, high) in zip(compared, bounds, strict=True)
        ],
        axis=1,
    )
    return np.concatenate([reached, ~reached], axis=1)


def width(level: np.ndarray) -> np.ndarray:
    """Samples of the complex as far from 0 as three tenths of the farthest, int64 ``(N,)``."""
    apart = np.abs(level[:, QRS])
    share, of = WIDE_FROM
    return (of * apart >= share * apart.max(axis=1, keepdims=True)).sum(axis=1)


def time_stood_for(time: np.ndarray) -> np.ndarray:
    """Twice the samples that each beat of a record stands for, int64 ``(N,)``; 1 for one alone."""
    if len(time) == 1:
        return np.ones(1, dtype=np.int64)
    order = np.argsort(time)
    gap = np.diff(time[order].astype(np.int64))
    span = np.empty(len(time), dtype=np.int64)
    span[order] = np.append(gap[0], gap) + np.append(gap, gap[-1])
    return span


def median_over_time(values: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Of each column the lowest value by which half of the time has passed, ``(columns,)``."""
    order = np.argsort(values, axis=0, kind="stable")
    passed = 2 * np.cumsum(span[order], axis=0) >= span.sum()
    middle = passed.argmax(axis=0)[None]
    return np.take_along_axis(np.take_along_axis(values, order, axis=0), middle, axis=0)[0]


def thresholds(low: int, high: int, channels: int) -> np.ndarray:
    """Whole numbers in equal ratios, int64 ``(channels,)``, half a ratio within both ends."""
    share = (np.arange(channels) + 0.5) / channels
    return np.rint(low * (high / low) ** share).astype(np.int64)


def _median(values: np.ndarray) -> np.ndarray:
    """Of each row the lower one of the two in the middle, so that whole numbers stay whole."""
    middle = (values.shape[1] - 1) // 2
    return np.partition(values, middle, axis=1)[:, middle]
