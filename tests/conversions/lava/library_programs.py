"""Lava's library of Processes, each once or more, in fixed and floating point."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.atrlif.process import ATRLIF
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.graded.process import GradedReluVec, GradedVec, InvSqrt, NormVecDelay
from lava.proc.io.dataloader import SpikeDataloader, StateDataloader
from lava.proc.io.encoder import Compression, DeltaEncoder
from lava.proc.io.reset import Reset
from lava.proc.io.sink import Read
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFRefractory, LIFReset, TernaryLIF
from lava.proc.monitor.process import Monitor
from lava.proc.prodneuron.process import ProdNeuron
from lava.proc.receiver.process import Receiver
from lava.proc.resfire.process import RFZero
from lava.proc.rf.process import RF
from lava.proc.rf_iz.process import RF_IZ
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.proc.spiker.process import Spiker
from scipy.sparse import csr_matrix

FIXED, FLOAT = "fixed_pt", "floating_pt"


def sink_of(port, n_steps):
    sink = Sink(shape=port.shape, buffer=n_steps)
    port.connect(sink.a_in)
    return sink


def finished(run, n_steps, tag, sinks, variables=()):
    run(sinks[0], n_steps, Loihi2SimCfg(select_tag=tag))
    values = [sink.data.get() for sink in sinks] + [var.get() for var in variables]
    sinks[0].stop()
    return values


def graded(run, rng):
    """Vectors of graded spikes, products, and a vector that is divided by its length."""
    first, second = (Source(data=rng.integers(-90, 90, (4, 9))) for _ in range(2))
    vector, positive = GradedVec(shape=(4,), vth=5), GradedReluVec(shape=(4,), vth=9)
    product, norm = ProdNeuron(shape=(4,), vth=3, exp=2), NormVecDelay(shape=(4,), vth=1, exp=3)
    eyes = [Dense(weights=np.eye(4, dtype=int) * 2, num_message_bits=24) for _ in range(4)]
    length = Dense(weights=np.ones((1, 4), dtype=int), num_message_bits=24)
    root, back = InvSqrt(shape=(1,), fp_base=8), Dense(weights=np.ones((4, 1)), num_message_bits=24)
    first.s_out.connect([eyes[0].s_in, eyes[1].s_in])
    second.s_out.connect(eyes[2].s_in)
    eyes[0].a_out.connect([vector.a_in, product.a_in1])
    eyes[1].a_out.connect(positive.a_in)
    eyes[2].a_out.connect([product.a_in2, norm.a_in1])
    norm.s2_out.connect(length.s_in)
    length.a_out.connect(root.a_in)
    root.s_out.connect(back.s_in)
    back.a_out.connect(norm.a_in2)
    sinks = [sink_of(each.s_out, 12) for each in (vector, positive, product, norm)]
    return finished(run, 12, FIXED, sinks, [vector.v, product.v])


def resonators(run, rng):
    """Resonate-and-fire neurons of three kinds, and adaptive ones."""
    source = Source(data=rng.integers(-30, 90, (3, 11)))
    real, imaginary = (Dense(weights=2 * rng.integers(-9, 30, (3, 3)), num_message_bits=8)
                       for _ in range(2))  # fmt: skip
    rf = RF(shape=(3,), period=8, alpha=0.07, state_exp=6, decay_bits=12, vth=2)
    izhikevich = RF_IZ(shape=(3,), period=6, alpha=0.1, state_exp=6, decay_bits=12, vth=2)
    zero = RFZero(shape=(3,), freqs=np.array([60, 90, 140]), decay_tau=np.full(3, 0.5), uth=1)
    adaptive = ATRLIF(shape=(3,), delta_i=300, delta_v=200, delta_theta=100, delta_r=500,
                      theta_0=40, theta_step=20, bias_mant=3)  # fmt: skip
    source.s_out.connect([real.s_in, imaginary.s_in])
    for neurons in (rf, izhikevich):
        real.a_out.connect(neurons.a_real_in)
        imaginary.a_out.connect(neurons.a_imag_in)
    real.a_out.connect([zero.u_in, adaptive.a_in])
    imaginary.a_out.connect(zero.v_in)
    sinks = [sink_of(each.s_out, 30) for each in (rf, izhikevich, zero, adaptive)]
    return finished(run, 30, FIXED, sinks, [rf.real, zero.u, adaptive.v, adaptive.theta])


class Images:
    """A data set as Lava's loaders want it."""

    def __init__(self, rng, shape, n=3):
        self._items = [(rng.integers(0, 2, shape), k) for k in range(n)]

    def __getitem__(self, k):
        return self._items[k % len(self._items)]

    def __len__(self):
        return len(self._items)


def loaders(run, rng):
    """Spikes and states from data sets, neurons that are read and reset at intervals."""
    spikes = SpikeDataloader(dataset=Images(rng, (5, 6)), interval=6, offset=1)
    states = StateDataloader(dataset=Images(rng, (4,)), interval=8, offset=3)
    dense = Dense(weights=2 * rng.integers(-20, 60, (4, 5)))
    neurons, ternary = (
        LIF(shape=(4,), du=300, dv=80, vth=70),
        TernaryLIF(shape=(4,), vth_hi=30, vth_lo=-9),
    )
    reader, reset = Read(buffer=6, interval=4, offset=1), Reset(interval=7, offset=3)
    labels = sink_of(spikes.ground_truth, 20)
    sink_of(states.ground_truth, 20)
    spikes.s_out.connect(dense.s_in)
    dense.a_out.connect([neurons.a_in, ternary.a_in])
    states.connect_var(neurons.v)
    reader.connect_var(neurons.v)
    reset.connect_var(neurons.u)
    sinks = [sink_of(neurons.s_out, 20), sink_of(ternary.s_out, 20), labels]
    return finished(run, 20, FIXED, sinks, [reader.data, neurons.v, ternary.v])


def encoders(run, rng):
    """Differences of dense frames, a spiker and a receiver."""
    source = Source(data=rng.integers(-40, 40, (6, 9)))
    encoder = DeltaEncoder(shape=(6,), vth=7, spike_exp=0, compression=Compression.DENSE)
    spiker, receiver = Spiker(shape=(2,), period=3, payload=5), Receiver(shape=(2,))
    source.s_out.connect(encoder.a_in)
    spiker.s_out.connect(receiver.a_in)
    sinks = [sink_of(encoder.s_out, 14), sink_of(spiker.s_out, 14)]
    return finished(run, 14, None, sinks, [receiver.payload, spiker.counter])


def real_numbers(run, rng):
    """All LIF neurons and connections of floating point, in a loop."""
    source = Source(data=rng.normal(0.2, 0.6, (4, 4, 2, 7)))
    conv = Conv(weight=rng.normal(0, 0.3, (3, 3, 3, 2)), padding=1, input_shape=(4, 4, 2),
                num_message_bits=8)  # fmt: skip
    maps = LIF(shape=(4, 4, 3), du=0.4, dv=0.2, vth=0.8, bias_mant=rng.normal(0.1, 0.1, (4, 4, 3)))
    dense = Dense(weights=rng.normal(0, 0.4, (6, 48)))
    resting = LIFRefractory(shape=(6,), du=0.3, dv=0.1, vth=0.5, refractory_period=2)
    stored = csr_matrix(rng.normal(0, 0.7, (5, 6)) * (rng.random((5, 6)) < 0.6))
    sparse, reset = Sparse(weights=stored), LIFReset(shape=(5,), du=0.3, vth=0.4, reset_interval=5)
    lags = csr_matrix((rng.integers(1, 4, stored.nnz), stored.indices, stored.indptr), (5, 6))
    slow = DelaySparse(weights=stored, delays=lags, max_delay=3)
    late = DelayDense(weights=rng.normal(0, 0.5, (6, 5)), delays=rng.integers(0, 3, (6, 5)))
    ternary = TernaryLIF(shape=(6,), du=0.5, dv=0.1, vth_hi=0.4, vth_lo=-0.4)
    source.s_out.connect(conv.s_in)
    conv.a_out.connect(maps.a_in)
    maps.s_out.flatten().connect(dense.s_in)
    dense.a_out.connect(resting.a_in)
    resting.s_out.connect([sparse.s_in, slow.s_in])
    sparse.a_out.connect(reset.a_in)
    slow.a_out.connect(reset.a_in)
    reset.s_out.connect(late.s_in)
    late.a_out.connect(ternary.a_in)
    monitor = Monitor()
    monitor.probe(resting.v, 25)
    sinks = [sink_of(each.s_out, 25) for each in (maps, resting, reset, ternary)]
    run(sinks[0], 25, Loihi2SimCfg(select_tag=FLOAT))
    values = [sink.data.get() for sink in sinks]
    values += [monitor.get_data()[resting.name]["v"], reset.v.get(), ternary.v.get(), maps.u.get()]
    sinks[0].stop()
    return values


LIBRARY = (graded, resonators, loaders, encoders, real_numbers)
