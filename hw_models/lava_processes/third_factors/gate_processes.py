"""Ports of the Processes that make gates; each sends int32 ``(n_post,)`` in 1/128.

The gate of a sample is right in its last step and stays until the next sample begins.
Samples that are not learned from, and all after the last one, have gate 0.
"""

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

from hw_models.learning_schedule import LearningSchedule, SampleClock
from hw_models.plasticity import DaSsdpParams


class GivenGate(AbstractProcess):
    """Gates that were known before: a constant, rewards, a teacher's errors."""

    def __init__(self, *, n_post: int, schedule: LearningSchedule, clock: SampleClock) -> None:
        super().__init__(n_post=n_post, schedule=schedule, clock=clock)
        self.gate_out = OutPort(shape=(n_post,))


class LabelGate(AbstractProcess):
    """Gates from a sample's label and the target's spikes, which come in at ``s_in_bap``."""

    def __init__(self, *, n_post: int, schedule: LearningSchedule, clock: SampleClock) -> None:
        super().__init__(n_post=n_post, schedule=schedule, clock=clock)
        self.s_in_bap = InPort(shape=(n_post,))
        self.gate_out = OutPort(shape=(n_post,))


class DopamineGateProcess(AbstractProcess):
    """The gate of a sample's synchrony, fitted by itself after a warm-up.

    Spikes of the source come in at ``s_in``, those of the target at ``s_in_bap``.
    """

    def __init__(
        self,
        *,
        n_pre: int,
        n_post: int,
        rule: DaSsdpParams,
        schedule: LearningSchedule,
        clock: SampleClock,
    ) -> None:
        super().__init__(n_pre=n_pre, n_post=n_post, rule=rule, schedule=schedule, clock=clock)
        self.s_in = InPort(shape=(n_pre,))
        self.s_in_bap = InPort(shape=(n_post,))
        self.gate_out = OutPort(shape=(n_post,))
