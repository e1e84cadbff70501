"""A program in floating point of every kind of neuron and matrix that runs in one loop."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFRefractory, LIFReset, TernaryLIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix

NEURONS = {"du": 0.3, "dv": 0.07, "vth": 0.9}
N_STEPS = 90


def program(rng):
    """Every kind of neuron, both matrices, a loop, ports that reorder, sums, spikes into a_in."""
    source = Source(data=(rng.random((12, 25)) < 0.3) * rng.choice([1.0, 0.3, -2.0], (12, 25)))
    first = LIF(shape=(3, 4), bias_mant=rng.uniform(0, 0.2, (3, 4)), **NEURONS)
    dense = Dense(weights=rng.normal(0.3, 0.5, (12, 12)))
    source.s_out.connect(dense.s_in)
    dense.a_out.reshape((4, 3)).transpose((1, 0)).connect(first.a_in)
    resetting = LIFReset(shape=(5,), reset_interval=7, reset_offset=3, **NEURONS)
    weights = csr_matrix(rng.normal(0.2, 0.6, (5, 12)) * (rng.random((5, 12)) < 0.5))
    sparse = Sparse(weights=weights)
    first.s_out.flatten().connect(sparse.s_in)
    sparse.a_out.connect(resetting.a_in)
    around = Dense(weights=rng.normal(0, 0.4, (5, 5)))
    resetting.s_out.connect(around.s_in)
    around.a_out.connect(resetting.a_in)
    resting = LIFRefractory(shape=(5,), refractory_period=3, bias_mant=0.05, **NEURONS)
    resetting.s_out.connect(resting.a_in)  # in the same step
    around.a_out.connect(resting.a_in)
    signs = TernaryLIF(shape=(6,), du=0.2, dv=0.1, vth_lo=-0.4, vth_hi=0.5)
    both = Dense(weights=rng.normal(0, 0.8, (6, 5)))
    resting.s_out.connect(both.s_in)
    resetting.s_out.connect(both.s_in)
    both.a_out.connect(signs.a_in)
    sinks = [Sink(shape=(5,), buffer=11), Sink(shape=(12,), buffer=200), Sink(shape=(6,), buffer=9)]
    resting.s_out.connect(sinks[0].a_in)
    dense.a_out.connect(sinks[1].a_in)
    source.s_out.connect(sinks[1].a_in)
    signs.s_out.connect(sinks[2].a_in)
    monitors = [Monitor() for _ in range(4)]
    for monitor, probed in zip(
        monitors, (first.v, resetting.u, signs.s_out, resting.v), strict=True
    ):
        monitor.probe(probed, N_STEPS)
    neurons = [first, resetting, resting, signs]
    return [*neurons, source, dense, sparse, around, both, *sinks, *monitors]


def values(processes):
    """All Vars."""
    found = []
    for each in processes:
        for var in each.vars.members:
            value = var.get()
            found.append(value.toarray() if hasattr(value, "toarray") else np.array(value))
    return found


def floating_point(run, rng):
    """All of it, in two runs."""
    processes = program(rng)
    run(processes[0], N_STEPS - 20, Loihi2SimCfg(select_tag="floating_pt"))
    run(processes[0], 20)
    found = [var.get() for each in processes[:4] for var in (each.u, each.v)]
    found += [each.data.get() for each in processes if isinstance(each, Sink)]
    for monitor in processes:
        if isinstance(monitor, Monitor):
            (recorded,) = monitor.get_data().values()
            found += recorded.values()
    processes[0].stop()
    return found
