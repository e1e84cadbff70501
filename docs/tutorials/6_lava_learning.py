# %% [markdown]
# # 6. A Lava program that learns
#
# Lava's learning engine is a Process, `LearningDense`, with a rule: a sum of products of traces. You
# take a program with spike-timing-dependent plasticity (STDP), run it in Lava's runtime and in our
# engine, and look at what it learned, step by step.

# %%
import hw_models.lava_processes  # noqa: F401, I001

import matplotlib.pyplot as plt
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

import conversions

# %% [markdown]
# ## The program
#
# One neuron before a plastic synapse, one behind it. Both repeat the spikes of a random train, one
# step late; the plastic synapse alone does not reach the threshold. The target's spikes come back to
# the synapse at `s_in_bap`. The rule has a seed, so that Lava draws the same random numbers each time.

# %%
N_STEPS = 200
rng = np.random.default_rng(11)
rule = STDPLoihi(
    learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=4, rng_seed=1
)
plastic = LearningDense(weights=np.full((1, 1), 50), learning_rule=rule, name="plastic")
before, after = (
    LIF(shape=(1,), du=4095, dv=4095, vth=240, name=name) for name in ("before", "after")
)
for neurons in (before, after):
    train = Source(data=(rng.random((1, N_STEPS)) < 0.04).astype(int))
    relay = Dense(weights=np.full((1, 1), 250))
    train.s_out.connect(relay.s_in)
    relay.a_out.connect(neurons.a_in)
before.s_out.connect(plastic.s_in)
plastic.a_out.connect(after.a_in)
after.s_out.connect(plastic.s_in_bap)

spikes = {neurons.name: Monitor() for neurons in (before, after)}
learned = {name: Monitor() for name in ("x1", "y1", "weights")}
for neurons in (before, after):
    spikes[neurons.name].probe(neurons.s_out, N_STEPS)
for name, monitor in learned.items():
    monitor.probe(getattr(plastic, name), N_STEPS)

# %% [markdown]
# ## In Lava

# %%
config = Loihi2SimCfg(select_tag="fixed_pt")
before.run(condition=RunSteps(num_steps=N_STEPS), run_cfg=config)
in_lava = {name: monitor.get_data()["plastic"][name] for name, monitor in learned.items()}
last_in_lava = plastic.weights.get()
before.stop()
print("weight in the end:", int(last_in_lava[0, 0]))

# %% [markdown]
# ## In the engine
#
# `from_lava` reads the rule too, and says what Lava does to it without a word. `run.value` stands for
# a Var's `get`, `run.data` for a Monitor's `get_data`.

# %%
program = conversions.from_lava(before)
print(*program.notes, sep="\n")
run = program.run(N_STEPS)
for name, monitor in learned.items():
    assert np.array_equal(run.data(monitor)["plastic"][name], in_lava[name])
assert np.array_equal(run.value(plastic.weights), last_in_lava)
(projection,) = (p for p in program.network.projections if p.name == "plastic")
print("dw =", projection.plasticity.equation("dw"))

# %% [markdown]
# Weights and traces are the same in every step. The trace of the source, `x1`, adds at spikes of the
# target; that of the target, `y1`, subtracts at spikes of the source. Everything happens at the end of
# an epoch, here every fourth step.

# %% alt="Spikes of both neurons, both traces and the weight over 200 steps"
figure, (top, middle, bottom) = plt.subplots(
    3, 1, sharex=True, figsize=(7, 5), height_ratios=(1, 2, 2), layout="constrained"
)
for row, (name, monitor) in enumerate(spikes.items()):
    fired = run.data(monitor)[name]["s_out"][:, 0]
    top.eventplot(np.flatnonzero(fired), lineoffsets=1 - row, linelengths=0.8, color=f"C{row}")
top.set_yticks([1, 0], labels=list(spikes))
for color, name in enumerate(("x1", "y1")):
    middle.step(
        np.arange(N_STEPS), run.data(learned[name])["plastic"][name], f"C{color}", label=name
    )
middle.set_ylabel("trace")
middle.legend(loc="upper left")
bottom.step(np.arange(N_STEPS), run.data(learned["weights"])["plastic"]["weights"][:, 0, 0], "C2")
bottom.set_ylabel("weight")
bottom.set_xlabel("step")
plt.show()

# %% [markdown]
# ## The window
#
# How much a pair of spikes changes a weight, by the time between them. Each source fires once in 100
# steps, and its target up to 25 steps earlier or later: 51 pairs, 40 times. Nothing needs to be
# connected to `a_out`: the two trains alone teach.

# %%
LAGS = np.arange(-25, 26)
EVERY, TIMES = 100, 40
pairs = len(LAGS)
pre, post = np.zeros((2, pairs, EVERY), dtype=int)
pre[:, EVERY // 2] = 1
post[np.arange(pairs), EVERY // 2 + LAGS] = 1
rule = STDPLoihi(
    learning_rate=0.25, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=1, rng_seed=2
)
synapses = LearningDense(weights=np.zeros((pairs, pairs)), learning_rule=rule, name="window")
Source(data=pre).s_out.connect(synapses.s_in)
Source(data=post).s_out.connect(synapses.s_in_bap)
window = conversions.run_in_engine(synapses, EVERY * TIMES)
change = np.diag(window.value(synapses.weights)) / TIMES

# %% alt="Change of a weight by the time between spikes: two exponentials, learned points on the curves"
expected = np.sign(LAGS) * 4 * np.exp(-np.abs(LAGS) / 10)
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(LAGS, change, ".", color="C2", label="learned, mean of a pair")
axes.plot(LAGS[LAGS < 0], expected[LAGS < 0], "C7", label="$\\pm 4\\,e^{-|lag|/10}$")
axes.plot(LAGS[LAGS > 0], expected[LAGS > 0], "C7")
axes.set_xlabel("target's spike after the source's (steps)")
axes.set_ylabel("change of weight")
axes.legend()
plt.show()
assert np.abs(change - expected)[np.abs(LAGS) > 0].max() < 0.6

# %% [markdown]
# What the notation of rules means, what a chip holds of them, and where Lava does something else than
# it seems to: [the chip's learning engine](../explanation/learning_engine.md). Ready rules of ours are
# in `ssdp_neuro.rules.ready_rules`.
