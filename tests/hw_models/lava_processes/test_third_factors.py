"""What gates send in each step; that they equal the twins' is tests/parity."""

import numpy as np
import pytest

from hw_models import SynchronyStatistics
from hw_models.learning_schedule import LearningSchedule, SampleClock

pytestmark = pytest.mark.lava
CLOCK = SampleClock(n_steps=2, period=3)
LEARNS = np.array([True, False, True])


def sent(gate, n_steps, **spikes):
    """Gates of every step, as lists."""
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    from hw_models.lava_processes.direct_run import DirectRun

    sources = []
    for name, raster in spikes.items():
        sources.append(Source(data=np.array(raster, dtype=np.int32).T))
        sources[-1].s_out.connect(getattr(gate, name))
    sink = Sink(shape=gate.gate_out.shape, buffer=n_steps)
    gate.gate_out.connect(sink.a_in)
    run = DirectRun([*sources, gate, sink])
    for _ in range(n_steps):
        run.step()
    return run.model(sink).data.T.astype(int).tolist()


def test_given_gate__sends_a_row_per_sample_and_nothing_after_the_last():
    from hw_models.lava_processes.third_factors.gate_processes import GivenGate

    schedule = LearningSchedule(learns=LEARNS, gates=np.array([[5, -6], [7, 8], [9, 10]]))
    gates = sent(GivenGate(n_post=2, schedule=schedule, clock=CLOCK), 12)
    assert gates == [[5, -6]] * 3 + [[0, 0]] * 3 + [[9, 10]] * 3 + [[0, 0]] * 3


def test_label_gate__knows_the_sample_so_far_and_holds_it_until_the_next():
    from hw_models.lava_processes.third_factors.gate_processes import LabelGate

    schedule = LearningSchedule(learns=LEARNS, labels=np.array([0, 0, 1]))
    raster = [[0, 1], [1, 0], [1, 0], [1, 1], [1, 1], [1, 1], [0, 1], [0, 0], [1, 0]]
    gate = LabelGate(n_post=2, schedule=schedule, clock=CLOCK)
    assert sent(gate, 9, s_in_bap=raster) == [
        *([128, -128], [128, -128], [128, -128]),  # a tie, which the earlier spike wins
        *([0, 0], [0, 0], [0, 0]),
        *([0, 0], [0, 0], [0, 0]),
    ]


def test_dopamine_gate__is_closed_in_the_warm_up_and_fitted_afterwards():
    from hw_models.lava_processes.third_factors.gate_processes import DopamineGateProcess

    losses = np.array([3, 1, 0])
    gate = DopamineGateProcess(
        n_pre=2,
        n_post=2,
        rule=warm_rule(),
        schedule=LearningSchedule(
            learns=np.ones(3, dtype=bool), losses=losses, statistics=SynchronyStatistics()
        ),
        clock=CLOCK,
    )
    pre = [[1, 0], [0, 0], [1, 1], [1, 0], [0, 1], [0, 0], [1, 0], [0, 1], [0, 0]]
    post = [[0, 0], [1, 0], [1, 1], [1, 0], [0, 1], [0, 0], [1, 0], [0, 1], [0, 0]]
    fit = SynchronyStatistics().add(1, 3).add(4, 1).fit()
    expected = [0] * 6 + [fit.gate(1), fit.gate(4), fit.gate(4)]
    assert [row[0] for row in sent(gate, 9, s_in=pre, s_in_bap=post)] == expected
    assert expected[-2:] == [255, 255]
    assert expected[-3] == 0


def warm_rule():
    from hw_models import DaSsdpParams, ThirdFactor

    return DaSsdpParams(
        latency_bits=3,
        silent_latency=2,
        kernel=[255] * 8,
        potentiation=1,
        depression=1,
        shift=8,
        third_factor=ThirdFactor.DOPAMINE,
        warm_up=2,
    )
