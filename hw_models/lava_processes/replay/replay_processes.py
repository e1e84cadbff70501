"""Ports of the two Processes of a replay.

The steps of a replay are the latency codes that a sample can have, in order, and one more
for silence. In the step of its code a source neuron fires again; a target neuron, which
knows its own code, tells in every step what a source neuron of that code would change.
"""

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

from hw_models.learning_schedule import SampleClock
from hw_models.plasticity import DaSsdpParams


class PreReplay(AbstractProcess):
    """Passes a sample's spikes on at once, ``s_in`` to ``s_out``, then replays it."""

    def __init__(self, *, n_pre: int, rule: DaSsdpParams, clock: SampleClock) -> None:
        super().__init__(n_pre=n_pre, rule=rule, clock=clock)
        self.s_in = InPort(shape=(n_pre,))
        self.s_out = OutPort(shape=(n_pre,))


class PostReplay(AbstractProcess):
    """Tells, during a replay, increases on ``y1_out`` and decreases on ``y2_out``.

    Gets spikes at ``s_in_bap`` and gates at ``gate_in``. What it tells is 0..127 in units of
    ``2**-trace_exponent`` weight mantissas, rounded to nearest.
    """

    def __init__(
        self, *, n_post: int, rule: DaSsdpParams, clock: SampleClock, trace_exponent: int
    ) -> None:
        super().__init__(n_post=n_post, rule=rule, clock=clock, trace_exponent=trace_exponent)
        self.s_in_bap = InPort(shape=(n_post,))
        self.gate_in = InPort(shape=(n_post,))
        self.y1_out = OutPort(shape=(n_post,))
        self.y2_out = OutPort(shape=(n_post,))
