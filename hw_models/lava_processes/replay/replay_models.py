"""ProcessModels of the two Processes of a replay, in integers."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hw_models.arithmetic import shift_floor, shift_round
from hw_models.lava_processes.replay.replay_processes import PostReplay, PreReplay
from hw_models.learning_schedule import n_replay_steps
from hw_models.plasticity import ThirdFactor


class _Replay(PyLoihiProcessModel):
    """What both sides have in common: a latency code per neuron."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.rule = proc_params["rule"]
        self.clock = proc_params["clock"]
        self.silence = n_replay_steps(self.rule, self.clock.n_steps) - 1  # its replay step
        size = proc_params.get("n_pre") or proc_params.get("n_post")
        self.codes = np.full(size, self.rule.silent_code, dtype=np.int64)

    def note(self, fired: np.ndarray) -> None:
        """Keep the codes of the neurons that fire first in this step of a sample."""
        step = self.clock.step(self.time_step)
        if step == 0:
            self.codes[:] = self.rule.silent_code
        if step < self.clock.n_steps:
            is_first = fired & (self.codes == self.rule.silent_code)
            self.codes[is_first] = step >> self.rule.latency_shift

    def replay_step(self) -> int | None:
        """The step of the replay, or None in a sample or when the replay is over."""
        step = self.clock.step(self.time_step) - self.clock.n_steps
        return step if 0 <= step <= self.silence else None


@implements(proc=PreReplay, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyPreReplayModel(_Replay):
    """One latency code per neuron; on the chip, a part of the source neuron's program."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        """Pass spikes on, or fire where this is the step of the neuron's code."""
        fired = self.s_in.recv() != 0
        self.note(fired)
        step = self.replay_step()
        if step is not None:
            fired = self.codes == (self.rule.silent_code if step == self.silence else step)
        elif self.clock.step(self.time_step) >= self.clock.n_steps:
            fired = np.zeros_like(fired)
        self.s_out.send(fired.astype(np.int32))


@implements(proc=PostReplay, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyPostReplayModel(_Replay):
    """One code per neuron and the kernel; on the chip, a part of the target neuron's program."""

    s_in_bap: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    gate_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    y1_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    y2_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.shift = self.rule.shift - proc_params["trace_exponent"]

    def run_spk(self) -> None:
        """Tell what a source neuron that fires again in this step shall change."""
        fired, gates = self.s_in_bap.recv() != 0, self.gate_in.recv()
        self.note(fired)
        step = self.replay_step()
        change = np.zeros(self.codes.size, dtype=np.int64)
        if step is not None:
            change = self._change(step, gates)
        self.y1_out.send(np.maximum(change, 0).astype(np.int32))
        self.y2_out.send(np.maximum(-change, 0).astype(np.int32))

    def _change(self, step: int, gates: np.ndarray) -> np.ndarray:
        rule, codes = self.rule, self.codes.copy()
        if rule.third_factor is ThirdFactor.TEACHER:
            codes[(codes == rule.silent_code) & (gates > 0)] = rule.teacher_latency
        places = np.append(np.arange(rule.silent_code), rule.silent_latency)[codes]
        place = rule.silent_latency if step == self.silence else step
        both_fired = (codes != rule.silent_code) & (step != self.silence)
        amplitude = np.where(both_fired, rule.potentiation, -rule.depression)
        product = rule.kernel.astype(np.int64)[np.abs(places - place)] * amplitude * gates
        return (
            shift_round(product, self.shift)
            if self.shift > 0
            else shift_floor(product, -self.shift)
        )
