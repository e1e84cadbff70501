"""The pure functions: decays, integers as synapses."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from conversions.quantization.decays import (
    current_decay,
    current_kept,
    voltage_decay,
    voltage_kept,
)
from conversions.quantization.lowering import whole_terms
from hw_models import (
    LOIHI2,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    check,
)
from hw_models.weight_grid import nearest_mantissas

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
        assert any(
            (weights == nearest_mantissas(weights, one_sign=w, bits=bits)).all() for w in ways
        )


@given(values=st.lists(st.integers(-(2**18), 2**18), min_size=1, max_size=5))
@example(values=[-32513])
@example(values=[-32767, 5, -1])
@example(values=[-32513, 32767])
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
