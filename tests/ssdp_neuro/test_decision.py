import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hw_models import InputError, ShapeError
from ssdp_neuro.decision import accuracy, decide, first_spikes, grouped
from ssdp_neuro.oracle.plain_da_ssdp import winner


def raster_of(*trains):
    return np.array([trains]).astype(bool).transpose(0, 2, 1)


@given(raster=hnp.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4))))
@settings(deadline=None, max_examples=100)
def test_decide__equals_the_winner_of_the_learning_rule(raster):
    winners = [winner(sample.T) for sample in raster]
    assert decide(raster).tolist() == [-1 if w is None else w for w in winners]


def test_decide__count_before_latency_before_index():
    assert decide(raster_of([1, 0, 0], [0, 1, 1])).tolist() == [1]
    assert decide(raster_of([0, 0, 1], [0, 1, 0])).tolist() == [1]
    assert decide(raster_of([0, 1, 0], [0, 1, 0])).tolist() == [0]
    assert decide(raster_of([0, 0, 0], [0, 0, 0])).tolist() == [-1]


def test_decide__refuses_a_raster_without_batch():
    with pytest.raises(ShapeError, match=r"\(B, T, N\)"):
        decide(np.zeros((3, 2), dtype=bool))


def test_first_spikes__is_the_first_and_n_steps_if_silent():
    assert first_spikes(raster_of([0, 1, 1], [0, 0, 0])).tolist() == [[1, 3]]


def test_accuracy__counts_undecided_as_wrong():
    assert accuracy([1, -1, 0, 2], [1, 0, 0, 1]) == 0.5


@pytest.mark.parametrize(("decisions", "labels"), [([1], [1, 2]), ([], [])])
def test_accuracy__refuses_what_does_not_pair(decisions, labels):
    with pytest.raises(InputError):
        accuracy(decisions, labels)


def test_grouped__neighbours_vote_together():
    raster = np.zeros((1, 3, 6), dtype=bool)
    raster[0, [0, 1, 2], [0, 4, 5]] = True  # class 0 first, class 2 more often
    np.testing.assert_array_equal(grouped(raster, 1), raster)
    made = grouped(raster, 2)
    assert made.shape == (1, 6, 3)
    assert made.sum(axis=1).tolist() == [[1, 0, 2]]
    assert decide(made).tolist() == [2]
    raster[0, 1, 4] = False
    assert decide(grouped(raster, 2)).tolist() == [0]


def test_grouped__refuses_what_cannot_be_divided():
    with pytest.raises(ShapeError, match=r"\(1, 3, 6\) by 4 neurons"):
        grouped(np.zeros((1, 3, 6)), 4)
