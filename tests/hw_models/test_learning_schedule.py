import numpy as np
import pytest

from hw_models import RangeError, ShapeError
from hw_models.learning_schedule import LearningSchedule, SampleClock


def test_sample_clock__counts_samples_and_their_steps():
    clock = SampleClock(n_steps=2, period=3)
    assert [(clock.sample(t), clock.step(t)) for t in range(1, 6)] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1),
    ]  # fmt: skip
    with pytest.raises(RangeError, match=r"n_steps: 4; allowed 1\.\.3"):
        SampleClock(n_steps=4, period=3)


def test_learning_schedule__gates_are_zero_where_nothing_is_learned():
    learns = np.array([True, False])
    assert LearningSchedule(learns=learns).learned_gates(3).tolist() == [[128] * 3, [0] * 3]
    given = LearningSchedule(learns=learns, gates=np.array([[1, -2], [3, 4]]))
    assert given.learned_gates(2).tolist() == [[1, -2], [0, 0]]


@pytest.mark.parametrize("name", ["gates", "labels", "losses"])
def test_learning_schedule__arrays_have_one_row_per_sample(name):
    with pytest.raises(ShapeError, match=rf"LearningSchedule\.{name}: shape \(3,\); learns has 2"):
        LearningSchedule(learns=np.ones(2, dtype=bool), **{name: np.zeros(3, dtype=int)})
