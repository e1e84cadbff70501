"""Fixed-point ProcessModels of e-prop, on the primitives of this distribution."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hw_models.arithmetic import saturate, shift_floor, shift_stochastic
from hw_models.eprop import SIGNAL_HIGH
from hw_models.lava_processes.eprop.eprop_processes import OLDEST, EpropDense, EpropError
from hw_models.random_bits import random_bits


def _heard(trace: np.ndarray, fired: np.ndarray, rule: Any) -> np.ndarray:
    """Traces after a step."""
    lost = (trace + (1 << rule.decay_shift) - 1) >> rule.decay_shift
    return np.minimum(trace - lost + rule.impulse * fired, rule.trace_high)


class _OfSamples(PyLoihiProcessModel):
    """What both have in common: a rule, a schedule and a clock."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.rule = proc_params["rule"]
        self.schedule = proc_params["schedule"]
        self.clock = proc_params["clock"]

    def sample(self) -> int | None:
        """The sample of this step; None after the last one."""
        sample = self.clock.sample(self.time_step)
        return sample if sample < self.schedule.learns.size else None


@implements(proc=EpropError, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class PyEpropErrorModelFixed(_OfSamples):
    """Take this step's spikes and send the error that follows."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    error_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    trace: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)

    def run_spk(self) -> None:
        """One step."""
        fired = self.s_in.recv() != 0
        if self.clock.step(self.time_step) == 0:
            self.trace[:] = 0
        self.trace[:] = _heard(self.trace, fired, self.rule)
        error, sample = self.trace.copy(), self.sample()
        if sample is not None:
            error[int(self.schedule.labels[sample])] -= self.rule.wanted
        self.error_out.send(error)


@implements(proc=EpropDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class PyEpropDenseModelFixed(_OfSamples):
    """Deliver spikes, hear both ends, change every weight once.

    On a chip, the target's core would work out the factors and the synapses' traces would be
    those of the learning engine; no chip has run it.
    """

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_in_bap: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    v_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    threshold_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    error_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    weights: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)
    a_buff: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    trace: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)
    sent: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=1)
    resting: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=6)
    past_trace: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)
    past_age: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)
    since_reset: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.delays, self.exists = proc_params["delays"], proc_params["exists"]
        self.refractory = proc_params["refractory"]
        self.weight_exp = proc_params["weight_exp"]

    def run_spk(self) -> None:
        """Send what the spikes of the step before add up to, then hear this step."""
        if self.clock.step(self.time_step) == 0:
            for state in (self.a_buff, self.trace, self.past_trace, self.sent, self.resting):
                state[:] = 0
            self.past_age[:] = OLDEST
            self.since_reset[:] = OLDEST
        self.a_out.send(self.a_buff[0])
        fired_pre = self.s_in.recv() != 0
        fired_post = self.s_in_bap.recv() != 0
        above = self.v_in.recv().astype(np.int64) - self.threshold_in.recv()
        error = self.error_in.recv().astype(np.int64)
        self._send_later(fired_pre)
        self.trace[:] = _heard(self.trace, self.sent, self.rule)
        if self.rule.stamped:
            self.trace[self.sent != 0] = self.rule.impulse
        age = np.where(self.sent != 0, 0, np.minimum(self.past_age[0] + 1, OLDEST))
        self.past_trace[:] = np.concatenate([self.trace[None], self.past_trace[:-1]])
        self.past_age[:] = np.concatenate([age[None], self.past_age[:-1]])
        self.sent[:] = fired_pre
        eligible = self._eligible()
        factor = self._pseudo_derivative(fired_post, above) * self._signal(error)
        self._rest(fired_post)
        if self._is_learned():
            self._learn(-factor[:, None] * eligible)

    def _is_learned(self) -> bool:
        if self.clock.step(self.time_step) >= self.clock.n_steps:
            return False  # between samples, while late spikes arrive nowhere
        sample = self.sample()
        return sample is not None and bool(self.schedule.learns[sample])

    def _send_later(self, fired: np.ndarray) -> None:
        """Add up what each delay brings, floored by itself."""
        self.a_buff[:-1] = self.a_buff[1:]
        self.a_buff[-1] = 0
        for delay in np.unique(self.delays[self.exists]):
            late = np.where(self.delays == delay, self.weights, 0)[:, fired]
            self.a_buff[delay] += shift_floor(late.sum(axis=1, dtype=np.int64), self.weight_exp)

    def _eligible(self) -> np.ndarray:
        """Traces by (target, source), without those from before the target's last reset."""
        sources = np.arange(self.weights.shape[1])
        traces = self.past_trace[self.delays, sources].astype(np.int64) * self.exists
        if not self.rule.stamped:
            return traces
        return np.where(self.past_age[self.delays, sources] <= self.since_reset[:, None], traces, 0)

    def _pseudo_derivative(self, fired: np.ndarray, above: np.ndarray) -> np.ndarray:
        rule = self.rule
        distance = np.abs(above) >> rule.psi_shift
        psi = np.maximum(rule.psi_levels - distance, 0)
        psi[self.resting > 0] = rule.psi_refractory
        psi[fired] = rule.psi_levels
        return psi

    def _rest(self, fired: np.ndarray) -> None:
        """Count on what remains of refractory periods; a reset comes with the next step."""
        is_reset = fired | (self.resting == 1)
        self.since_reset[:] = np.where(is_reset, 0, np.minimum(self.since_reset + 1, OLDEST))
        self.resting[:] = np.where(fired, self.refractory, np.maximum(self.resting - 1, 0))

    def _signal(self, error: np.ndarray) -> np.ndarray:
        if self.rule.feedback is None:
            return error
        total = self.rule.feedback.astype(np.int64) @ error
        return saturate(total >> self.rule.feedback_shift, -SIGNAL_HIGH, SIGNAL_HIGH)

    def _learn(self, product: np.ndarray) -> None:
        rule, schedule = self.rule, self.schedule
        step = schedule.first_sample + self.clock.sample(self.time_step)
        step = step * self.clock.n_steps + self.clock.step(self.time_step)
        rows, columns = np.indices(product.shape, sparse=True)
        bits = random_bits(schedule.seed, step, rows, columns)
        delta = shift_stochastic(product, rule.shift, bits)
        self.weights[:] = saturate(self.weights + delta, rule.weight_low, rule.weight_high)
