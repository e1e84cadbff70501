"""Codes in which an input fires at most once: what they make of signals that are easy to follow."""

import numpy as np

from benchmarks.latency_data.__main__ import KERNEL, learned
from benchmarks.latency_data.hearts import BEFORE_R, LEVELS, level_times
from benchmarks.latency_data.movements import backwards, counts, profile, tops
from benchmarks.latency_data.real_set import both_ways, shares_reached
from conversions.demo.latency_study import LAST, N_STEPS
from ssdp_neuro.data.formats.event_recordings import EVENTS
from ssdp_neuro.data.sets.mit_bih import R_PEAK


def test_shares_reached__says_when_a_quarter_half_and_three_quarters_have_come():
    level = np.zeros((1, 8, 3), dtype=int)
    level[0, :, 0] = 1  # evenly
    level[0, 5, 1] = 7  # at once; the third hears nothing, and is silent
    assert shares_reached(level).tolist() == [[1, 5, N_STEPS, 3, 5, N_STEPS, 5, 5, N_STEPS]]
    assert np.array_equal(shares_reached(9 * level), shares_reached(level))


def test_level_times__are_the_last_rise_and_the_first_fall():
    beat = np.zeros((2, 256))
    ramp = np.concatenate([np.arange(20), 20 - np.arange(21)])  # its peak at the R peak
    beat[:, R_PEAK - 20 : R_PEAK + 21] = ramp
    beat[1] *= -3.0
    beat[:, R_PEAK - 30] = 0.9 * np.array([20, -60])  # an earlier bump changes nothing
    rise, fall = np.split(level_times(beat), 2, axis=1)
    shares = np.linspace(0.1, 0.9, LEVELS)
    assert rise.tolist() == [(BEFORE_R - 20 + np.ceil(20 * shares)).astype(int).tolist()] * 2
    assert fall.tolist() == [(BEFORE_R + 1 + np.floor(20 - 20 * shares)).astype(int).tolist()] * 2


def walk(t: np.ndarray) -> np.ndarray:
    """A point that goes through 34 columns of one row, an event every few of ``t``."""
    events = np.zeros(len(t), dtype=EVENTS)
    events["x"], events["y"], events["t"] = np.arange(len(t)) * 34 // len(t), 5, t
    return events


def test_profile__keeps_the_order_of_places_and_nothing_of_the_clock():
    n = 34 * 52
    steady = profile(walk(np.arange(n) * 100), 34, 2)
    assert np.array_equal(profile(walk(np.cumsum(np.arange(n))), 34, 2), steady)
    assert np.array_equal(steady.sum(1), np.full(LAST, 2 * n / LAST))  # a column and a row each
    columns = shares_reached(steady[None], (0.5,))[0, :17]
    assert (np.diff(columns) > 0).all()
    rows = shares_reached(steady[None], (0.5,))[0, 17:]
    assert np.flatnonzero(rows < N_STEPS).tolist() == [2]
    there_and_back = both_ways(steady[None], counts(walk(np.arange(n)), 34, 2)[None], np.zeros(1))
    assert there_and_back.labels.tolist() == [0, 1]
    assert np.array_equal(*(there_and_back.latencies < N_STEPS))
    assert (np.diff(there_and_back.latencies[1, :17]) < 0).all()


def test_tops__are_where_a_circling_arm_is_highest_played_either_way():
    t = np.arange(0, 1_440_000, 500)
    events = np.zeros(len(t), dtype=EVENTS)
    events["y"] = np.rint(64 - 40 * np.cos(2 * np.pi * (t - 300_000) / 800_000))
    events["t"] = t
    assert np.allclose(tops(events), [300_000, 1_100_000], atol=30_000)
    assert np.allclose(tops(backwards(events)), [340_000, 1_140_000], atol=30_000)


def test_learned__asks_for_more_than_both_controls():
    seeds = np.arange(10.0)
    rows = {KERNEL: 60 + seeds, "flat kernel": 50 + seeds, "shuffled latencies": 20 + 9 * seeds}
    assert not learned(rows)
    assert learned({**rows, "shuffled latencies": 50 - seeds})
    assert not learned({**rows, "flat kernel": 60 + seeds, "shuffled latencies": 50 - seeds})
