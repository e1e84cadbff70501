from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import FixedFormat, Overflow, RangeError, Rounding, TypeMismatchError

FORMATS = st.builds(
    FixedFormat,
    bits=st.integers(1, 63),
    signed=st.booleans(),
    exponent=st.integers(-20, 20),
    rounding=st.sampled_from([r for r in Rounding if r is not Rounding.STOCHASTIC]),
    overflow=st.sampled_from(Overflow),
)
VALUES = st.floats(-(2.0**70), 2.0**70, allow_nan=False)
FEW = settings(max_examples=150, deadline=None)


def plain_round(value, rounding):
    """Rounding of a fraction, in Python integers."""
    floor = value.numerator // value.denominator
    rest = value - floor
    if rounding is Rounding.FLOOR or rest == 0:
        return floor
    if rounding is Rounding.TOWARD_ZERO:
        return floor + (value < 0)
    if rest == Fraction(1, 2):
        if rounding is Rounding.NEAREST_EVEN:
            return floor + floor % 2
        return floor + (value > 0)
    return floor + (rest > Fraction(1, 2))


@FEW
@given(form=FORMATS, value=VALUES)
def test_encode__equals_plain_integers(form, value):
    raw = plain_round(Fraction(value) / Fraction(2) ** form.exponent, form.rounding)
    inside = form.low <= raw <= form.high
    if form.overflow is Overflow.REFUSE and not inside:
        with pytest.raises(RangeError, match="outside"):
            form.encode(value)
        return
    if form.overflow is Overflow.WRAP:
        raw = (raw - form.low) % 2**form.bits + form.low
    else:
        raw = min(max(raw, form.low), form.high)
    assert int(form.encode(value)) == raw


@pytest.mark.parametrize("value", [0.49999999999999994, 2.0**52 + 1, -(2.0**52) - 1])
def test_encode__nearest_away_is_exact_where_adding_a_half_is_not(value):
    form = FixedFormat(bits=60, rounding=Rounding.NEAREST_AWAY)
    assert int(form.encode(value)) == plain_round(Fraction(value), Rounding.NEAREST_AWAY)


@FEW
@given(form=FORMATS, data=st.data())
def test_encode__undoes_decode(form, data):
    limit = 2**52  # float64 holds these exactly
    raw = data.draw(st.integers(max(form.low, -limit), min(form.high, limit)))
    assert int(form.encode(form.decode(raw))) == raw


def test_encode__names_the_first_value_that_does_not_fit():
    form = FixedFormat(bits=8, exponent=-6)
    with pytest.raises(RangeError, match=r"value 2\.5 at index \(1, 0\).*\[-128, 127\]"):
        form.encode([[0.0, 1.0], [2.5, 3.5]])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("overflow", Overflow)
def test_encode__refuses_what_is_not_finite(value, overflow):
    with pytest.raises(RangeError, match="index \\(1,\\) is not finite"):
        FixedFormat(bits=8, overflow=overflow).encode([0.0, value])


def test_encode__saturates_what_float64_cannot_scale():
    form = FixedFormat(
        bits=63, signed=False, exponent=-1000, rounding=Rounding.NEAREST_AWAY,
        overflow=Overflow.SATURATE,
    )  # fmt: skip
    assert form.encode([1e300, -1e300]).tolist() == [2**63 - 1, 0]


def test_encode__stochastic_goes_up_as_often_as_the_fraction_says():
    form = FixedFormat(bits=8, rounding=Rounding.STOCHASTIC)
    bits = (np.arange(8, dtype=np.uint64) << np.uint64(29)).astype(np.uint32)
    assert form.encode(np.full(8, 2.375), bits).tolist() == [2, 2, 2, 2, 2, 3, 3, 3]
    assert (
        form.encode(np.full(8, -3.0), np.full(8, 2**32 - 1, dtype=np.uint32)).tolist() == [-3] * 8
    )


def test_encode__stochastic_needs_random_bits():
    with pytest.raises(TypeMismatchError, match="random_bits"):
        FixedFormat(bits=8, rounding=Rounding.STOCHASTIC).encode(0.5)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"bits": 0}, RangeError, "bits: 0; allowed 1..63"),
        ({"bits": 64}, RangeError, "bits: 64; allowed 1..63"),
        ({"bits": 8.0}, TypeMismatchError, "bits: 8.0 is float"),
        ({"bits": 8, "exponent": 0.5}, TypeMismatchError, "exponent: 0.5 is float"),
        ({"bits": 8, "exponent": 1001}, RangeError, "exponent: 1001"),
        ({"bits": 8, "signed": 1}, TypeMismatchError, "signed: 1; a bool"),
        ({"bits": 8, "rounding": "floor"}, TypeMismatchError, "rounding: 'floor'; a Rounding"),
        ({"bits": 8, "overflow": None}, TypeMismatchError, "overflow: None; a Overflow"),
    ],
)
def test_fixed_format__refuses_bad_fields(fields, error, message):
    with pytest.raises(error, match=message):
        FixedFormat(**fields)
