"""Neurons of a user that tell their synapses of spikes and of a reward, in both number worlds."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.neuron import LearningNeuronModelFixed, LearningNeuronModelFloat
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.neuron import LearningNeuronProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.lif.models import AbstractPyLifModelFixed, AbstractPyLifModelFloat
from lava.proc.lif.process import AbstractLIF


class RewardedLIF(LearningNeuronProcess, AbstractLIF):
    """LIF neurons with a trace of their own spikes, y1, that pass on a reward as y2."""

    def __init__(self, *, shape, vth, learning_rule, du, dv, name=None):
        super().__init__(
            shape=shape, learning_rule=learning_rule, u=0, v=0, du=du, dv=dv,
            bias_mant=0, bias_exp=0, name=name, log_config=None,
        )  # fmt: skip
        self.vth = Var(shape=(1,), init=vth)


class Rewarded:
    """What both models do beside being LIF."""

    def tell(self, kept):
        rule = self._learning_rule
        reward = self.a_third_factor_in.recv()
        self.y1 = np.minimum(kept + self.s_out_buff * rule.post_trace_kernel_magnitude, 127)
        self.y2 = reward
        self.s_out_bap.send(self.s_out_buff.astype(bool))
        self.s_out_y1.send(self.y1)
        self.s_out_y2.send(self.y2)

    @property
    def kept_share(self):
        return np.exp(-1 / self._learning_rule.post_trace_decay_tau)


@implements(proc=RewardedLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class RewardedLIFFloat(Rewarded, LearningNeuronModelFloat, AbstractPyLifModelFloat):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    vth: float = LavaPyType(float, float)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.s_out_buff = np.zeros(proc_params["shape"])

    def spiking_activation(self):
        return self.v > self.vth

    def run_spk(self):
        super().run_spk()
        self.s_out_buff = self.s_out_buff.astype(float)
        self.tell(self.y1 * self.kept_share)


@implements(proc=RewardedLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RewardedLIFFixed(Rewarded, LearningNeuronModelFixed, AbstractPyLifModelFixed):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    vth: int = LavaPyType(int, np.int32, precision=17)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.effective_vth = 0
        self.s_out_buff = np.zeros(proc_params["shape"], dtype=np.int32)

    def scale_threshold(self):
        self.effective_vth = np.left_shift(self.vth, self.vth_shift)
        self.isthrscaled = True

    def spiking_activation(self):
        return self.v > self.effective_vth

    def run_spk(self):
        super().run_spk()
        self.s_out_buff = self.s_out_buff.astype(np.int32)
        self.tell((self.y1 * self.kept_share).astype(np.int32))
