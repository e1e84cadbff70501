"""A plain Lava program in the engine, and a network of ours inside a Lava program.

Prints:

    Lava's runtime: 84 spikes
    engine: 84 spikes, the same: True, the same membrane potentials: True
    Lava changes on load: nothing
    our network in Lava: 71 spikes, as in the engine: True
"""

import hw_models.lava_processes  # noqa: F401, I001 before Lava: for Python 3.11 and later

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

from conversions import from_lava, to_lava
from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import simulate

N_STEPS = 60
rng = np.random.default_rng(3)
spikes = rng.random((8, N_STEPS)) < 0.2

# 1. a program as it is written for Lava, and run by Lava
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

neurons.run(condition=RunSteps(num_steps=N_STEPS), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
in_lava, v_in_lava = sink.data.get(), monitor.get_data()["neurons"]["v"]
neurons.stop()
print(f"Lava's runtime: {int(in_lava.sum())} spikes")

# the same Processes, run by the engine; `program.network` is theirs to keep, save and deploy
program = from_lava(neurons)
run = program.run(N_STEPS)
same = np.array_equal(run.data(sink), in_lava)
same_v = np.array_equal(run.data(monitor)["neurons"]["v"], v_in_lava)
print(
    f"engine: {int(run.data(sink).sum())} spikes, the same: {same},"
    f" the same membrane potentials: {same_v}"
)
print("Lava changes on load:", "; ".join(program.notes) or "nothing")

# 2. a network of ours as Processes of a Lava program, with Lava's own source and sink
network = FixedPointNetwork(
    populations=[
        InputPopulation(name="in", shape=(8,)),
        LifPopulation(name="out", shape=(4,), current_decay=600, voltage_decay=200, threshold=900),
    ],
    projections=[
        DenseProjection(source="in", target="out", weights=rng.integers(-10, 80, (4, 8))),
    ],
)
model = to_lava(network)
source, sink = Source(data=spikes.astype(int)), Sink(shape=(4,), buffer=N_STEPS)
model.connect_input("in", source.s_out)
out = model.populations["out"]  # a Process of Lava: LIF
out.s_out.connect(sink.a_in)
out.run(condition=RunSteps(num_steps=N_STEPS), run_cfg=model.run_config)
in_lava = sink.data.get()
out.stop()
in_engine = simulate(network, spikes.T, n_steps=N_STEPS).raster("out")
print(
    f"our network in Lava: {int(in_lava.sum())} spikes, as in the engine:"
    f" {np.array_equal(in_lava.T, in_engine)}"
)
