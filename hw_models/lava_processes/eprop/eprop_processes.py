"""Ports and state of dense synapses that learn by integer e-prop, and of what makes the error."""

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from hw_models.eprop import EpropParams
from hw_models.learning_schedule import LearningSchedule, SampleClock

OLDEST = 255  # ages, 8 bits, count no further; every trace has gone before


class EpropError(AbstractProcess):
    """Error of the taught neurons: the trace of their spikes less what the label wants.

    Spikes come in at ``s_in``; ``error_out`` sends int32 ``(n_taught,)`` in every step.
    """

    def __init__(
        self, *, n_taught: int, rule: EpropParams, schedule: LearningSchedule, clock: SampleClock
    ) -> None:
        super().__init__(rule=rule, schedule=schedule, clock=clock)
        self.s_in = InPort(shape=(n_taught,))
        self.error_out = OutPort(shape=(n_taught,))
        self.trace = Var(shape=(n_taught,), init=0)


class EpropDense(AbstractProcess):
    """Synapses whose weights change in every step, by :class:`hw_models.EpropParams`.

    What arrives at the target is what Lava's ``Dense`` or ``DelayDense`` would deliver, one step
    late or more, but nothing crosses from one sample to the next. A spike is sent through the
    weights as they are before the step's learning.

    Ports
    -----
    s_in
        Spikes of the source, ``(n_pre,)``.
    s_in_bap
        Spikes of the target, ``(n_post,)``: connect its ``s_out``.
    v_in
        Membrane potentials of the target after the step, ``(n_post,)``: connect its ``v_out``.
    threshold_in
        What they were compared with, ``(n_post,)``: connect its ``threshold_out``.
    error_in
        ``(n_taught,)``: connect the ``error_out`` of an :class:`EpropError`.
    a_out
        ``(n_post,)``.

    Parameters
    ----------
    weights
        Mantissas ``(n_post, n_pre)``.
    delays
        Extra steps of each synapse, same shape.
    exists
        Which synapses there are, bool of the same shape; the others' weights are 0 and stay so.
    refractory
        Steps of the target's refractory period.
    rule, schedule, clock
        Parameters, which samples are learned from with which key, and where they begin.
    weight_exp
        Exponent of the weights.
    name
        Name of the Process.
    """

    def __init__(
        self,
        *,
        weights: Any,
        delays: Any,
        exists: Any,
        refractory: int,
        rule: EpropParams,
        schedule: LearningSchedule,
        clock: SampleClock,
        weight_exp: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(
            delays=delays,
            exists=exists,
            refractory=refractory,
            rule=rule,
            schedule=schedule,
            clock=clock,
            weight_exp=weight_exp,
            name=name,
        )
        n_post, n_pre = weights.shape
        n_rows = int(delays.max(initial=0)) + 1
        n_taught = n_post if rule.feedback is None else rule.feedback.shape[1]
        self.s_in = InPort(shape=(n_pre,))
        self.s_in_bap = InPort(shape=(n_post,))
        self.v_in = InPort(shape=(n_post,))
        self.threshold_in = InPort(shape=(n_post,))
        self.error_in = InPort(shape=(n_taught,))
        self.a_out = OutPort(shape=(n_post,))
        self.weights = Var(shape=weights.shape, init=weights)
        self.a_buff = Var(shape=(n_rows, n_post), init=0)  # row k is sent in k + 1 steps
        self.trace = Var(shape=(n_pre,), init=0)
        self.sent = Var(shape=(n_pre,), init=0)
        self.resting = Var(shape=(n_post,), init=0)
        self.past_trace = Var(shape=(n_rows, n_pre), init=0)  # row k is of k steps ago
        self.past_age = Var(shape=(n_rows, n_pre), init=OLDEST)
        self.since_reset = Var(shape=(n_post,), init=OLDEST)
