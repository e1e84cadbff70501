# %% [markdown]
# # 8. Your Lava program on a current Python
#
# Five programs after Lava's published tutorials, rebuilt: neurons and a loop of runs, an excitatory-inhibitory
# network in both number worlds, STDP, a neural field, and a hierarchy with a Process of your own. They are plain Lava.
# One line is not: the run configuration is an `EngineCfg`. No process is forked, so they also run in a notebook, on
# Windows, and beside PyTorch.
#
# Our tests run programs of all these kinds in Lava's runtime too, and compare every value with `==`.

# %%
import hw_models.lava_processes  # noqa: F401, I001

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import Sparse
from matplotlib import pyplot
from scipy.sparse import csr_matrix

from conversions import EngineCfg, explain_lava

FIXED = EngineCfg(select_tag="fixed_pt")

# %% [markdown]
# ## A tour: connect, run, read, set, run on
#
# `run`, `Var.get` and `Var.set` work as in Lava; each run goes on from where the last one ended.

# %%
first = LIF(shape=(3,), vth=10, du=0, dv=0, bias_mant=np.array([211, 190, 200]), name="first")
dense = Dense(weights=np.array([[70, -20, 12], [8, 90, -4]]))
second = LIF(shape=(2,), du=409, dv=409, vth=1500, name="second")
first.s_out.connect(dense.s_in)
dense.a_out.connect(second.a_in)
for _ in range(3):
    second.run(condition=RunSteps(20), run_cfg=FIXED)
    print(second.v.get())
    second.v.set(np.zeros(2, dtype=int))
print(explain_lava(second))
second.stop()

# %% [markdown]
# ## An excitatory-inhibitory network in both number worlds
#
# 80 neurons excite and 20 inhibit. In fixed point the engine runs it whole; in floating point each model runs in a
# compiled loop, in Lava's own arithmetic.


# %%
def balanced(tag, scale):
    rng = np.random.default_rng(8)
    sizes, neurons = {"E": 80, "I": 20}, {}
    leak = {"du": 500, "dv": 200} if tag == "fixed_pt" else {"du": 501 / 4096, "dv": 200 / 4096}
    for name, size in sizes.items():
        drive = rng.integers(400, 1500, size) * (1 if tag == "fixed_pt" else scale)
        neurons[name] = LIF(
            shape=(size,), vth=200 if tag == "fixed_pt" else 12_800 * scale, bias_mant=drive, **leak
        )
    for before in "EI":
        for after in "EI":
            shape = (sizes[after], sizes[before])
            weights = (
                rng.integers(1, 10, shape)
                * (2 if before == "E" else -10)
                * (rng.random(shape) < 0.2)
            )
            synapses = Dense(weights=weights if tag == "fixed_pt" else weights * 64 * scale)
            neurons[before].s_out.connect(synapses.s_in)
            synapses.a_out.connect(neurons[after].a_in)
    sink = Sink(shape=(80,), buffer=200)
    neurons["E"].s_out.connect(sink.a_in)
    sink.run(condition=RunSteps(200), run_cfg=EngineCfg(select_tag=tag))
    spikes = sink.data.get()
    sink.stop()
    return spikes


# %% alt="Two rasters of 80 neurons over 200 steps: similar rates, and spikes that drift apart"
rasters = {tag: balanced(tag, 1 / 12_800) for tag in ("fixed_pt", "floating_pt")}
figure, axes = pyplot.subplots(1, 2, figsize=(8, 2.6), sharey=True, layout="constrained")
for axis, (tag, spikes) in zip(axes, rasters.items(), strict=True):
    neuron, step = np.nonzero(spikes)
    axis.plot(step, neuron, ".", markersize=2)
    axis.set(title=tag, xlabel="step", ylabel="excitatory neuron" if axis is axes[0] else "")
print({tag: int(spikes.sum()) for tag, spikes in rasters.items()}, "spikes")

# %% [markdown]
# ## STDP
#
# A pre and a post neuron are each driven by their own source; the weight between them is monitored.

# %%
rng = np.random.default_rng(9)
rule = STDPLoihi(learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=4)
ends = []
for shift in (0, 3):  # the post neuron follows the pre neuron by three steps
    times = np.random.default_rng(9).random((1, 300)) < 0.05
    source = Source(data=np.roll(times, shift, axis=1).astype(float))
    drive, neuron = Dense(weights=np.eye(1)), LIF(shape=(1,), du=1, dv=1, vth=0.1)
    source.s_out.connect(drive.s_in)
    drive.a_out.connect(neuron.a_in)
    ends.append(neuron)
plastic = LearningDense(weights=np.full((1, 1), 50.0), learning_rule=rule, name="plastic")
ends[0].s_out.connect(plastic.s_in)
ends[1].s_out.connect(plastic.s_in_bap)
monitor = Monitor()
monitor.probe(plastic.weights, 300)
plastic.run(condition=RunSteps(300), run_cfg=EngineCfg(select_tag="floating_pt"))
weights = monitor.get_data()["plastic"]["weights"][:, 0, 0]
plastic.stop()
assert weights[-1] > weights[0]

# %% alt="The weight rises in steps from 50: the pre neuron leads"
figure, axis = pyplot.subplots(figsize=(6, 2.4), layout="constrained")
axis.plot(weights)
axis.set(xlabel="step", ylabel="weight")
print(f"from {weights[0]:.1f} to {weights[-1]:.1f}")

# %% [markdown]
# ## A neural field
#
# 15 x 15 neurons excite their neighbours and inhibit the rest, so that of two noisy bumps one wins.

# %%
place = np.stack(np.indices((15, 15)), axis=-1).reshape(-1, 2)
distance = np.square(place[:, None] - place[None]).sum(-1)
kernel = np.rint(80 * np.exp(-distance / 5) - 8).astype(int)
strength = 0.40 * np.exp(-np.square(place - 4).sum(-1) / 6) + 0.22 * np.exp(
    -np.square(place - 11).sum(-1) / 6
)
source = Source(data=(rng.random((225, 80)) < strength[:, None]).astype(int))
entrance, lateral = (
    Sparse(weights=csr_matrix(60 * np.eye(225, dtype=int))),
    Sparse(weights=csr_matrix(kernel)),
)
field, sink = LIF(shape=(225,), du=1500, dv=600, vth=110), Sink(shape=(225,), buffer=80)
source.s_out.connect(entrance.s_in)
entrance.a_out.connect(field.a_in)
field.s_out.connect([lateral.s_in, sink.a_in])
lateral.a_out.connect(field.a_in)
field.run(condition=RunSteps(80), run_cfg=FIXED)
spikes = sink.data.get()
field.stop()

# %% alt="Input has two bumps, the field's spikes only one, around the stronger input"
figure, axes = pyplot.subplots(1, 2, figsize=(5.5, 2.7), layout="constrained")
for axis, values, title in zip(axes, (strength, spikes.mean(1)), ("input", "field"), strict=True):
    axis.imshow(values.reshape(15, 15))
    axis.set(title=title, xticks=[], yticks=[])
print(
    "spikes near the stronger and the weaker bump:",
    [int(spikes[np.square(place - c).sum(-1) < 9].sum()) for c in (4, 11)],
)

# %% [markdown]
# ## A hierarchy, and a Process of your own
#
# A layer is made of a connection and neurons by its `SubProcessModel`; a counter has a model in plain Python.


# %%
class Layer(AbstractProcess):
    def __init__(self, weights):
        super().__init__(weights=weights)
        self.s_in, self.s_out = InPort(shape=weights.shape[1:]), OutPort(shape=weights.shape[:1])
        self.v = Var(shape=weights.shape[:1], init=0)


@implements(proc=Layer, protocol=LoihiProtocol)
class SubLayerModel(AbstractSubProcessModel):
    def __init__(self, proc):
        weights = proc.proc_params.get("weights")
        self.dense = Dense(weights=weights)
        self.lif = LIF(shape=weights.shape[:1], du=400, dv=100, vth=700)
        proc.s_in.connect(self.dense.s_in)
        self.dense.a_out.connect(self.lif.a_in)
        self.lif.s_out.connect(proc.s_out)
        proc.v.alias(self.lif.v)


class Counter(AbstractProcess):
    def __init__(self, shape):
        super().__init__(shape=shape)
        self.a_in, self.counts = InPort(shape=shape), Var(shape=shape, init=0)


@implements(proc=Counter, protocol=LoihiProtocol)
@requires(CPU)
class PyCounterModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    counts: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def run_spk(self):
        self.counts += self.a_in.recv()


# %%
source = Source(data=rng.integers(0, 2, (6, 10)))
layers = [Layer(weights=2 * rng.integers(-20, 40, shape)) for shape in ((8, 6), (4, 8))]
counter = Counter(shape=(4,))
source.s_out.connect(layers[0].s_in)
layers[0].s_out.connect(layers[1].s_in)
layers[1].s_out.connect(counter.a_in)
found = explain_lava(counter, EngineCfg(select_tag="fixed_pt", select_sub_proc_model=True))
print({each.process: each.runs_by for each in found.processes})
counter.run(condition=RunSteps(50))
print(counter.counts.get(), layers[1].v.get())
counter.stop()

# %% [markdown]
# ## Where to go
#
# - [Your Lava program](../how-to/lava_program.md): everything that stays, and what is different.
# - `ssdp-neuro lava program.py` says all this of a program in a file, without running it.
# - [Tutorial 3](3_lava_program.md) and [tutorial 6](6_lava_learning.md) read programs as networks that you can save and let learn.
