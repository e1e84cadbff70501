# %% [markdown]
# # 1. Your first network
#
# You build a network of integers by hand, run it, look at its spikes and membrane potentials, and
# check that three independent executors agree on every bit of it. It takes a few seconds and no
# download.
#
# The network sees one handwritten digit of scikit-learn's data set. Each of its 64 pixels is an
# input neuron that fires once: the brighter the pixel, the earlier the spike. This is a *latency
# code*.

# %%
import numpy as np

import conversions
import ssdp_neuro
from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import plot
from ssdp_neuro.data import DataSettings, load

N_STEPS = 20
digits = load(DataSettings(name="digits", n_steps=N_STEPS, encoding="latency")).test
spikes = digits.spikes([0])[0].reshape(N_STEPS, 64)
print(f"a {digits.labels[0]}: {spikes.sum()} spikes in {N_STEPS} steps")

# %% [markdown]
# ## Describe it
#
# A `FixedPointNetwork` is a frozen description: populations of neurons, and projections, the bundles
# of synapses between them. Everything in it is an integer of the width that the chip has.
#
# The neurons are *LIF* (leaky integrate-and-fire). In each step the synaptic current `u` loses a
# part of itself and gains the weights of the spikes that arrive; the membrane potential `v` loses a
# part of itself and gains `u`; a neuron fires when `v` exceeds its threshold. Decays are in 1/4096
# per step, and the threshold is in units of a weight.

# %%
rng = np.random.default_rng(1)
eye = InputPopulation(name="eye", shape=(64,))
cell = LifPopulation(name="cell", shape=(8,), current_decay=1023, voltage_decay=256, threshold=900)
weights = rng.integers(-60, 100, size=(8, 64))  # one row per target neuron, one column per source
network = FixedPointNetwork(
    populations=[eye, cell],
    projections=[DenseProjection(source="eye", target="cell", weights=weights)],
)

# %% [markdown]
# A weight that does not fit is refused here, with its place, not rounded later:

# %%
try:
    DenseProjection(source="eye", target="cell", weights=[[30, 300]])
except ValueError as error:
    print(error)

# %% [markdown]
# ## Run it
#
# `simulate` takes the spikes of the inputs, steps first. `probes` names what to record beside the
# spikes. In a notebook a result shows itself.

# %%
run = ssdp_neuro.simulate(network, spikes, n_steps=N_STEPS, probes=[("cell", "u"), ("cell", "v")])
print(run)
print("spikes of each neuron:", run.spike_counts("cell"))
print("step of the first one:", run.first_spikes("cell"))
print("synaptic operations:  ", run.counts.synaptic_operations)

# %% alt="Two panels: the spikes of 64 inputs and of 8 neurons over 20 steps"
plot.rasters(run)

# %% [markdown]
# Each mark is a spike. No neuron can answer in the step in which its input fires: every connection
# takes one step, as it does on the chip.
#
# The next picture has the membrane potential of two neurons and the threshold, which a spike resets
# to zero. Potentials are 64 times finer than weights.

# %% alt="The membrane potential of two neurons over 20 steps, with the threshold as a dashed line"
plot.potentials(run, "cell", network=network, neurons=[0, 1])

# %% [markdown]
# ## Check it
#
# The *engine* that ran above is fast because it only does work where spikes are. The *oracle* is the
# same arithmetic written a second time, slowly and plainly, and shares no line with the engine. The
# third executor is Lava, Intel's own software for the Loihi chips. `verify` runs all three and
# compares every spike, `u` and `v`.

# %%
verification = conversions.verify(network, spikes, n_steps=N_STEPS)
print(verification)
assert verification.equal

# %% [markdown]
# ## Where to go
#
# - [Tutorial 2](2_from_snntorch.md) gets the weights from a trained model.
# - [How a spike arrives](../explanation/timing.md) has the arithmetic and the order of a step.
# - `hw_models.save(network, "network.h5")` writes a file that every command of `ssdp-neuro` reads.
