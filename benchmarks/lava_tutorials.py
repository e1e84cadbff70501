"""Networks of Lava's published tutorials, rebuilt in their sizes and kinds, for bench_from_lava.

Each makes connected Processes and gives one of them, a sink of spikes, and the tag of models.
"""

from __future__ import annotations

from typing import Any

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.dataloader import SpikeDataloader
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import LearningSparse
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits

from benchmarks.lava_counter.processes import DigitInput, SpikeCounter

FIXED, FLOAT = "fixed_pt", "floating_pt"
N_RECORDED = 100


def sink_of(neurons: Any) -> Any:
    sink = Sink(shape=neurons.s_out.shape, buffer=N_RECORDED)
    neurons.s_out.connect(sink.a_in)
    return sink


def mnist() -> tuple[Any, Any, str]:
    """784-64-64-10: images become spikes in a Process of the user's, another counts classes."""
    rng = np.random.default_rng(6)
    images = np.kron(load_digits().images[:20], np.ones((1, 3, 3)))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2))).reshape(20, 784)
    before: Any = DigitInput(images=images, n_steps=64)
    for size, vth in ((64, 400), (64, 300), (10, 200)):
        weights = np.rint(rng.normal(4, 20, (size, before.s_out.size))).astype(int)
        dense = Dense(weights=weights, num_weight_bits=8)
        layer = LIF(shape=(size,), vth=vth, bias_mant=rng.integers(-900, 900, size), du=4095, dv=0)
        before.s_out.connect(dense.s_in)
        dense.a_out.connect(layer.a_in)
        before = layer
    counter = SpikeCounter(shape=(10,))
    before.s_out.connect(counter.a_in)
    return before, sink_of(before), FIXED


def _balanced(tag: str) -> tuple[Any, Any, str]:
    rng = np.random.default_rng(8)
    is_fixed = tag == FIXED
    sizes = {"E": 400, "I": 100}
    neurons = {
        name: LIF(
            shape=(size,),
            du=500 if is_fixed else 0.12,
            dv=200 if is_fixed else 0.05,
            vth=200 if is_fixed else 1.0,
            bias_mant=rng.integers(400, 1500, size) if is_fixed else rng.uniform(0.03, 0.1, size),
        )
        for name, size in sizes.items()
    }
    for before in "EI":
        for after in "EI":
            shape = (sizes[after], sizes[before])
            used = rng.random(shape) < 0.1
            size = rng.integers(1, 9, shape) * used if is_fixed else 0.01 * rng.random(shape) * used
            process = Dense(weights=size if before == "E" else -8 * size)
            neurons[before].s_out.connect(process.s_in)
            process.a_out.connect(neurons[after].a_in)
    return neurons["E"], sink_of(neurons["E"]), tag


def balanced_fixed() -> tuple[Any, Any, str]:
    """Excitatory and inhibitory neurons, 400 and 100, in fixed point."""
    return _balanced(FIXED)


def balanced_float() -> tuple[Any, Any, str]:
    """The same in floating point."""
    return _balanced(FLOAT)


def stdp() -> tuple[Any, Any, str]:
    """A pre and a post neuron, STDP between them, five Monitors, in floating point."""
    rng = np.random.default_rng(9)
    rule = STDPLoihi(learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=4)
    ends = []
    for _ in range(2):
        source = Source(data=(rng.random((1, 1000)) < 0.05).astype(float))
        dense, neurons = Dense(weights=np.eye(1)), LIF(shape=(1,), du=1, dv=1, vth=0.1)
        source.s_out.connect(dense.s_in)
        dense.a_out.connect(neurons.a_in)
        ends.append(neurons)
    pre, post = ends
    plastic = LearningDense(weights=np.full((1, 1), 50.0), learning_rule=rule)
    pre.s_out.connect(plastic.s_in)
    post.s_out.connect(plastic.s_in_bap)
    for probed in (pre.s_out, post.s_out, plastic.weights, plastic.x1, plastic.y1):
        Monitor().probe(probed, 10_000)
    return post, sink_of(post), FLOAT


def listed_stdp() -> tuple[Any, Any, str]:
    """Sparse synapses that learn, in fixed point, and a Process of the user's that counts."""
    rng = np.random.default_rng(10)
    rule = STDPLoihi(
        learning_rate=1, A_plus=2, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=4, rng_seed=1
    )
    source = Source(data=(rng.random((200, 1000)) < 0.05).astype(int))
    weights = csr_matrix(rng.integers(1, 60, (100, 200)) * 2 * (rng.random((100, 200)) < 0.3))
    plastic = LearningSparse(weights=weights, learning_rule=rule)
    drive = rng.integers(100, 200, 100)
    neurons = LIF(shape=(100,), du=1000, dv=300, vth=200, bias_mant=drive, bias_exp=3)
    source.s_out.connect(plastic.s_in)
    plastic.a_out.connect(neurons.a_in)
    neurons.s_out.connect(plastic.s_in_bap)
    neurons.s_out.connect(SpikeCounter(shape=(100,)).a_in)
    return neurons, sink_of(neurons), FIXED


class Recordings:
    """A data set of spikes as Lava's loader wants it."""

    def __init__(self) -> None:
        self._spikes = np.random.default_rng(4).random((8, 200, 50)) < 0.05

    def __len__(self) -> int:
        return len(self._spikes)

    def __getitem__(self, k: int) -> tuple[np.ndarray, int]:
        return self._spikes[k % len(self)].astype(int), k % len(self)


def dataloader() -> tuple[Any, Any, str]:
    """Recordings from SpikeDataloader into 200-100 neurons."""
    loader = SpikeDataloader(dataset=Recordings(), interval=50)
    weights = 2 * np.random.default_rng(5).integers(-20, 40, (100, 200))
    dense, neurons = Dense(weights=weights), LIF(shape=(100,), du=400, dv=128, vth=9000)
    labels = Sink(shape=(1,), buffer=10)
    loader.s_out.connect(dense.s_in)
    loader.ground_truth.connect(labels.a_in)
    dense.a_out.connect(neurons.a_in)
    return neurons, sink_of(neurons), FIXED


TUTORIALS = {
    "mnist": (mnist, "784-64-64-10, own Python for input and output"),
    "balanced_fixed": (balanced_fixed, "excitatory-inhibitory 400 + 100, fixed point"),
    "balanced_float": (balanced_float, "excitatory-inhibitory 400 + 100, floating point"),
    "stdp": (stdp, "STDP of two neurons, five Monitors, floating point"),
    "listed_stdp": (listed_stdp, "STDP of sparse synapses 200 - 100, own Python counts"),
    "dataloader": (dataloader, "SpikeDataloader 200 - LIF 100"),
}
