"""Processes with models in plain Python."""

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class SpikeCounter(AbstractProcess):
    """Counts the spikes of each neuron."""

    def __init__(self, shape):
        super().__init__(shape=shape)
        self.a_in = InPort(shape=shape)
        self.counts = Var(shape=shape, init=0)


@implements(proc=SpikeCounter, protocol=LoihiProtocol)
@requires(CPU)
class PySpikeCounterModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    counts: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def run_spk(self):
        self.counts += self.a_in.recv()


class DigitInput(AbstractProcess):
    """Shows images one after the other, each as the spikes of neurons that add up its pixels."""

    def __init__(self, images, n_steps):
        super().__init__(images=images, n_steps=n_steps)
        self.s_out = OutPort(shape=images.shape[1:])
        self.v = Var(shape=images.shape[1:], init=0.0)


@implements(proc=DigitInput, protocol=LoihiProtocol)
@requires(CPU)
class PyDigitInputModel(PyLoihiProcessModel):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, bool)
    v: np.ndarray = LavaPyType(np.ndarray, float)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.images, self.n_steps = proc_params["images"], proc_params["n_steps"]

    def run_spk(self):
        image = self.images[(self.time_step - 1) // self.n_steps % len(self.images)]
        self.v += image / 16
        fire = self.v > 4
        self.v[fire] = 0
        self.s_out.send(fire)
