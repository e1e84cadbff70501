"""The pure functions: decays, mantissas, integers as synapses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.quantization.current_bound import current_bound
from conversions.quantization.decays import (
    current_decay,
    current_kept,
    voltage_decay,
    voltage_kept,
)
from conversions.quantization.lowering import whole_terms
from conversions.quantization.synapses import mantissas
from hw_models import (
    LOIHI2,
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    SparseProjection,
    check,
)
from hw_models.weight_grid import WeightGrid
from ssdp_neuro import simulate

SHARES = st.floats(0, 1)


@given(share=SHARES)
def test_decays__are_the_nearest_that_the_chip_has(share):
    assert abs(current_kept(current_decay(share)) - min(share, 4095 / 4096)) <= 0.5 / 4096
    assert abs(voltage_kept(voltage_decay(share)) - max(share, 1 / 4096)) <= 0.5 / 4096


@given(decay=st.integers(0, 4095))
def test_decays__on_the_grid_are_exact(decay):
    assert current_decay(current_kept(decay)) == decay
    assert voltage_decay(voltage_kept(decay)) == decay


@given(
    values=st.lists(st.integers(-(2**13), 2**13), min_size=1, max_size=5), bits=st.integers(1, 8)
)
def test_whole_terms__add_up_and_fit_a_chip_of_few_bits(values, bits):
    terms = whole_terms(values, bits)
    total = sum((weights << exponent for weights, exponent in terms), np.zeros(len(values), int))
    assert total.tolist() == values
    for weights, exponent in terms:
        assert 0 <= exponent <= 7
        one_sign = (weights >= 0).all() or (weights <= 0).all()
        ways = [False, True] if one_sign else [False]
        assert any((weights == mantissas(weights, one_sign=w, bits=bits)).all() for w in ways)


@given(values=st.lists(st.integers(-(2**18), 2**18), min_size=1, max_size=5))
def test_whole_terms__add_up_and_fit_the_chip(values):
    terms = whole_terms(values)
    total = sum((weights << exponent for weights, exponent in terms), np.zeros(len(values), int))
    assert total.tolist() == values
    if max(map(abs, values)) < 2**15:
        assert len(terms) <= 2
    target = LifPopulation(
        name="b", shape=(len(values),), current_decay=0, voltage_decay=0, threshold=1
    )
    projections = [
        DenseProjection(
            source="a", target="b", weights=weights[:, None], weight_exponent=e, name=str(i)
        )
        for i, (weights, e) in enumerate(terms)
    ]
    source = InputPopulation(name="a", shape=(1,))
    network = FixedPointNetwork(populations=[source, target], projections=projections)
    assert check(network, LOIHI2) == ()


@given(
    weights=st.lists(st.floats(-3, 3), min_size=1, max_size=20),
    bits=st.integers(2, 8),
    exponent=st.integers(0, 7),
)
def test_mantissas__of_mixed_sign_are_those_of_a_weight_grid(weights, bits, exponent):
    grid = WeightGrid(weight_exponent=exponent, threshold=100, bits=bits)
    scaled = np.ldexp(np.array(weights) * grid.scale, -exponent)
    made = mantissas(scaled, one_sign=False, bits=bits)
    assert made.tolist() == grid.mantissas(weights).tolist()


def test_mantissas__of_one_sign_may_be_odd():
    assert mantissas(np.array([0.4, 1.0, 254.6, 900]), one_sign=True).tolist() == [0, 1, 255, 255]


def bounded(projections, **settings):
    populations = [
        InputPopulation(name="a", shape=(2, 2, 2)),
        LifPopulation(name="b", shape=(2, 2, 2), voltage_decay=0, threshold=1, **settings),
    ]
    return FixedPointNetwork(populations=populations, projections=projections)


@pytest.mark.parametrize("current_decay", [4095, 2047])
def test_current_bound__is_reached_by_all_synapses_of_one_sign(current_decay):
    rng = np.random.default_rng(0)
    pairs = rng.permutation(64)[:30]
    ends = {"source": "a", "target": "b"}
    projections = [
        DenseProjection(
            **ends, weights=2 * rng.integers(-9, 9, (8, 8)), weight_exponent=1, name="d"
        ),
        SparseProjection(
            **ends, pre=pairs // 8, post=pairs % 8, weights=rng.integers(0, 9, 30), name="s"
        ),
        ConvProjection(**ends, weights=2 * rng.integers(-9, 9, (2, 2, 1, 1)), name="c"),
    ]
    network = bounded(projections, current_decay=current_decay)
    bound = current_bound(network.population("b"), projections)
    largest = np.zeros(8)
    for bits in range(256):
        spikes = np.tile([bits >> i & 1 for i in range(8)], (40, 1))
        run = simulate(network, spikes, n_steps=40, probes=[("b", "u")])
        largest = np.maximum(largest, np.abs(run.probe("b", "u")).max(axis=0))
    # the positive synapses of the three need not share their sources
    assert (largest <= bound).all()
    assert (largest > 0.6 * bound).all()


def test_current_bound__synapses_of_a_clock_come_one_after_another():
    weights, delays = ([[8], [-2]], [[-14], [2]], [[6], [4]]), (0, 2, 3)
    projections = [
        DenseProjection(source="clock", target="b", name=str(d), weights=w, delays=[[d], [d]])
        for w, d in zip(weights, delays, strict=True)
    ]
    neurons = LifPopulation(name="b", shape=(2,), current_decay=4095, voltage_decay=0, threshold=1)
    # together 8, -6, 0 and -2, 0, 4
    assert (current_bound(neurons, projections, "clock") / 64).tolist() == [8, 4]
    assert (current_bound(neurons, projections) / 64).tolist() == [14, 6]
