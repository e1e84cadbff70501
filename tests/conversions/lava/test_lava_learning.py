"""What learning in Lava refuses, and how schedules travel; equality is tests/parity."""

import numpy as np
import pytest

from conversions import learn_lava
from conversions.lava.learning_schedules import read_plan, write_plan
from hw_models import LearningForm, RangeError, SynchronyStatistics, TypeMismatchError, same_record
from hw_models.learning_schedule import LearningPlan, LearningSchedule, SampleClock


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"form": "process"}, TypeMismatchError, "form: 'process'; a LearningForm"),
        ({"execution": "direct"}, TypeMismatchError, "execution: 'direct'; a LavaExecution"),
        ({"timeout_s": 0}, RangeError, "timeout_s: 0"),
        ({}, TypeMismatchError, "network: None"),
    ],
)
def test_learn_lava__refuses_what_does_not_fit(arguments, error, message):
    with pytest.raises(error, match=message):
        learn_lava(None, None, n_steps=3, **arguments)


def test_plan__is_the_same_after_a_file(tmp_path):
    learns = np.array([True, False])
    schedules = {
        "a->b": LearningSchedule(learns=learns, gates=np.array([[1, -2], [3, 4]], dtype=np.int32)),
        "b": LearningSchedule(
            learns=learns, labels=np.array([0, 1]), seed=2**62, first_sample=2**32 - 1
        ),
        "c": LearningSchedule(
            learns=learns,
            losses=np.array([7, -8]),
            statistics=SynchronyStatistics(n_samples=1, loss=2**50, loss_squared=2**100),
        ),
    }
    clock = SampleClock(n_steps=4, period=9)
    plan = LearningPlan(form=LearningForm.LOIHI, clock=clock, schedules=schedules)
    write_plan(tmp_path / "plan.npz", plan)
    read = read_plan(tmp_path / "plan.npz")
    assert (read.form, read.clock) == (plan.form, plan.clock)
    assert list(read.schedules) == list(schedules)
    for name, schedule in schedules.items():
        assert same_record(read.schedules[name], schedule)
