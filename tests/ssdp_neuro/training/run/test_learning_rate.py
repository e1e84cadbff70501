import pytest

from ssdp_neuro.training.run.choices import ScheduleKind
from ssdp_neuro.training.run.learning_rate import learning_rate
from ssdp_neuro.training.run.settings.optimizer import OptimizerSettings


def course(n_steps=101, **settings):
    chosen = OptimizerSettings(learning_rate=2.0, final_share=0.1, **settings)
    return [learning_rate(chosen, step, n_steps) for step in range(n_steps)]


def test_learning_rate__one_cycle_rises_and_falls():
    rates = course(schedule=ScheduleKind.ONE_CYCLE)
    assert rates[0] == pytest.approx(2.0 / 25)
    assert rates.index(max(rates)) == 30
    assert max(rates) == 2.0
    assert rates[-1] == pytest.approx(0.2)
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)


def test_learning_rate__warm_up_then_cosine():
    rates = course(schedule=ScheduleKind.COSINE, warm_up_steps=4)
    assert rates[:5] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0])
    assert rates[52] == pytest.approx(1.1)
    assert rates[-1] == pytest.approx(0.2)


@pytest.mark.parametrize("schedule", [ScheduleKind.CONSTANT, ScheduleKind.PLATEAU])
def test_learning_rate__constant(schedule):
    assert course(schedule=schedule) == [2.0] * 101


@pytest.mark.parametrize("schedule", ScheduleKind)
def test_learning_rate__of_a_run_of_one_step(schedule):
    assert course(1, schedule=schedule)[0] > 0
