"""Every primitive against plain Python integers, which cannot overflow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import arithmetic

STATES = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.sampled_from([0, 1, -1, 2**23, -(2**23), 2**23 + 1, 2**23 - 1, -(2**23) + 1, -(2**23) - 1]),
)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(value=STATES, kept=st.integers(0, 4096))
def test_decay_toward_zero__equals_plain_integers(value, kept):
    magnitude = abs(value) * kept // 4096
    assert int(arithmetic.decay_toward_zero(value, kept)) == (
        magnitude if value > 0 else -magnitude
    )


@FEW
@given(value=STATES, kept=st.integers(0, 4095))
def test_decay_toward_zero__shrinks_and_keeps_the_sign(value, kept):
    decayed = int(arithmetic.decay_toward_zero(value, kept))
    assert abs(decayed) < max(abs(value), 1)
    assert decayed * value >= 0


@FEW
@given(value=st.integers(-(2**40), 2**40), bits=st.integers(1, 32))
def test_wrap__is_congruent_and_inside(value, bits):
    wrapped = int(arithmetic.wrap(value, bits))
    assert (wrapped - value) % 2**bits == 0
    assert -(2 ** (bits - 1)) <= wrapped < 2 ** (bits - 1)


@FEW
@given(value=STATES)
def test_wrap_current__corrects_once_in_either_direction(value):
    expected = value
    if value > 2**23:
        expected = value - 2**24
    elif value <= -(2**23):
        expected = value + 2**24
    assert int(arithmetic.wrap_current(value)) == expected


@FEW
@given(value=STATES, ends=st.tuples(st.integers(-300, 300), st.integers(0, 600)))
def test_saturate__is_the_nearest_inside(value, ends):
    low, high = ends[0], ends[0] + ends[1]
    assert int(arithmetic.saturate(value, low, high)) == min(max(value, low), high)


@FEW
@given(value=STATES, exponent=st.integers(-31, 24))
def test_shift_floor__equals_plain_integers(value, exponent):
    expected = value << exponent if exponent >= 0 else value // 2**-exponent
    assert int(arithmetic.shift_floor(value, exponent)) == expected


@FEW
@given(value=STATES, shift=st.integers(0, 31))
def test_shift_round__halves_away_from_zero(value, shift):
    nearest, rest = divmod(2 * abs(value), 2 ** (shift + 1))
    nearest += rest >= 2**shift
    assert int(arithmetic.shift_round(value, shift)) == (nearest if value > 0 else -nearest)


@FEW
@given(value=STATES, shift=st.integers(0, 32), bits=st.integers(0, 2**32 - 1))
def test_shift_stochastic__is_floor_or_the_next(value, shift, bits):
    expected = (value + bits % 2**shift) // 2**shift
    assert int(arithmetic.shift_stochastic(value, shift, np.uint32(bits))) == expected
    assert expected - value // 2**shift in (0, 1)


@pytest.mark.parametrize("value", [5, -5, 12, 0])
def test_shift_stochastic__goes_up_as_often_as_the_fraction_says(value):
    draws = np.arange(8, dtype=np.uint32)
    total = int(arithmetic.shift_stochastic(np.full(8, value), 3, draws).sum())
    assert total == value  # eight eighths of it


@pytest.mark.parametrize(
    "primitive",
    [
        lambda v: arithmetic.decay_toward_zero(v, 4000),
        lambda v: arithmetic.wrap(v, 24),
        arithmetic.wrap_current,
        lambda v: arithmetic.saturate(v, -10, 10),
        lambda v: arithmetic.shift_floor(v, -3),
        lambda v: arithmetic.shift_round(v, 3),
    ],
)
def test_primitives__treat_arrays_as_their_elements(primitive):
    values = np.array([[-(2**24), -7, 0], [7, 2**23, 2**24]], dtype=np.int32)
    result = primitive(values)
    assert result.dtype == np.int64
    assert result.tolist() == [[int(primitive(int(v))) for v in row] for row in values]
