"""Codes in which every input fires once: what they make of signals that are easy to follow."""

import numpy as np

from benchmarks.latency_data import BEFORE_R, LEVELS, level_times, shares_reached
from ssdp_neuro.data.sets.mit_bih import R_PEAK


def test_shares_reached__says_when_a_quarter_half_and_three_quarters_have_come():
    level = np.zeros((1, 8, 3), dtype=int)
    level[0, :, 0] = 1  # evenly
    level[0, 5, 1] = 7  # at once; the third band hears nothing
    assert shares_reached(level).tolist() == [[1, 5, 0, 3, 5, 0, 5, 5, 0]]
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
