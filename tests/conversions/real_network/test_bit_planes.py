import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import BitPlanes
from hw_models import InputError, RangeError


@settings(max_examples=40, deadline=None)
@given(
    bits=st.integers(1, 8),
    low=st.floats(-100, 100),
    width=st.floats(1e-3, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_bit_planes__digits_stand_for_the_nearest_level(bits, low, width, seed):
    planes = BitPlanes(bits=bits, low=low, high=low + width)
    values = low + width * np.random.default_rng(seed).random((2, 3, 4))
    levels = np.linspace(low, low + width, 2**bits)
    expected = np.abs(values[..., None] - levels).min(axis=-1)

    spikes = planes.encode(values)
    assert sorted(spikes) == sorted(f"input.bit{b}" for b in range(bits))
    assert all(sent.dtype == bool and sent.shape == values.shape for sent in spikes.values())
    found = planes.decode(spikes)
    np.testing.assert_allclose(np.abs(found - values), expected, atol=1e-9)
    np.testing.assert_array_equal(planes.rounded(values), found)


def test_bit_planes__normalized_images_of_eight_bits_lose_nothing():
    grey, mean, std = np.arange(256), 0.1307, 0.3081
    values = ((grey / 255 - mean) / std).astype(np.float32)
    planes = BitPlanes(low=(0 - mean) / std, high=(1 - mean) / std)
    assert (planes.levels(values) == grey).all()


def test_bit_planes__a_static_value_is_the_same_in_every_step():
    spikes = BitPlanes(bits=2, high=3.0, name="image").encode([[0, 1], [2, 3]], n_steps=3)
    assert spikes["image.bit0"].shape == (2, 3, 2)
    assert (spikes["image.bit0"] == [[[False, True]], [[False, True]]]).all()
    assert (spikes["image.bit1"] == [[[False, False]], [[True, True]]]).all()


@pytest.mark.parametrize("value", [1.2, -0.2, np.nan, np.inf])
def test_bit_planes__values_out_of_bounds_are_refused_with_their_place(value):
    values = np.full((3, 2, 4), 0.5)
    values[2, 1, 3] = value
    with pytest.raises(InputError, match=r"at index \(2, 1, 3\) \(sample 2\), 1 such; allowed 0"):
        BitPlanes(bits=3).encode(values)


def test_bit_planes__bounds_come_from_values_where_they_are_not_stated():
    assert BitPlanes(low=None, high=None).fitted([-2.0, 5.0]) == BitPlanes(low=-2.0, high=5.0)
    assert BitPlanes(low=None).fitted([-2.0, 0.5]) == BitPlanes(low=-2.0, high=1.0)
    with pytest.raises(InputError, match="not stated"):
        BitPlanes(low=None).encode([[0.0]], n_steps=2)


@pytest.mark.parametrize("wrong", [{"bits": 9}, {"bits": 0}, {"low": 1.0}, {"high": np.inf}])
def test_bit_planes__levels_that_do_not_exist_are_refused(wrong):
    with pytest.raises(RangeError, match="BitPlanes"):
        BitPlanes(**wrong)
