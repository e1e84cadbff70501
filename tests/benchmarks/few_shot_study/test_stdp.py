import numpy as np
import pytest

from benchmarks.few_shot_study.stdp import StdpParams, stdp_update
from ssdp_neuro.oracle.plain_da_ssdp import random_bits

PARAMS = StdpParams(potentiation=200, depression=300, time_constant=3.0, shift=16)


def by_hand(weights, params, pre, post, gate, seed, sample):
    """Pair by pair, in plain integers."""
    new = [[int(w) for w in row] for row in weights]
    for i, j in np.ndindex(*np.shape(weights)):
        product = 0
        for r in np.flatnonzero(pre[:, i]):
            for s in np.flatnonzero(post[:, j]):
                if s > r:
                    table = round(255 * float(np.exp(-(s - r - 1) / params.time_constant)))
                    product += params.potentiation * table
                else:
                    table = round(255 * float(np.exp(-(r - s) / params.time_constant)))
                    product -= params.depression * table
        bits = random_bits(seed, sample, j, i) % 2**params.shift
        new[i][j] += (gate * product + bits) // 2**params.shift
        new[i][j] = min(max(new[i][j], params.weight_low), params.weight_high)
    return new


@pytest.mark.parametrize("gate", [128, -128, 37])
def test_stdp_update__equals_every_pair_by_hand(gate):
    rng = np.random.default_rng(gate % 7)
    for sample in range(8):
        weights = rng.integers(-128, 128, size=(5, 3))
        pre, post = (rng.random((9, n)) < 0.4 for n in (5, 3))
        new = stdp_update(weights, PARAMS, pre, post, gate=gate, seed=3, sample=sample)
        assert new.tolist() == by_hand(weights, PARAMS, pre, post, gate, 3, sample)
        assert (new != weights).any()


def test_stdp_update__causal_pairs_potentiate_and_others_depress():
    pre, post = np.zeros((2, 10, 1), dtype=bool)
    pre[4] = True
    sizes = []
    for step in range(10):
        post[:] = False
        post[step] = True
        sizes.append(int(stdp_update(np.zeros((1, 1), int), PARAMS, pre, post)[0, 0]))
    assert min(sizes[5:]) >= 0 > max(sizes[2:5])
    assert sizes[5] == max(sizes)


def test_stdp_update__silence_changes_nothing():
    weights = np.arange(6).reshape(2, 3)
    silent = np.zeros((5, 2), bool), np.zeros((5, 3), bool)
    assert (stdp_update(weights, PARAMS, *silent) == weights).all()
