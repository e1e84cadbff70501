"""Processes with models of their own: phases, hierarchies, references, random numbers."""

# ruff: noqa: NPY002 programs use the global generator
import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyAsyncProcessModel, PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.async_protocol import AsyncProtocol
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF


class Phases(AbstractProcess):
    """Writes down which of its phases ran in which step, and adds up what it hears."""

    def __init__(self, n_steps, every=3, **kwargs):
        super().__init__(every=every, **kwargs)
        self.a_in = InPort(shape=(2,))
        self.s_out = OutPort(shape=(2,))
        self.total = Var(shape=(2,), init=0)
        self.ran = Var(shape=(n_steps, 4), init=0)
        self.scale = Var(shape=(1,), init=1)


@implements(proc=Phases, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyPhasesModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    total: np.ndarray = LavaPyType(np.ndarray, np.int32)
    ran: np.ndarray = LavaPyType(np.ndarray, np.int32)
    scale: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def _note(self, phase):
        self.ran[(self.time_step - 1) % len(self.ran), phase] += self.time_step

    def run_spk(self):
        self._note(0)
        self.total += self.scale * self.a_in.recv()
        self.s_out.send(self.total % 5)

    def pre_guard(self):
        return self.time_step % 2 == 0

    def run_pre_mgmt(self):
        self._note(1)

    def lrn_guard(self):
        return self.time_step % self.proc_params["every"] == 0

    def run_lrn(self):
        self._note(2)

    def post_guard(self):
        return self.time_step % 4 != 0

    def run_post_mgmt(self):
        self._note(3)
        if self.time_step == 17:
            self._req_pause = True


class Noise(AbstractProcess):
    """Random numbers from NumPy's global generator."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.s_out = OutPort(shape=(2,))


@implements(proc=Noise, protocol=LoihiProtocol)
@requires(CPU)
class PyNoiseModel(PyLoihiProcessModel):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.high = np.random.randint(5, 9)

    def run_spk(self):
        if self.time_step > 2:
            self.s_out.send(np.random.randint(0, self.high, 2))
        else:
            self.s_out.send(np.zeros(2, dtype=int))


class Controller(AbstractProcess):
    """Reads a Var of another Process, and writes it every few steps."""

    def __init__(self, n_steps, **kwargs):
        super().__init__(**kwargs)
        self.ref = RefPort(shape=(2,))
        self.seen = Var(shape=(n_steps, 2), init=0)


@implements(proc=Controller, protocol=LoihiProtocol)
@requires(CPU)
class PyControllerModel(PyLoihiProcessModel):
    ref: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, int)
    seen: np.ndarray = LavaPyType(np.ndarray, int)

    def post_guard(self):
        return True

    def run_post_mgmt(self):
        values = self.ref.read()
        self.seen[(self.time_step - 1) % len(self.seen)] = values
        if self.time_step % 5 == 0:
            self.ref.write(values // 2)
            self.ref.wait()


class Layer(AbstractProcess):
    """A connection and its neurons, as one Process."""

    def __init__(self, weights, **kwargs):
        super().__init__(weights=weights, **kwargs)
        self.s_in = InPort(shape=(weights.shape[1],))
        self.s_out = OutPort(shape=(weights.shape[0],))
        self.v = Var(shape=(weights.shape[0],), init=0)


@implements(proc=Layer, protocol=LoihiProtocol)
class SubLayerModel(AbstractSubProcessModel):
    def __init__(self, proc):
        weights = proc.proc_params["weights"]
        self.dense = Dense(weights=weights)
        self.lif = LIF(shape=(weights.shape[0],), du=1000, dv=300, vth=40)
        proc.s_in.connect(self.dense.s_in)
        self.dense.a_out.connect(self.lif.a_in)
        self.lif.s_out.connect(proc.s_out)
        proc.v.alias(self.lif.v)


class Failing(AbstractProcess):
    """Fails in a step, or when it is built."""

    def __init__(self, step, **kwargs):
        super().__init__(step=step, **kwargs)
        self.s_out = OutPort(shape=(1,))
        self.value = Var(shape=(1,), init=7)


@implements(proc=Failing, protocol=LoihiProtocol)
@requires(CPU)
class PyFailingModel(PyLoihiProcessModel):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, int)
    value: np.ndarray = LavaPyType(np.ndarray, int)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        if proc_params["step"] == 0:
            raise KeyError("no such thing")

    def run_spk(self):
        if self.time_step == self.proc_params["step"]:
            raise ZeroDivisionError("my own mistake")
        self.s_out.send(np.ones(1, dtype=int))


class Patient(AbstractProcess):
    """Receives before it sends."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a_in = InPort(shape=(1,))
        self.s_out = OutPort(shape=(1,))
        self.heard = Var(shape=(1,), init=0)


@implements(proc=Patient, protocol=LoihiProtocol)
@requires(CPU)
class PyPatientModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, int)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, int)
    heard: np.ndarray = LavaPyType(np.ndarray, int)

    def run_spk(self):
        self.heard += self.a_in.recv()
        self.s_out.send(self.heard)


class Deaf(AbstractProcess):
    """Never reads what it is sent."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a_in = InPort(shape=(1,))


@implements(proc=Deaf, protocol=LoihiProtocol)
@requires(CPU)
class PyDeafModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, int)


class Counter(AbstractProcess):
    """Counts on its own until it is told to end, and hears of others on the way."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a_in = InPort(shape=(1,))
        self.heard = Var(shape=(1,), init=0)
        self.turns = Var(shape=(1,), init=0)


@implements(proc=Counter, protocol=AsyncProtocol)
@requires(CPU)
class PyCounterModel(PyAsyncProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, int)
    heard: np.ndarray = LavaPyType(np.ndarray, int)
    turns: np.ndarray = LavaPyType(np.ndarray, int)

    def run_async(self):
        while not (self.check_for_stop_cmd() or self.check_for_pause_cmd()):
            self.turns += 1
            if self.a_in.probe():
                self.heard += self.a_in.recv()
            if self.heard[0] >= 10:
                self._req_pause = True
                return


class Echo(AbstractProcess):
    """Sends what it heard a step ago before it listens, as connections do."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a_in, self.s_out = InPort(shape=(2,)), OutPort(shape=(2,))


@implements(proc=Echo, protocol=LoihiProtocol)
@requires(CPU)
class PyEchoModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.heard = np.zeros(2, dtype=np.int32)

    def run_spk(self):
        self.s_out.send(self.heard)
        self.heard = self.a_in.recv()


class Careless(AbstractProcess):
    """Changes in place what it is sent."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a_in, self.total = InPort(shape=(2,)), Var(shape=(2,), init=0)


@implements(proc=Careless, protocol=LoihiProtocol)
@requires(CPU)
class PyCarelessModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    total: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def run_spk(self):
        heard = self.a_in.recv()
        self.total += heard
        heard += 100
