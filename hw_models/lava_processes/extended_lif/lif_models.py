"""Fixed-point ProcessModel of :class:`ExtendedLIF`, on the primitives of this distribution."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hw_models.arithmetic import (
    ALIGN_SHIFT,
    DECAY_UNITY,
    STATE_BITS,
    STATE_LIMIT,
    decay_toward_zero,
    saturate,
    wrap,
    wrap_current,
)
from hw_models.lava_processes.extended_lif.lif_process import ExtendedLIF

WORD_BITS = 32


@implements(proc=ExtendedLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class PyExtendedLifModelFixed(PyLoihiProcessModel):
    """One step of :class:`ExtendedLIF`; sums are 32-bit two's complement as in Lava's LIF.

    Differs from the chip in that decays, thresholds and bias exponents are per neuron
    without a limit on how many different ones a core holds.
    """

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    v_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    threshold_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    u: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=STATE_BITS)
    v: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=STATE_BITS)
    adapted: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=STATE_BITS)
    refractory_left: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=6)
    du: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    dv: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    vth: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=17)
    bias_mant: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=13)
    bias_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=3)
    rise: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=17)
    da: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.begin_u = proc_params["u"]
        self.begin_v = proc_params["v"]
        self.subtract = proc_params["subtract"]
        self.refractory = proc_params["refractory"]
        self.reset_interval = proc_params["reset_interval"]
        self.reset_offset = proc_params["reset_offset"]
        self.clock = proc_params["clock"]

    def run_spk(self) -> None:
        """Receive, reset if it is time, update current and membrane potential, spike."""
        arriving = self.a_in.recv()
        step = self.time_step  # of the sample, from 1
        if self.clock is not None:
            step = self.clock.step(self.time_step) + 1
            if step > self.clock.n_steps:
                self.s_out.send(np.zeros_like(self.v))
                self.v_out.send(self.v)
                self.threshold_out.send(self._threshold())
                return
        starts = self.clock is not None and step == 1
        if starts:
            arriving = np.zeros_like(arriving)
            self.u[:] = self.begin_u
            self.v[:] = self.begin_v
            self.adapted[:] = 0
            self.refractory_left[:] = 0
        if self._is_reset_step(step):
            self.u[:] = 0
            self.v[:] = 0
            self.adapted[:] = 0
            self.refractory_left[:] = 0
        self._update_current(arriving)
        active = self.refractory_left == 0
        self._update_voltage(active)
        self.adapted[:] = decay_toward_zero(self.adapted, DECAY_UNITY - self.da)
        aligned_threshold = self.vth.astype(np.int64) << ALIGN_SHIFT
        compared_with = self._threshold()
        spikes = active & (self.v > compared_with)
        after = wrap(self.v - aligned_threshold, WORD_BITS) if self.subtract else 0
        self.v[:] = np.where(spikes, after, self.v)
        raised = self.adapted + (spikes * self.rise.astype(np.int64) << ALIGN_SHIFT)
        self.adapted[:] = np.minimum(raised, STATE_LIMIT - 1)
        waiting = np.maximum(self.refractory_left - 1, 0)
        self.refractory_left[:] = np.where(spikes, self.refractory, waiting)
        self.s_out.send(spikes)
        self.v_out.send(self.v)
        self.threshold_out.send(compared_with)

    def _threshold(self) -> np.ndarray:
        """Threshold with its rise, on the membrane's scale."""
        return (self.vth.astype(np.int64) << ALIGN_SHIFT) + self.adapted

    def _is_reset_step(self, step: int) -> bool:
        interval = self.reset_interval
        return interval > 0 and step % interval == self.reset_offset % interval

    def _update_current(self, arriving: np.ndarray) -> None:
        aligned = arriving.astype(np.int64) << ALIGN_SHIFT
        kept = decay_toward_zero(self.u, DECAY_UNITY - (self.du + 1))
        self.u[:] = wrap_current(wrap(kept + aligned, WORD_BITS))

    def _update_voltage(self, active: np.ndarray) -> None:
        mantissa = self.bias_mant.astype(np.int64)
        bias = mantissa << np.maximum(self.bias_exp, 0) >> np.maximum(-self.bias_exp, 0)
        kept = decay_toward_zero(self.v, DECAY_UNITY - self.dv)
        summed = wrap(kept + self.u + bias, WORD_BITS)
        clipped = saturate(summed, 1 - STATE_LIMIT, STATE_LIMIT - 1)
        self.v[:] = np.where(active, clipped, self.v)
