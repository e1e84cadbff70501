"""Networks as in the tutorials of Lava's documentation, rebuilt: shapes and kinds, not data.

Each function connects Processes as a user of Lava does, in fixed-point numbers, and is
deterministic.
"""

from __future__ import annotations

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits

from tests.parity.lava_graphs import LavaGraph

STEPS_PER_IMAGE = 32


def two_layers():
    """The tour through Lava: biased neurons, all-to-all, neurons."""
    first = LIF(shape=(3,), du=0, dv=0, vth=10, bias_mant=np.array([211, 190, 200]), name="lif1")
    dense = Dense(weights=np.array([[70, -20, 12], [8, 90, -4]]), name="dense")
    second = LIF(shape=(2,), du=409, dv=409, vth=120, name="lif2")
    first.s_out.connect(dense.s_in)
    dense.a_out.connect(second.a_in)
    return LavaGraph(synapses=[dense], neurons=[first, second])


def digit_classifier():
    """784-64-64-10 with biases, each image shown for some steps from a fresh start."""
    rng = np.random.default_rng(6)
    image = np.kron(load_digits().images[5], np.ones((3, 3)))
    image = np.pad(image, 2).reshape(-1).astype(int)
    common = {"du": 4095, "dv": 0, "reset_interval": STEPS_PER_IMAGE, "reset_offset": 1}
    layers = [LIFReset(shape=(784,), vth=40, bias_mant=image << 5, name="pixels", **common)]
    synapses = []
    for size, vth in ((64, 400), (64, 300), (10, 200)):
        before = layers[-1]
        weights = rng.normal(4, 20, (size, before.s_out.size))
        dense = Dense(weights=np.rint(weights).astype(int), num_weight_bits=8)
        layer = LIFReset(shape=(size,), vth=vth, bias_mant=rng.integers(-900, 900, size), **common)
        before.s_out.connect(dense.s_in)
        dense.a_out.connect(layer.a_in)
        layers.append(layer)
        synapses.append(dense)
    return LavaGraph(synapses=synapses, neurons=layers)


def excitatory_inhibitory():
    """Balanced loops: sparse within and from the excitatory neurons, dense inhibition."""
    rng = np.random.default_rng(8)
    sizes = {"E": 80, "I": 20}
    groups = {}
    for name, size in sizes.items():
        drive = rng.integers(400, 1500, size)
        groups[name] = LIF(shape=(size,), du=500, dv=200, vth=200, bias_mant=drive, name=name)
    synapses = []
    for before, after in ("EE", "EI", "IE", "II"):
        shape = (sizes[after], sizes[before])
        if before == "E":
            used = rng.random(shape) < 0.1
            process = Sparse(weights=csr_matrix(used * rng.integers(10, 60, shape)))
        else:
            process = Dense(weights=rng.integers(-120, 0, shape), weight_exp=-1)
        groups[before].s_out.connect(process.s_in)
        process.a_out.connect(groups[after].a_in)
        synapses.append(process)
    return LavaGraph(synapses=synapses, neurons=list(groups.values()))


def neural_field():
    """A dynamic neural field on a grid: input bumps, near excitation, far inhibition."""
    rng = np.random.default_rng(9)
    shape = (9, 9)
    place = np.stack(np.indices(shape), axis=-1).reshape(-1, 2)
    distance = np.square(place[:, None] - place[None]).sum(-1)
    kernel = np.rint(90 * np.exp(-distance / 4) - 12).astype(int)
    chance = np.exp(-np.square(place - 4).sum(-1) / 6).reshape(shape)
    source = Source(data=(rng.random((*shape, 50)) < chance[..., None]).astype(int))
    entrance = Sparse(weights=csr_matrix(60 * np.eye(81, dtype=int)))
    lateral = Sparse(weights=csr_matrix(kernel * (kernel != 0)))
    field = LIF(shape=shape, du=1500, dv=600, vth=110, name="field")
    source.s_out.flatten().connect(entrance.s_in)
    entrance.a_out.reshape(shape).connect(field.a_in)
    field.s_out.flatten().connect(lateral.s_in)
    lateral.a_out.reshape(shape).connect(field.a_in)
    return LavaGraph(sources=[source], synapses=[entrance, lateral], neurons=[field])


def convolutional():
    """Images in Lava's order (width, height, channels), two convolutions, a dense readout."""
    rng = np.random.default_rng(10)
    source = Source(data=(rng.random((10, 8, 2, 20)) < 0.3).astype(int))
    first = Conv(weight=rng.integers(-40, 60, (4, 3, 3, 2)), input_shape=(10, 8, 2), padding=1)
    one = LIF(shape=(10, 8, 4), du=2000, dv=300, vth=150)
    second = Conv(weight=rng.integers(-50, 60, (3, 2, 2, 4)), input_shape=(10, 8, 4), stride=2)
    two = LIF(shape=(5, 4, 3), du=2000, dv=300, vth=150)
    readout = Dense(weights=rng.integers(-60, 90, (6, 60)))
    end = LIF(shape=(6,), du=1000, dv=100, vth=300)
    for before, synapses, after in ((source, first, one), (one, second, two)):
        before.s_out.connect(synapses.s_in)
        synapses.a_out.connect(after.a_in)
    two.s_out.flatten().connect(readout.s_in)
    readout.a_out.connect(end.a_in)
    return LavaGraph(sources=[source], synapses=[first, second, readout], neurons=[one, two, end])


TUTORIALS = {
    "two layers": (two_layers, 60),
    "digit classifier": (digit_classifier, 2 * STEPS_PER_IMAGE),
    "excitatory-inhibitory": (excitatory_inhibitory, 150),
    "neural field": (neural_field, 60),
    "convolutional": (convolutional, 40),
}


def build(name):
    """The Processes of a tutorial, with a sink for every population; and its steps."""
    make, n_steps = TUTORIALS[name]
    graph = make()
    for neurons in graph.neurons:
        sink = Sink(shape=neurons.s_out.shape, buffer=n_steps)
        neurons.s_out.connect(sink.a_in)
        graph.sinks.append(sink)
    return graph, n_steps
