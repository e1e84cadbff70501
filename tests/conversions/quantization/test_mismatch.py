import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from conversions.quantization.measurement import spike_mismatch
from hw_models import InputError

rasters = hnp.arrays(bool, (3, 5))


@given(one=rasters, other=rasters)
@settings(deadline=None, max_examples=50)
def test_spike_mismatch__is_symmetric_and_zero_only_if_equal(one, other):
    mismatch = spike_mismatch(one, other)
    assert mismatch == spike_mismatch(other, one)
    assert 0 <= mismatch <= 1
    assert (mismatch == 0) == (one == other).all()


def test_spike_mismatch__counts_spikes_without_a_counterpart():
    assert spike_mismatch([[1, 1, 0]], [[1, 0, 0]]) == pytest.approx(1 / 3)
    assert spike_mismatch([[0, 1]], [[1, 0]]) == 1
    assert spike_mismatch([[0, 0]], [[0, 0]]) == 0


def test_spike_mismatch__refuses_other_shapes():
    with pytest.raises(InputError, match="differ"):
        spike_mismatch([0, 1], [0])
