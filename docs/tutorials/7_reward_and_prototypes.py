# %% [markdown]
# # 7. Rewards and prototypes
#
# Lava's tutorials on learning go beyond pairs of spikes: neurons of one's own send a reward to their
# synapses, and a program of eight kinds of Processes learns new classes from one sample each. You build
# both as they do, and run them with one line changed: `EngineCfg` takes any Lava program.

# %%
import hw_models.lava_processes  # noqa: F401, I001

import warnings

import matplotlib.pyplot as plt
import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.magma.core.model.py.neuron import LearningNeuronModelFixed
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.neuron import LearningNeuronProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.clp.novelty_detector.process import NoveltyDetector
from lava.proc.clp.nsm.process import Allocator, Readout
from lava.proc.clp.prototype_lif.process import PrototypeLIF
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.r_stdp_learning_rule import RewardModulatedSTDP
from lava.proc.lif.models import AbstractPyLifModelFixed
from lava.proc.lif.process import LIF, AbstractLIF
from lava.proc.monitor.process import Monitor

from conversions import EngineCfg

N_STEPS = 200
run_cfg = EngineCfg(select_tag="fixed_pt")  # in Lava: Loihi2SimCfg(select_tag="fixed_pt")


def watch(process, *names):
    monitors = {name: Monitor() for name in names}
    for name, monitor in monitors.items():
        monitor.probe(getattr(process, name), N_STEPS)
    return lambda name: monitors[name].get_data()[process.name][name]


# %% [markdown]
# ## Neurons that pass a reward on
#
# In reward-modulated STDP a pair of spikes writes the synapse's tag, which fades, and weights follow
# the tag only while a reward arrives. The rule has three factors: its traces y1 and y2 are numbers that
# the target sends in every step. Which numbers is up to the neuron. This one keeps a trace of its own
# spikes as y1, and sends what arrives at `a_third_factor_in` as y2.


# %%
class RewardedLIF(LearningNeuronProcess, AbstractLIF):
    def __init__(self, *, shape, vth, learning_rule, name):
        super().__init__(
            shape=shape, learning_rule=learning_rule, u=0, v=0, du=4095, dv=4095,
            bias_mant=0, bias_exp=0, name=name, log_config=None,
        )  # fmt: skip
        self.vth = Var(shape=(1,), init=vth)


@implements(proc=RewardedLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RewardedLIFModel(LearningNeuronModelFixed, AbstractPyLifModelFixed):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    vth: int = LavaPyType(int, np.int32, precision=17)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        rule = proc_params["learning_rule"]
        self.kept = np.exp(-1 / rule.post_trace_decay_tau)
        self.impulse = rule.post_trace_kernel_magnitude

    def scale_threshold(self):
        self.effective_vth = np.left_shift(self.vth, self.vth_shift)
        self.isthrscaled = True

    def spiking_activation(self):
        return self.v > self.effective_vth

    def run_spk(self):
        super().run_spk()
        fired = self.v_fired
        self.y1 = np.minimum((self.y1 * self.kept).astype(np.int32) + fired * self.impulse, 127)
        self.y2 = self.a_third_factor_in.recv()
        self.s_out_bap.send(fired.astype(bool))
        self.s_out_y1.send(self.y1)
        self.s_out_y2.send(self.y2)

    def reset_voltage(self, spike_vector):
        self.v_fired = spike_vector.astype(np.int32)
        super().reset_voltage(spike_vector)


# %% [markdown]
# ## Reward-modulated STDP
#
# One source, two targets that mostly fire three steps after it. The first is rewarded in steps 50 to 69,
# the second in 150 to 169.

# %%
rng = np.random.default_rng(9)
rule = RewardModulatedSTDP(
    learning_rate=1, A_plus=2, A_minus=-2,
    pre_trace_decay_tau=10, post_trace_decay_tau=10,
    pre_trace_kernel_magnitude=16, post_trace_kernel_magnitude=16,
    eligibility_trace_decay_tau=0.5, t_epoch=1, rng_seed=3,
)  # fmt: skip
spikes = (rng.random((1, N_STEPS)) < 0.08).astype(int)
echo = np.roll(spikes, 3, axis=1) | (rng.random((2, N_STEPS)) < 0.03)
reward = np.zeros((2, N_STEPS), dtype=int)
reward[0, 50:70], reward[1, 150:170] = 6, 8

before = LIF(shape=(1,), du=4095, dv=4095, vth=240, name="before")
after = RewardedLIF(shape=(2,), vth=240, learning_rule=rule, name="after")
plastic = LearningDense(weights=np.full((2, 1), 50), learning_rule=rule, name="plastic")


def connect(sender, receiver, weights, **fields):
    dense = Dense(weights=weights, **fields)
    sender.connect(dense.s_in)
    dense.a_out.connect(receiver)


connect(Source(data=spikes).s_out, before.a_in, np.eye(1) * 250)
connect(Source(data=echo).s_out, after.a_in, np.eye(2) * 250)
connect(Source(data=reward).s_out, after.a_third_factor_in, np.eye(2) * 10, num_message_bits=5)
before.s_out.connect(plastic.s_in)
plastic.a_out.connect(after.a_in)
after.s_out_bap.connect(plastic.s_in_bap)
after.s_out_y1.connect(plastic.s_in_y1)
after.s_out_y2.connect(plastic.s_in_y2)

learned, sent = watch(plastic, "tag_1", "weights"), watch(after, "s_out", "s_out_y2")
before.run(condition=RunSteps(num_steps=N_STEPS), run_cfg=run_cfg)

# %% alt="Spikes, reward, tags and weights of two synapses; each weight moves while its target is rewarded"
figure, axes = plt.subplots(
    4, 1, sharex=True, figsize=(7, 6), height_ratios=(1, 1, 2, 2), layout="constrained"
)
trains = [spikes[0], *sent("s_out").T]
for row, train in enumerate(trains):
    axes[0].eventplot(np.flatnonzero(train), lineoffsets=-row, linelengths=0.8, color=f"C{row}")
axes[0].set_yticks([0, -1, -2], labels=["source", "target 1", "target 2"])
for target in range(2):
    color = f"C{target + 1}"
    axes[1].step(range(N_STEPS), sent("s_out_y2")[:, target], color)
    axes[2].step(range(N_STEPS), learned("tag_1")[:, target, 0], color)
    axes[3].step(range(N_STEPS), learned("weights")[:, target, 0], color)
for axis, name in zip(axes[1:], ("reward", "tag", "weight"), strict=True):
    axis.set_ylabel(name)
axes[3].set_xlabel("step")
plt.show()
weights = learned("weights")[:, :, 0]
before.stop()
assert (weights[:50] == 50).all()
assert (weights[72:150, 0] == weights[72, 0]).all(), "no reward, no change"
assert (weights[:150, 1] == 50).all()
assert (weights[-1] != 50).all()

# %% [markdown]
# ## Prototypes, one shot each
#
# Continually learning prototypes: a pattern arrives as graded spikes, which are written into the traces
# x1 (`GradedSpikeCfg.OVERWRITE`). If no prototype neuron answers, a novelty detector lets an allocator
# choose the next free one; that neuron sends a learning rate as y1, and its weights become the pattern.
# A readout gives it a number, and the label as soon as the user tells it.

# %%
EVERY, N_PROTOTYPES = 20, 4
patterns = np.array([[70, 10, 60, 5], [5, 66, 9, 66], [60, 60, 5, 35]])
order = [0, 1, 2, 0, 1, 2, 1, 0, 2]
data, labels = np.zeros((4, N_STEPS), dtype=int), np.zeros((1, N_STEPS), dtype=int)
for number, pattern in enumerate(order):
    noise = rng.integers(-2, 3, 4) * (number >= 3)
    data[:, 1 + number * EVERY] = patterns[pattern] + noise
    labels[0, 17 + number * EVERY : 19 + number * EVERY] = (pattern + 1) * (number < 3)

rule = Loihi3FLearningRule(dw="2^-3*y1*x1*y0", x1_tau=65535, t_epoch=1, rng_seed=5)
plastic = LearningDense(
    weights=np.zeros((N_PROTOTYPES, 4)), learning_rule=rule, name="plastic",
    num_message_bits=8, graded_spike_cfg=GradedSpikeCfg.OVERWRITE,
)  # fmt: skip
neurons = PrototypeLIF(
    shape=(N_PROTOTYPES,), du=4095, dv=4095, vth=7500, learning_rule=rule, name="neurons"
)
novelty, allocator = NoveltyDetector(t_wait=10), Allocator(n_protos=N_PROTOTYPES)
readout = Readout(n_protos=N_PROTOTYPES)
inputs = Source(data=data)

inputs.s_out.connect(plastic.s_in)
plastic.a_out.connect(neurons.a_in)
connect(inputs.s_out, novelty.input_aval_in, np.ones((1, 4)))
connect(neurons.s_out, novelty.output_aval_in, np.ones((1, N_PROTOTYPES)))
connect(neurons.s_out, neurons.reset_in, np.ones((N_PROTOTYPES, N_PROTOTYPES)))
connect(novelty.novelty_detected_out, allocator.trigger_in, np.ones((1, 1)))
connect(readout.trigger_alloc, allocator.trigger_in, np.ones((1, 1)))
to_all = np.ones((N_PROTOTYPES, 1))
connect(allocator.allocate_out, neurons.a_third_factor_in, to_all, num_message_bits=8)
neurons.s_out_bap.connect(plastic.s_in_bap)
neurons.s_out_y1.connect(plastic.s_in_y1)
neurons.s_out.connect(readout.inference_in)
Source(data=labels).s_out.connect(readout.label_in)

seen = [
    watch(novelty, "novelty_detected_out"),
    watch(neurons, "s_out"),
    watch(readout, "user_output"),
]
# Lava's Allocator makes a number of an array of one, of which NumPy warns
warnings.filterwarnings("ignore", "Conversion of an array with ndim > 0", DeprecationWarning)
neurons.run(condition=RunSteps(num_steps=N_STEPS), run_cfg=run_cfg)
novel, fired, said = (
    look(name)
    for look, name in zip(seen, ("novelty_detected_out", "s_out", "user_output"), strict=True)
)
prototypes = plastic.weights.get().astype(int)
neurons.stop()
print(prototypes)

# %% alt="Patterns shown, novelty, spikes of prototypes, labels given and said; after three patterns all are known"
figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(7, 4), layout="constrained")
top.eventplot(np.flatnonzero(novel), lineoffsets=0, linelengths=0.8, color="C3")
for neuron in range(N_PROTOTYPES):
    when = np.flatnonzero(fired[:, neuron])
    top.eventplot(when, lineoffsets=neuron + 1, linelengths=0.8, color=f"C{neuron}")
top.set_ylim(-0.7, 4.7)
top.set_yticks(range(5), labels=["novel", *(f"prototype {n + 1}" for n in range(4))])
shown = 1 + EVERY * np.arange(len(order))
bottom.plot(shown, np.array(order) + 1, "k|", markersize=14, label="pattern shown")
when = np.flatnonzero(labels[0])
bottom.plot(when, labels[0, when], "C7s", label="label told")
when = np.flatnonzero(said)
bottom.plot(when, said[when], "C2.", label="said (negative: not named yet)")
bottom.axhline(0, color="C7", linewidth=0.5)
bottom.set_xlabel("step")
bottom.legend(loc="lower right", fontsize="small")
plt.show()
assert novel.sum() == 3
for number, pattern in enumerate(order[3:], 3):
    answers = said[number * EVERY : (number + 1) * EVERY]
    assert set(answers[answers != 0]) == {pattern + 1}

# %% [markdown]
# Three patterns are new once each; noisy ones are known from then on. `tests/conversions/lava` runs two such
# programs in Lava's own runtime too (`test_learning_programs.py`): every spike, trace, tag and weight is
# the same in every step. What `EngineCfg` takes is in
# [Your Lava program](../how-to/lava_program.md); programs of Lava's own neurons run much faster by
# `from_lava`, as in [tutorial 6](6_lava_learning.md).
