# %% [markdown]
# # 3. An old Lava program
#
# Lava was archived in 2026. Programs written for it still run here, on current Pythons, in two ways:
# in Lava's own runtime, and in our engine, which gives the same bits sooner. You take a small program
# of Lava Processes and run it both ways.
#
# `hw_models.lava_processes` is imported before Lava: it makes lava-nc run on Python 3.11 and later.

# %%
import hw_models.lava_processes  # noqa: F401, I001

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

import conversions
from ssdp_neuro import plot

# %% [markdown]
# ## The program
#
# Eight inputs excite five neurons, which inhibit each other. This is plain Lava, nothing of ours.

# %%
N_STEPS = 60
rng = np.random.default_rng(3)
spikes = rng.random((8, N_STEPS)) < 0.2

source = Source(data=spikes.astype(int))
entrance = Dense(weights=2 * rng.integers(-10, 40, (5, 8)))
neurons = LIF(shape=(5,), du=600, dv=200, vth=120, bias_mant=100, name="neurons")
loop = Dense(weights=np.full((5, 5), -30), name="inhibition")
sink, monitor = Sink(shape=(5,), buffer=N_STEPS), Monitor()
source.s_out.connect(entrance.s_in)
entrance.a_out.connect(neurons.a_in)
neurons.s_out.connect(loop.s_in)
loop.a_out.connect(neurons.a_in)
neurons.s_out.connect(sink.a_in)
monitor.probe(neurons.v, N_STEPS)

# %% [markdown]
# ## In Lava
#
# Lava starts an operating-system process for every Process and passes messages between them.

# %%
config = Loihi2SimCfg(select_tag="fixed_pt")
neurons.run(condition=RunSteps(num_steps=N_STEPS), run_cfg=config)
spikes_in_lava = sink.data.get()
v_in_lava = monitor.get_data()["neurons"]["v"]
neurons.stop()
print(int(spikes_in_lava.sum()), "spikes")

# %% [markdown]
# ## In the engine
#
# `from_lava` takes any Process of the program and finds the others. What Lava would change without a
# word when it loads the program, such as odd weights of mixed sign, stands in `notes`.

# %%
program = conversions.from_lava(neurons)
run = program.run(N_STEPS)
print(int(run.data(sink).sum()), "spikes; notes:", program.notes or "none")
assert np.array_equal(run.data(sink), spikes_in_lava)
assert np.array_equal(run.data(monitor)["neurons"]["v"], v_in_lava)

# %% [markdown]
# Not only the spikes are the same, but every membrane potential in every step. `data` answers for
# the program's own sinks and monitors, so what reads them need not change.
#
# ## Go on from there
#
# The program is now a network like any other: draw it, save it, deploy it, let it learn.

# %% alt="The network as boxes: 8 inputs, 5 neurons, and a loop of inhibition"
plot.network(program.network)

# %%
for population in program.network.populations:
    print(population)

# %% [markdown]
# The other way round, `conversions.to_lava(network)` gives Processes for a Lava program of yours, and
# `conversions.run_lava(network, spikes, n_steps)` runs a network in Lava without writing a program.
#
# ## Where to go
#
# - [Run Lava on a current Python](../how-to/lava.md): installation, and what is known to differ.
# - [Tutorial 4](4_learning.md) lets a network learn.
