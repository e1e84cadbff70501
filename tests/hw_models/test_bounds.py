import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import (
    ConvProjection,
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    SparseProjection,
)
from hw_models.bounds import input_bound, projection_bound, row_bound
from ssdp_neuro.oracle import simulate

ENDS = {"source": "a", "target": "b"}
RULE = DaSsdpParams(
    latency_bits=3,
    silent_latency=7,
    kernel=[0] * 8,
    potentiation=0,
    depression=0,
    shift=0,
    weight_low=-3,
    weight_high=9,
)


@pytest.mark.parametrize(
    ("projection", "most", "least"),
    [
        (DenseProjection(**ENDS, weights=[[3, -5, 0], [4, 1, 1]]), [3, 6], [-5, 0]),
        (DenseProjection(**ENDS, weights=[[3, -5, 0]], weight_exponent=-2), [0], [-2]),
        (
            DenseProjection(**ENDS, weights=[[3, -5, 0]], delays=[[0, 4, 1]], weight_exponent=-2),
            [0],
            [-4],  # floor of -5 / 4, and two more floors
        ),
        (
            SparseProjection(
                **ENDS, pre=[0, 1, 2], post=[1, 1, 0], weights=[4, -6, 1], weight_exponent=3
            ),
            [8, 32],
            [0, -48],
        ),
        (ConvProjection(**ENDS, weights=np.full((2, 3, 2, 2), -7)), [0, 0], [-84, -84]),
        (PoolProjection(**ENDS, kernel_size=(2, 3), weight=9), [54, 54], [0, 0]),
        (
            DenseProjection(
                **ENDS,
                weights=[[1, 1]],
                plasticity=RULE,
            ),
            [18],
            [-6],
        ),
        (
            SparseProjection(
                **ENDS,
                pre=[0, 1, 0],
                post=[0, 0, 1],
                weights=[1, 1, 1],
                plasticity=RULE,
            ),
            [18, 9],
            [-6, -3],
        ),
    ],
)
def test_projection_bound__counts_all_synapses_of_one_sign(projection, most, least):
    bound = projection_bound(projection, len(most))
    assert (bound.most.tolist(), bound.least.tolist()) == (most, least)


def everything(projections, current_decay):
    """Currents ``(step, neuron)`` of each of the 256 inputs, held for some steps."""
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="a", shape=(2, 2, 2)),
            LifPopulation(
                name="b",
                shape=(2, 2, 2),
                current_decay=current_decay,
                voltage_decay=0,
                threshold=2**17 - 1,
            ),
        ],
        projections=projections,
    )
    patterns = np.array(list(itertools.product([0, 1], repeat=8)), dtype=bool)
    spikes = np.repeat(patterns[:, None], 12, axis=1)
    return simulate(network, spikes, n_steps=12, probes=[("b", "u")]).probe("b", "u")


@given(seed=st.integers(0, 2**16), exponent=st.integers(-3, 3))
@settings(deadline=None, max_examples=15)
def test_input_bound__holds_whatever_fires_and_is_reached_by_each_projection(seed, exponent):
    """A current without memory is the input of the step: the oracle computes all 256."""
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(64)[:30]
    projections = [
        DenseProjection(**ENDS, weights=2 * rng.integers(-9, 9, (8, 8)), name="dense"),
        DenseProjection(
            **ENDS,
            weights=rng.integers(-9, 9, (8, 8)),
            delays=rng.integers(0, 4, (8, 8)),
            weight_exponent=exponent,
            name="late",
        ),
        SparseProjection(
            **ENDS,
            pre=pairs // 8,
            post=pairs % 8,
            weights=rng.integers(-9, 9, 30),
            weight_exponent=exponent,
            name="sparse",
        ),
        ConvProjection(**ENDS, weights=2 * rng.integers(-9, 9, (2, 2, 1, 1)), name="conv"),
        PoolProjection(**ENDS, kernel_size=1, weight=-3, weight_exponent=exponent, name="pool"),
    ]
    for some in (*([one] for one in projections), projections):
        arrived = everything(some, 4095) >> 6
        bound = input_bound(some, 8)
        assert (arrived.max(axis=(0, 1)) <= bound.most).all()
        assert (arrived.min(axis=(0, 1)) >= bound.least).all()
        if len(some) == 1 and exponent >= 0:
            assert arrived.max(axis=(0, 1)).tolist() == bound.most.tolist()
            assert arrived.min(axis=(0, 1)).tolist() == bound.least.tolist()


@pytest.mark.parametrize("current_decay", [4095, 2047, 255])
def test_input_bound__current_piles_up_to_what_decays(current_decay):
    dense = DenseProjection(**ENDS, weights=np.random.default_rng(3).integers(-9, 9, (8, 8)))
    largest = np.abs(everything([dense], current_decay)).max(axis=(0, 1))
    bound = projection_bound(dense, 8).current(current_decay)
    assert (largest <= bound).all()
    kept = 1 - (1 - (current_decay + 1) / 4096) ** 11
    assert (largest > bound * kept * 0.99 - 64).all()


def test_input_bound__synapses_of_a_clock_come_one_after_another():
    weights, delays = ([[8], [-2]], [[-14], [2]], [[6], [4]]), (0, 2, 3)
    projections = [
        DenseProjection(source="clock", target="b", name=str(d), weights=w, delays=[[d], [d]])
        for w, d in zip(weights, delays, strict=True)
    ]
    # together 8, -6, 0 and -2, 0, 4
    assert input_bound(projections, 2, "clock").magnitude.tolist() == [8, 4]
    assert input_bound(projections, 2).magnitude.tolist() == [14, 6]


def test_row_bound__adds_up_real_numbers_too():
    bound = row_bound(np.array([[0.5, -0.25, 0.25]]), 1)
    assert (bound.most.tolist(), bound.least.tolist()) == ([0.75], [-0.25])
    assert row_bound(np.array([0.5, -0.25]), 2, np.array([1, 1])).most.tolist() == [0, 0.5]


def test_row_bound__adds_up_long_lists(monkeypatch):
    import hw_models.bounds

    rng = np.random.default_rng(0)
    weights, post = rng.integers(-256, 256, 1000).astype(np.int16), rng.integers(0, 7, 1000)
    whole = row_bound(weights, 7, post)
    monkeypatch.setattr(hw_models.bounds, "CHUNK", 64)
    parts = row_bound(weights, 7, post)
    assert parts.most.tolist() == whole.most.tolist()
    assert whole.least.tolist() == [
        int(weights[(post == i) & (weights < 0)].sum()) for i in range(7)
    ]
