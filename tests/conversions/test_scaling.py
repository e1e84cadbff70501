import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conversions.scaling import best_grid, candidate_grids, spike_mismatch
from hw_models import LOIHI2, InputError

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


@given(seed=st.integers(0, 99), real_threshold=st.floats(0.1, 3.0))
@settings(deadline=None, max_examples=30)
def test_candidate_grids__start_whole_and_grow_finer(seed, real_threshold):
    weights = np.random.default_rng(seed).normal(0, 0.3, (8, 20))
    grids = candidate_grids(weights, real_threshold=real_threshold, current_decay=1023)
    assert len(set(grids)) == len(grids) > 5
    assert not grids[0].saturates(weights).any()
    steps = [grid.step for grid in grids]
    assert steps == sorted(steps, reverse=True)
    assert all(grid.threshold < 2**LOIHI2.threshold_bits.value for grid in grids)


def test_best_grid__least_mismatch_and_of_equals_the_first():
    grids = candidate_grids([[0.5, -0.2]], real_threshold=1.0, current_decay=1023)
    assert best_grid(grids, lambda grid: abs(grid.step - grids[4].step)) == grids[4]
    assert best_grid(grids, lambda grid: 0.0) == grids[0]
