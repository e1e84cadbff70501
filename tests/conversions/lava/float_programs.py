"""A program in floating point of every kind of neuron and matrix that runs in one loop."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFRefractory, LIFReset, TernaryLIF
from lava.proc.monitor.process import Monitor
from lava.proc.sdn.process import ActivationMode, Delta, Sigma, SigmaDelta
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import csr_matrix

NEURONS = {"du": 0.3, "dv": 0.07, "vth": 0.9}
N_STEPS = 90


def program(rng):
    """Every kind of neuron and connection, a loop, ports that reorder, sums, spikes into a_in."""
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
    images = image_layers(rng, first)
    lateness = delayed(rng, first, resetting)
    differences = sigma_delta(rng, both)
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
    connections = [dense, sparse, around, both, *images, *lateness, *differences]
    return [*neurons, source, *connections, *sinks, *monitors]


def image_layers(rng, before):
    """A convolution of spikes, and one of numbers, into neurons that a third one joins."""
    plain = Conv(input_shape=(3, 4, 1), weight=rng.normal(0.2, 0.5, (2, 2, 2, 1)))
    before.s_out.reshape((3, 4, 1)).connect(plain.s_in)
    neurons = LIF(shape=plain.output_shape, **NEURONS)
    heights = (rng.random((5, 7, 2, 13)) < 0.3) * rng.normal(0, 1, (5, 7, 2, 13))
    source = Source(data=heights)
    graded = Conv(
        input_shape=(5, 7, 2), weight=rng.normal(0.2, 0.5, (2, 3, 3, 2)), padding=(0, 1),
        stride=(2, 3), num_message_bits=8,
    )  # fmt: skip
    source.s_out.connect(graded.s_in)
    for conv in (plain, graded):
        conv.a_out.connect(neurons.a_in)
    again = Conv(input_shape=plain.output_shape, weight=rng.normal(0, 0.5, (4, 2, 2, 1)), groups=2)
    neurons.s_out.connect(again.s_in)
    last = LIF(shape=again.output_shape, **NEURONS)
    again.a_out.connect(last.a_in)
    return [plain, neurons, source, graded, again, last]


def delayed(rng, before, between):
    """Delays, stored by rows or not, of spikes and of numbers; neurons hear two at most.

    Of more Lava's runtime adds up in an order of its own.
    """
    weights, delays = rng.normal(0, 0.5, (6, 12)), rng.integers(0, 5, (6, 12))
    is_there = rng.random((6, 12)) < 0.5
    stored = DelaySparse(
        weights=csr_matrix(weights * is_there), delays=csr_matrix(delays * is_there), max_delay=5
    )
    before.s_out.flatten().connect(stored.s_in)
    dense = DelayDense(weights=rng.normal(0, 0.5, (6, 5)), delays=rng.integers(0, 3, (6, 5)))
    between.s_out.connect(dense.s_in)
    source = Source(data=rng.normal(0, 0.2, (200, 9)))
    graded = DelayDense(
        weights=rng.normal(0, 0.3, (6, 200)), delays=rng.integers(0, 3, (6, 200)),
        num_message_bits=8,
    )  # fmt: skip
    source.s_out.connect(graded.s_in)
    ends = [LIF(shape=(6,), **NEURONS), LIFRefractory(shape=(6,), refractory_period=2, **NEURONS)]
    for connection, neurons in ((stored, 0), (dense, 0), (graded, 1)):
        connection.a_out.connect(ends[neurons].a_in)
    return [stored, dense, source, graded, *ends]


def sigma_delta(rng, after):
    """Differences of frames, through products that NumPy and SciPy take, and what hears a sum."""
    frames = Source(data=np.cumsum(rng.normal(0, 0.3, (4, 31)), axis=1))
    delta, sigma = Delta(shape=(4,), vth=0.2), Sigma(shape=(5,))
    dense = Dense(weights=rng.normal(0, 1, (5, 4)), num_message_bits=16)
    neurons = SigmaDelta(shape=(5,), vth=0.4, bias=0.1, cum_error=True)
    sparse = Sparse(weights=csr_matrix(rng.normal(0, 1, (5, 5))), num_message_bits=16)
    last = SigmaDelta(shape=(5,), vth=0.3, act_mode=ActivationMode.UNIT)
    chained = Dense(weights=rng.normal(0, 1, (5, 5)))
    frames.s_out.connect(delta.a_in)
    delta.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.s_out.connect(sparse.s_in)
    for receiver in (last.a_in, chained.s_in):  # the second hears what was gathered a step before
        sparse.a_out.connect(receiver)
    chained.a_out.connect(sigma.a_in)
    last.s_out.connect(after.s_in)
    return [frames, delta, dense, neurons, sparse, last, chained, sigma]


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
    found = [var.get() for each in processes if hasattr(each, "v") for var in (each.u, each.v)]
    found += [each.act.get() for each in processes if hasattr(each, "act")]
    found += [each.data.get() for each in processes if isinstance(each, Sink)]
    for monitor in processes:
        if isinstance(monitor, Monitor):
            (recorded,) = monitor.get_data().values()
            found += recorded.values()
    processes[0].stop()
    return found
