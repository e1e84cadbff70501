"""A program in fixed point that the engine does not hold, of every kind that runs in one loop."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFReset, TernaryLIF
from lava.proc.monitor.process import Monitor
from lava.proc.sdn.process import ActivationMode, Delta, Sigma, SigmaDelta
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import csr_matrix

from tests.conversions.lava.float_programs import N_STEPS, values

NEURONS = {"du": 1200, "dv": 300, "vth": 40}


def stored(rng, shape):
    return csr_matrix(2 * rng.integers(-30, 45, shape) * (rng.random(shape) < 0.5))


def program(rng):
    """Graded differences and spikes of every kind, through every kind of connection."""
    frames = Source(data=np.cumsum(rng.integers(-9, 10, (5, 7, 2, 31)), axis=-1))
    delta = Delta(shape=(5, 7, 2), vth=4, spike_exp=2, state_exp=3)
    conv = Conv(
        input_shape=(5, 7, 2), weight=rng.integers(-90, 99, (4, 3, 3, 2)), padding=(0, 1),
        stride=(2, 3), num_message_bits=16,
    )  # fmt: skip
    image = SigmaDelta(
        shape=conv.output_shape, vth=60, bias=rng.integers(-99, 99, conv.output_shape),
        state_exp=2, cum_error=True,
    )  # fmt: skip
    frames.s_out.connect(delta.a_in)
    delta.s_out.connect(conv.s_in)
    conv.a_out.connect(image.a_in)
    n = int(np.prod(conv.output_shape))
    dense = Dense(weights=rng.integers(-99, 99, (6, n)), num_message_bits=16, weight_exp=-2)
    sparse = Sparse(weights=stored(rng, (6, n)), num_message_bits=16, weight_exp=1)
    after = SigmaDelta(shape=(6,), vth=9, spike_exp=1, act_mode=ActivationMode.UNIT, bias=-40)
    late = DelayDense(
        weights=rng.integers(-60, 60, (6, n)), delays=rng.integers(0, 4, (6, n)),
        num_message_bits=16, weight_exp=-1,
    )  # fmt: skip
    for each in (dense, sparse, late):
        image.s_out.flatten().connect(each.s_in)
        each.a_out.connect(after.a_in)
    chained = Dense(weights=rng.integers(-9, 9, (6, 6)), num_message_bits=16, weight_exp=2)
    sigma = Sigma(shape=(6,))
    dense.a_out.connect(chained.s_in)  # what was gathered a step before
    chained.a_out.connect(sigma.a_in)
    monitors = [Monitor() for _ in range(4)]
    for monitor, probed in zip(
        monitors, (image.sigma, after.residue, sigma.s_out, image.error), strict=True
    ):
        monitor.probe(probed, N_STEPS)
    sinks = [Sink(shape=(6,), buffer=13), Sink(shape=(6,), buffer=200)]
    sigma.s_out.connect(sinks[0].a_in)
    for each in (late.a_out, after.s_out):
        each.connect(sinks[1].a_in)
    connections = [conv, dense, sparse, late, chained]
    behind = spiking(rng, after)
    return [delta, image, after, sigma, frames, *connections, *behind, *sinks, *monitors]


def spiking(rng, before):
    """LIF neurons of every kind, behind those of sigma-delta, in a loop."""
    n = 6
    unary = Dense(weights=rng.integers(-99, 120, (n, n)), weight_exp=1)
    before.s_out.connect(unary.s_in)
    first = LIF(shape=(n,), bias_mant=rng.integers(0, 400, n), bias_exp=3, **NEURONS)
    unary.a_out.connect(first.a_in)
    resetting = LIFReset(shape=(n,), reset_interval=7, reset_offset=3, **NEURONS)
    first.s_out.connect(resetting.a_in)  # in the same step
    around = Sparse(weights=stored(rng, (n, n)))
    resetting.s_out.connect(around.s_in)
    around.a_out.connect(resetting.a_in)
    signs = TernaryLIF(shape=(n,), du=900, dv=100, vth_lo=-30, vth_hi=25)
    weights = stored(rng, (n, n))
    delays = csr_matrix(rng.integers(1, 5, (n, n)) * (weights.toarray() != 0))
    delayed = DelaySparse(weights=weights, delays=delays, max_delay=5)
    first.s_out.connect(delayed.s_in)
    delayed.a_out.connect(signs.a_in)
    graded = Dense(weights=rng.integers(-99, 99, (n, n)), num_message_bits=2)
    signs.s_out.connect(graded.s_in)
    last = LIF(shape=(2, 3), **NEURONS)
    graded.a_out.reshape((3, 2)).transpose((1, 0)).connect(last.a_in)
    return [unary, first, resetting, around, signs, delayed, graded, last]


def overflowing(rng):
    """Numbers that wrap in every sum: sigma-delta neurons, weights times messages, images."""
    shape = (4, 4, 1)
    source = Source(data=rng.integers(-(2**31), 2**31, (*shape, 29)))
    processes = [source]
    for is_cumulative in (False, True):
        delta = Delta(shape=shape, vth=1000, cum_error=is_cumulative, state_exp=3)
        source.s_out.connect(delta.a_in)
        conv = Conv(
            input_shape=shape, weight=rng.integers(-99, 99, (3, 2, 2, 1)), num_message_bits=24
        )
        delta.s_out.connect(conv.s_in)
        dense = Dense(weights=rng.integers(-99, 99, (5, 16)), num_message_bits=24, weight_exp=4)
        delta.s_out.flatten().connect(dense.s_in)
        sparse = Sparse(weights=stored(rng, (5, 16)), num_message_bits=24, weight_exp=4)
        delta.s_out.flatten().connect(sparse.s_in)
        neurons = SigmaDelta(
            shape=(5,), vth=1 << 20, cum_error=is_cumulative, state_exp=1, bias=-(2**28)
        )
        sigma = Sigma(shape=conv.output_shape)
        conv.a_out.connect(sigma.a_in)
        for each in (dense, sparse):
            each.a_out.connect(neurons.a_in)
        processes += [delta, conv, dense, sparse, neurons, sigma]
    return processes


def fixed_point(run, rng):
    """All of it, in two runs."""
    found = []
    for build in (program, overflowing):
        processes = build(rng)
        run(processes[0], N_STEPS - 20, Loihi2SimCfg(select_tag="fixed_pt"))
        run(processes[0], 20)
        kept = [each for each in processes if not isinstance(each, DelaySparse | Monitor)]
        found += values(kept)
        for monitor in processes:
            if isinstance(monitor, Monitor):
                (recorded,) = monitor.get_data().values()
                found += recorded.values()
        processes[0].stop()
    return found
