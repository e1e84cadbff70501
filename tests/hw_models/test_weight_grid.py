import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import LOIHI2, RangeError
from hw_models.bounds import row_bound
from hw_models.weight_grid import (
    WeightGrid,
    choose_exponent,
    covering_grid,
    covering_step,
    nearest_mantissas,
)

grids = st.builds(
    WeightGrid,
    weight_exponent=st.integers(0, 7),
    threshold=st.integers(1, 2**17 - 1),
    real_threshold=st.floats(0.01, 100.0),
    bits=st.integers(2, 8),
)


@given(grid=grids)
@settings(deadline=None, max_examples=50)
def test_weight_grid__mantissas_of_its_own_values_are_the_same(grid):
    every = np.arange(-(2**grid.bits), 2**grid.bits, 2)
    assert grid.mantissas(grid.values(every)).tolist() == every.tolist()
    assert not grid.saturates(grid.values(every)).any()


@given(grid=grids, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_weight_grid__rounds_by_at_most_half_a_step(grid, seed):
    reach = grid.values([2**grid.bits - 2])[0]
    weights = np.random.default_rng(seed).uniform(-reach, reach, 40)
    error = np.abs(grid.values(grid.mantissas(weights)) - weights)
    assert error.max() <= grid.step * 0.5 * (1 + 1e-9)
    assert (grid.mantissas(weights) % 2 == 0).all()


def test_weight_grid__integers_are_shifted_mantissas():
    grid = WeightGrid(weight_exponent=3, threshold=100)
    assert grid.integers([0.5, -0.5]).tolist() == [6 << 3, -6 << 3]


def test_weight_grid__saturates_beyond_half_a_step_past_the_ends():
    grid = WeightGrid(weight_exponent=0, threshold=100)
    weights = [2.5499, 2.5501, -2.57, -2.5701]
    assert grid.mantissas(weights).tolist() == [254, 254, -256, -256]
    assert grid.saturates(weights).tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("field", "value"), [("weight_exponent", -1), ("threshold", 0), ("bits", 9)]
)
def test_weight_grid__refuses_what_no_register_holds(field, value):
    fields = {"weight_exponent": 0, "threshold": 100, field: value}
    with pytest.raises(RangeError, match=field):
        WeightGrid(**fields)


@given(
    seed=st.integers(0, 99),
    spread=st.floats(1e-2, 10.0),
    real_threshold=st.floats(0.05, 5.0),
    current_decay=st.sampled_from([63, 1023, 4095]),
)
@settings(deadline=None, max_examples=50)
def test_covering_grid__saturates_nothing_and_cannot_wrap(
    seed, spread, real_threshold, current_decay
):
    weights = np.random.default_rng(seed).normal(0, spread, (5, 9))
    grid = covering_grid(weights, real_threshold=real_threshold, current_decay=current_decay)
    assert not grid.saturates(weights).any()
    assert 1 <= grid.threshold < 2**LOIHI2.threshold_bits.value
    wraps = row_bound(grid.integers(weights), 5).current(current_decay).max() >= 2**23
    assert not wraps or grid.weight_exponent == 0


@pytest.mark.parametrize(("n_inputs", "exponent"), [(3, 7), (4, 6), (5, 6)])
def test_covering_grid__a_current_of_exactly_the_limit_is_too_much(n_inputs, exponent):
    # mantissas of -256; four of them at exponent 7 are 2**17, aligned 2**23
    grid = covering_grid(-np.ones((1, n_inputs)), real_threshold=1.0, current_decay=4095)
    assert grid.weight_exponent == exponent


def test_covering_grid__uses_every_mantissa_of_the_larger_side():
    grid = covering_grid([[1.0, -0.3]], real_threshold=2.0, current_decay=4095)
    assert grid.mantissas([1.0]).tolist() == [254]


def test_covering_grid__coverage_trades_saturation_for_smaller_steps():
    weights = [[1.0, 0.5, -0.2]]
    whole = covering_grid(weights, real_threshold=1.0, current_decay=4095)
    part = covering_grid(weights, real_threshold=1.0, current_decay=4095, coverage=0.5)
    assert part.step < 0.51 * whole.step
    assert part.saturates(weights).tolist() == [[True, False, False]]


@pytest.mark.parametrize("weights", [[[np.nan]], [[np.inf]]])
def test_covering_grid__refuses_what_is_not_finite(weights):
    with pytest.raises(RangeError, match="finite"):
        covering_grid(weights, real_threshold=1.0, current_decay=0)


def test_covering_grid__refuses_weights_without_measure_beside_the_threshold():
    with pytest.raises(RangeError, match="steps of the weights"):
        covering_grid([[1e-9]], real_threshold=1.0, current_decay=0)


def test_covering_grid__takes_weights_that_are_all_zero():
    grid = covering_grid([[0.0, 0.0]], real_threshold=1.0, current_decay=0)
    assert grid.mantissas([0.0]).tolist() == [0]


@given(weights=st.lists(st.floats(-3, 3), min_size=1, max_size=20), bits=st.integers(2, 8))
def test_nearest_mantissas__are_the_codes_of_the_register_or_saturate(weights, bits):
    scaled = np.ldexp(np.array(weights), bits)
    for one_sign, codes in (
        (False, np.arange(-(2**bits), 2**bits, 2)),
        (True, np.arange(1 - 2**bits, 2**bits)),
    ):
        nearest = np.abs(codes[:, None] - scaled).min(axis=0)
        chosen = nearest_mantissas(scaled, one_sign=one_sign, bits=bits)
        assert np.isin(chosen, codes).all()
        assert (np.abs(chosen - scaled) == nearest).all()


def test_nearest_mantissas__refuse_what_is_no_number():
    with pytest.raises(RangeError, match="nan is not finite"):
        nearest_mantissas(np.array([1.0, np.nan]), one_sign=True)


def test_choose_exponent__from_the_largest_to_the_lowest():
    assert choose_exponent(lambda exponent: exponent, lambda exponent, grid: True) == 7
    assert choose_exponent(lambda exponent: exponent, lambda exponent, grid: grid <= 3) == 3
    assert choose_exponent(lambda exponent: exponent, lambda exponent, grid: False, -6) == -6
    few = {5: "fine", 2: "coarse"}
    assert choose_exponent(few.get, lambda exponent, grid: False) == "coarse"
    assert choose_exponent(lambda exponent: None, lambda exponent, grid: True) is None


@given(
    weights=st.lists(st.floats(-9, 9), min_size=1, max_size=9),
    bits=st.integers(2, 8),
)
def test_covering_step__the_largest_weight_is_the_largest_mantissa(weights, bits):
    real = np.array(weights)
    one_sign = bool((real >= 0).all() or (real <= 0).all())
    up, down = max(real.max(), 0.0), max(-real.min(), 0.0)
    step = covering_step(up, down, one_sign=one_sign, bits=bits)
    if step > 1e-6:
        scaled = real / step
        ends = (2**bits - 1, 1 - 2**bits) if one_sign else (2**bits - 2, -(2**bits))
        assert np.isclose(scaled[:, None], ends, rtol=1e-9).any()
        chosen = nearest_mantissas(scaled, one_sign=one_sign, bits=bits)
        assert (np.abs(chosen - scaled) <= (0.5 if one_sign else 1.0) * (1 + 1e-9)).all()
