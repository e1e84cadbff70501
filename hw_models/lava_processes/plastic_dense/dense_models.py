"""Fixed-point ProcessModel of :class:`PlasticDense`, on the primitives of this distribution."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hw_models.arithmetic import saturate, shift_floor, shift_round, shift_stochastic
from hw_models.formats import Rounding
from hw_models.lava_processes.plastic_dense.dense_process import PlasticDense
from hw_models.plasticity import ThirdFactor
from hw_models.random_bits import random_bits


@implements(proc=PlasticDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class PyPlasticDenseModelFixed(PyLoihiProcessModel):
    """Deliver spikes, note the first ones, learn in the last step of a sample.

    Has no counterpart on the chip's cores: there, a program on the embedded processor
    would read the codes and write the weights between two samples.
    """

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_in_bap: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    gate_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    weights: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=9)
    a_buff: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    gates: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=9)
    pre_codes: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)
    post_codes: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.rule = proc_params["rule"]
        self.clock = proc_params["clock"]
        self.weight_exp = proc_params["weight_exp"]
        self.seed = proc_params["seed"]
        self.first_sample = proc_params["first_sample"]

    def run_spk(self) -> None:
        """Send what the spikes of the step before add up to, then take this step's."""
        step = self.clock.step(self.time_step)
        if step == 0:
            self.a_buff[:] = 0
        self.a_out.send(self.a_buff)
        fired_pre = self.s_in.recv() != 0
        fired_post = self.s_in_bap.recv() != 0
        self.gates[:] = self.gate_in.recv()
        for codes, fired in ((self.pre_codes, fired_pre), (self.post_codes, fired_post)):
            if step == 0:
                codes[:] = self.rule.silent_code
            is_first = fired & (codes == self.rule.silent_code) & (step < self.clock.n_steps)
            codes[is_first] = step >> self.rule.latency_shift
        summed = self.weights[:, fired_pre].sum(axis=1, dtype=np.int64)
        self.a_buff[:] = shift_floor(summed, self.weight_exp)

    def lrn_guard(self) -> bool:
        """Whether this step is a sample's last."""
        return self.clock.step(self.time_step) == self.clock.n_steps - 1

    def run_lrn(self) -> None:
        """Change every weight once."""
        rule, post_codes = self.rule, self.post_codes.copy()
        if rule.third_factor is ThirdFactor.TEACHER:
            forced = (post_codes == rule.silent_code) & (self.gates > 0)
            post_codes[forced] = rule.teacher_latency
        delta = self._delta(self.pre_codes[None, :], post_codes[:, None], self.gates[:, None])
        self.weights[:] = saturate(self.weights + delta, rule.weight_low, rule.weight_high)

    def _delta(self, pre: np.ndarray, post: np.ndarray, gates: np.ndarray) -> np.ndarray:
        rule, silent = self.rule, self.rule.silent_code
        places = np.append(np.arange(silent), rule.silent_latency)
        kernel = rule.kernel.astype(np.int64)[np.abs(places[post] - places[pre])]
        both_fired = (pre != silent) & (post != silent)
        amplitude = np.where(both_fired, rule.potentiation, -rule.depression)
        product = kernel * amplitude * gates
        if rule.rounding is Rounding.NEAREST_AWAY:
            return shift_round(product, rule.shift)
        sample = self.first_sample + self.clock.sample(self.time_step)
        rows, columns = np.indices(product.shape, sparse=True)
        bits = random_bits(self.seed, sample, rows, columns)
        return shift_stochastic(product, rule.shift, bits)
