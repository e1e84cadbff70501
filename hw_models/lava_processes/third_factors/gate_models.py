"""ProcessModels of the Processes that make gates, in integers."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hw_models.dopamine import GATE_ONE
from hw_models.lava_processes.third_factors.gate_processes import (
    DopamineGateProcess,
    GivenGate,
    LabelGate,
)


class _Gate(PyLoihiProcessModel):
    """What the gates have in common: a schedule and a clock."""

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.schedule = proc_params["schedule"]
        self.clock = proc_params["clock"]
        self.n_post = proc_params["n_post"]

    def is_learned(self) -> bool:
        """Whether there is something to learn from the sample of this step."""
        sample = self.clock.sample(self.time_step)
        return sample < self.schedule.learns.size and bool(self.schedule.learns[sample])


@implements(proc=GivenGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyGivenGateModel(_Gate):
    """Send the row of the sample."""

    gate_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.gates = self.schedule.learned_gates(self.n_post)
        self.none = np.zeros(self.n_post, dtype=np.int32)

    def run_spk(self) -> None:
        """Send this sample's gates."""
        learned = self.is_learned()
        self.gate_out.send(self.gates[self.clock.sample(self.time_step)] if learned else self.none)


@implements(proc=LabelGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyLabelGateModel(_Gate):
    """Count the target's spikes and compare with the label."""

    s_in_bap: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    gate_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.counts = np.zeros(self.n_post, dtype=np.int64)
        self.first = np.zeros(self.n_post, dtype=np.int64)

    def run_spk(self) -> None:
        """Take the spikes of this step and send the gates as they would be now."""
        fired = self.s_in_bap.recv() != 0
        step = self.clock.step(self.time_step)
        if step == 0:
            self.counts[:] = 0
        if step < self.clock.n_steps:
            self.first[fired & (self.counts == 0)] = step
            self.counts += fired
        self.gate_out.send(self._gates())

    def _gates(self) -> np.ndarray:
        gates = np.zeros(self.n_post, dtype=np.int32)
        if not self.is_learned():
            return gates
        label = int(self.schedule.labels[self.clock.sample(self.time_step)])
        most = self.counts.max()
        gates[(self.counts > 0) & (self.counts >= self.counts[label])] = -GATE_ONE
        never = self.clock.n_steps
        winner = int(np.argmin(np.where(self.counts == most, self.first, never)))
        gates[label] = 0 if most > 0 and winner == label else GATE_ONE
        return gates


@implements(proc=DopamineGateProcess, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyDopamineGateModel(_Gate):
    """Count who fired; the statistics of the warm-up are integers without a width."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_in_bap: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    gate_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.warm_up = proc_params["rule"].warm_up
        self.least_correlation = proc_params["rule"].least_correlation
        self.statistics = self.schedule.statistics
        self.fired_pre = np.zeros(proc_params["n_pre"], dtype=bool)
        self.fired_post = np.zeros(self.n_post, dtype=bool)

    def run_spk(self) -> None:
        """Take the spikes of this step and send the gate as it would be now."""
        pre, post = self.s_in.recv() != 0, self.s_in_bap.recv() != 0
        step = self.clock.step(self.time_step)
        if step == 0:
            self.fired_pre[:] = False
            self.fired_post[:] = False
        if step < self.clock.n_steps:
            self.fired_pre |= pre
            self.fired_post |= post
        gate = 0
        if self.is_learned() and self.statistics.n_samples >= self.warm_up:
            gate = self.statistics.fit(self.least_correlation).gate(self._synchrony())
        self.gate_out.send(np.full(self.n_post, gate, dtype=np.int32))

    def lrn_guard(self) -> bool:
        """Whether a sample of the warm-up, with all that follows it, ends in this step."""
        is_last = self.time_step % self.clock.period == 0
        return is_last and self.is_learned() and self.statistics.n_samples < self.warm_up

    def run_lrn(self) -> None:
        """Count the sample."""
        loss = self.schedule.losses[self.clock.sample(self.time_step)]
        self.statistics = self.statistics.add(self._synchrony(), loss)

    def _synchrony(self) -> int:
        return int(self.fired_pre.sum()) * int(self.fired_post.sum())
