"""Programs as users of Lava write them: own Processes, hierarchies, loops of run, get and set."""

import threading

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.compiler.channels.pypychannel import PyPyChannel
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.run_configs import Loihi1SimCfg, Loihi2SimCfg, RunConfig
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.models import AbstractPyLifModelFloat
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.monitor.process import Monitor


class Cart(AbstractProcess):
    """A cart that motors push: tells where it is in spikes, hears what neurons send."""

    def __init__(self, n_cells, **kwargs):
        super().__init__(n_cells=n_cells, **kwargs)
        self.place_out = OutPort(shape=(n_cells,))
        self.push_in = InPort(shape=(2,))
        self.position = Var(shape=(1,), init=0.2)
        self.speed = Var(shape=(1,), init=0.0)


@implements(proc=Cart, protocol=LoihiProtocol)
@requires(CPU)
class PyCartModel(PyLoihiProcessModel):
    place_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    push_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    position: np.ndarray = LavaPyType(np.ndarray, float)
    speed: np.ndarray = LavaPyType(np.ndarray, float)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.centers = np.linspace(-1, 1, proc_params["n_cells"])

    def run_spk(self):
        left, right = self.push_in.recv()
        self.speed += 0.05 * (right - left) - 0.1 * self.speed
        self.position[:] = np.clip(self.position + 0.2 * self.speed, -1, 1)
        self.place_out.send(np.abs(self.centers - self.position) < 0.15)


def closed_loop(run, rng):
    """A cart that spiking neurons hold in the middle, saved by the user in between."""
    n_cells = 12
    cart = Cart(n_cells)
    side = np.linspace(-1, 1, n_cells)
    sense = Dense(weights=2 * np.rint(40 * np.stack([side > 0, side < 0])).astype(int))
    motors = LIF(shape=(2,), du=4095, dv=1000, vth=60, bias_mant=50, name="motors")
    rest = Dense(weights=np.array([[0, -40], [-40, 0]]))
    act = Dense(weights=np.eye(2, dtype=int) * 2)
    cart.place_out.connect(sense.s_in)
    sense.a_out.connect(motors.a_in)
    motors.s_out.connect([rest.s_in, act.s_in])
    rest.a_out.connect(motors.a_in)
    act.a_out.connect(cart.push_in)
    track = []
    for part in range(4):
        run(cart, 15, Loihi1SimCfg(select_tag="fixed_pt"))
        track.append(np.concatenate([cart.position.get(), cart.speed.get(), motors.v.get()]))
        if part == 1:
            cart.speed.set(np.array([0.7]))
    cart.stop()
    return [np.array(track)]


class LeakyRecorder(LIF):
    """LIF with a model of the user's."""


@implements(proc=LeakyRecorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("mine")
class PyLeakyRecorderModel(AbstractPyLifModelFloat):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    vth: float = LavaPyType(float, float)

    def spiking_activation(self):
        return self.v > self.vth * (1 + 0.1 * (self.time_step % 3))


class Classifier(AbstractProcess):
    """Two layers; the first is given an image as its bias."""

    def __init__(self, w_in, w_out):
        super().__init__(w_in=w_in, w_out=w_out)
        self.bias = Var(shape=(w_in.shape[1],), init=0)
        self.v = Var(shape=(w_out.shape[0],), init=0)
        self.u = Var(shape=(w_out.shape[0],), init=0)
        self.s_out = OutPort(shape=(w_out.shape[0],))


@implements(proc=Classifier, protocol=LoihiProtocol)
@requires(CPU)
class SubClassifierModel(AbstractSubProcessModel):
    def __init__(self, proc):
        w_in, w_out = proc.proc_params.get("w_in"), proc.proc_params.get("w_out")
        self.pixels = LIF(shape=(w_in.shape[1],), du=1, dv=0, vth=1)
        self.dense1 = Dense(weights=w_in)
        self.hidden = LeakyRecorder(shape=(w_in.shape[0],), du=0.8, dv=0.1, vth=0.5)
        self.dense2 = Dense(weights=w_out)
        self.output = LIF(shape=(w_out.shape[0],), du=0.9, dv=0.1, vth=0.7)
        self.pixels.s_out.connect(self.dense1.s_in)
        self.dense1.a_out.connect(self.hidden.a_in)
        self.hidden.s_out.connect(self.dense2.s_in)
        self.dense2.a_out.connect(self.output.a_in)
        self.output.s_out.connect(proc.s_out)
        proc.bias.alias(self.pixels.bias_mant)
        proc.v.alias(self.output.v)
        proc.u.alias(self.output.u)


class Counter(AbstractProcess):
    """Counts spikes of each neuron."""

    def __init__(self, shape):
        super().__init__(shape=shape)
        self.a_in = InPort(shape=shape)
        self.counts = Var(shape=shape, init=0)


@implements(proc=Counter, protocol=LoihiProtocol)
@requires(CPU)
class PyCounterModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    counts: np.ndarray = LavaPyType(np.ndarray, int)

    def run_spk(self):
        heard = self.a_in.recv()
        heard *= 2  # a message is the receiver's own
        self.counts += (heard / 2).astype(int)


class Choosing(RunConfig):
    """A configuration of the user's: hierarchies first, then the model of a tag."""

    def select(self, proc, proc_models):
        for model in proc_models:
            if issubclass(model, AbstractSubProcessModel):
                return model
        for model in proc_models:
            if "mine" in model.tags or "floating_pt" in model.tags:
                return model
        return proc_models[0]


def images(run, rng):
    """A classifier in a hierarchy: per image set the bias, run, read counts, clear the state."""
    net = Classifier(rng.normal(0.2, 0.4, (8, 10)), rng.normal(0.2, 0.5, (4, 8)))
    counter = Counter((4,))
    net.s_out.connect(counter.a_in)
    found = []
    for _ in range(3):
        if net.runtime is None:  # Lava sets nothing before the first run
            run(net, 1, Choosing(custom_sync_domains=[]))
        net.bias.set(rng.random(10))
        run(net, 12)
        found.append(np.concatenate([counter.counts.get(), net.v.get(), net.u.get()]))
        for var in (net.v, net.u, counter.counts):
            var.set(np.zeros(4))
    net.stop()
    return [np.array(found)]


class Rewiring(AbstractProcess):
    """Reads weights, and takes the weakest away."""

    def __init__(self, shape):
        super().__init__(shape=shape)
        self.weights = RefPort(shape=shape)
        self.taken = Var(shape=(1,), init=0)


@implements(proc=Rewiring, protocol=LoihiProtocol)
@requires(CPU)
class PyRewiringModel(PyLoihiProcessModel):
    weights: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, int)
    taken: np.ndarray = LavaPyType(np.ndarray, int)

    def post_guard(self):
        return self.time_step % 6 == 0

    def run_post_mgmt(self):
        weights = self.weights.read()
        weakest = np.abs(np.where(weights == 0, 10_000, weights)).argmin()
        weights.flat[weakest] = 0
        self.weights.write(weights)
        self.taken += 1


def rewired(run, rng):
    """Synapses that another Process takes away while it runs, on 'hardware'."""
    source = Source(data=rng.integers(0, 2, (6, 13)))
    dense = Dense(weights=2 * rng.integers(5, 40, (5, 6)))
    neurons, after = (
        LIF(shape=(5,), du=500, dv=100, vth=90),
        LIFReset(shape=(5,), vth=1, reset_interval=4),
    )
    rewiring = Rewiring((5, 6))
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.s_out.connect(after.a_in)  # straight into the next ones
    rewiring.weights.connect_var(dense.weights)
    sink = Sink(shape=(5,), buffer=24)
    after.s_out.connect(sink.a_in)
    run(sink, 24, Loihi2SimCfg(select_tag="fixed_pt"))
    values = [sink.data.get(), dense.weights.get(), neurons.v.get(), rewiring.taken.get()]
    sink.stop()
    return values


class Tutor(AbstractProcess):
    """Hears an output and answers with a reward."""

    def __init__(self, n):
        super().__init__(n=n)
        self.s_in, self.y1_out = InPort(shape=(n,)), OutPort(shape=(n,))


@implements(proc=Tutor, protocol=LoihiProtocol)
@requires(CPU)
class PyTutorModel(PyLoihiProcessModel):
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    y1_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def run_spk(self):
        self.y1_out.send(np.where(self.s_in.recv() > 0, 1.5, -0.25))


def rewarded(run, rng):
    """A learning rule of three factors whose third the user's Process sends."""
    rule = Loihi3FLearningRule(
        dw="2^-3*x0*y1 + 2^-4*u0*x1*y2", x1_impulse=1, x1_tau=4, t_epoch=1,
    )  # fmt: skip
    source = Source(data=rng.integers(0, 2, (4, 9)).astype(float))
    plastic = LearningDense(weights=rng.random((3, 4)), learning_rule=rule, name="plastic")
    neurons, tutor = LIF(shape=(3,), du=0.9, dv=0.3, vth=0.8), Tutor(3)
    source.s_out.connect(plastic.s_in)
    plastic.a_out.connect(neurons.a_in)
    neurons.s_out.connect([plastic.s_in_bap, tutor.s_in])
    tutor.y1_out.connect([plastic.s_in_y1, plastic.s_in_y2])
    monitor = Monitor()
    monitor.probe(plastic.weights, 30)
    run(neurons, 30, Loihi2SimCfg(select_tag="floating_pt"))
    values = [monitor.get_data()["plastic"]["weights"], neurons.v.get(), plastic.x1.get()]
    neurons.stop()
    return values


class Mailbox(AbstractProcess):
    """A channel of the user's own into the model, as adapters for robots have it."""

    def __init__(self, n):
        super().__init__(n=n)
        channels = MultiProcessing()
        channels.start()
        self.channel = PyPyChannel(
            message_infrastructure=channels, src_name="src", dst_name="dst", shape=(n,),
            dtype=np.int32, size=64,
        )  # fmt: skip
        self.proc_params["inbox"] = self.channel.dst_port
        self.channel.src_port.start()
        self.s_out = OutPort(shape=(n,))

    def post(self, values):
        self.channel.src_port.send(np.asarray(values, dtype=np.int32))


@implements(proc=Mailbox, protocol=LoihiProtocol)
@requires(CPU)
class PyMailboxModel(PyLoihiProcessModel):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.inbox = proc_params["inbox"]
        self.inbox.start()

    def run_spk(self):
        self.s_out.send(self.inbox.recv())


def mailbox(run, rng):
    """Input that the program posts from a thread of its own; then it runs on until paused."""
    box, dense = Mailbox(3), Dense(weights=2 * rng.integers(1, 40, (2, 3)))
    neurons, sink = LIF(shape=(2,), du=4095, dv=0, vth=60), Sink(shape=(2,), buffer=200)
    box.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.s_out.connect(sink.a_in)
    posts = rng.integers(0, 2, (16, 3))
    sender = threading.Thread(target=lambda: [box.post(each) for each in posts])
    sender.start()
    run(neurons, 16, Loihi2SimCfg(select_tag="fixed_pt"))
    sender.join()
    values = [sink.data.get()[:, :16], neurons.v.get()]
    neurons.stop()
    return values


PROGRAMS = (closed_loop, images, rewired, rewarded, mailbox)
