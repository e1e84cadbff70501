import numpy as np

from conversions.demo.digits_task import SpikingDigits
from conversions.demo.lesson_plan import lesson
from conversions.demo.settings import DemoSettings


def test_lesson__takes_the_first_of_each_class_in_order():
    labels = np.tile(np.arange(10), 5)[::-1].copy()
    spikes = np.arange(50)[:, None, None] == np.arange(50)[None, :, None]
    digits = SpikingDigits(spikes=spikes, labels=labels)
    whole = lesson(digits, 3, DemoSettings(), rehearse=True)
    assert np.bincount(whole.labels).tolist() == [3] * 10
    assert (whole.spikes == spikes[:30]).all()
    new = lesson(digits, 3, DemoSettings(), rehearse=False)
    assert sorted(new.labels.tolist()) == [8, 8, 8, 9, 9, 9]
