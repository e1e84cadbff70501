"""A Process of a user that hears spikes, passes them on, and tells three numbers about them."""

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


class Teller(AbstractProcess):
    """``told`` are the spikes, y1 to y3 what it keeps of them."""

    def __init__(self, *, shape):
        super().__init__(shape=shape)
        self.heard = InPort(shape=shape)
        self.told, self.y1, self.y2, self.y3 = (OutPort(shape=shape) for _ in range(4))
        self.kept = Var(shape=shape, init=0)


@implements(proc=Teller, protocol=LoihiProtocol)
@requires(CPU)
class PyTellerModel(PyLoihiProcessModel):
    heard: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    told: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, bool)
    y1: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    y2: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    y3: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    kept: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def run_spk(self):
        spikes = self.heard.recv()
        self.kept = np.minimum(self.kept * 3 // 4 + 40 * spikes, 127)
        self.told.send(spikes.astype(bool))
        self.y1.send(self.kept)
        self.y2.send(self.kept - 30)
        self.y3.send(7 * spikes)
