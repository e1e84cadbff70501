"""Our plastic synapses beside Lava's Dense, and beside the plain twin of the rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.learning_schedule import SampleClock
from ssdp_neuro.oracle import plain_da_ssdp as oracle
from tests.plasticity_strategies import da_ssdp_params

pytestmark = pytest.mark.lava

N_PRE, N_POST, N_STEPS, N_SAMPLES = 5, 4, 6, 3
CLOCK = SampleClock(n_steps=N_STEPS, period=N_STEPS)


def course(process, **inputs):
    """What arrives of a Process in each step, and the Process's model after the last one."""
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    from hw_models.lava_processes.direct_run import DirectRun

    sources = []
    for name, data in inputs.items():
        sources.append(Source(data=np.ascontiguousarray(data.T, dtype=np.int32)))
        sources[-1].s_out.connect(getattr(process, name))
    sink = Sink(shape=(N_POST,), buffer=N_SAMPLES * N_STEPS)
    process.a_out.connect(sink.a_in)
    run = DirectRun([*sources, process, sink])
    for _ in range(N_SAMPLES * N_STEPS):
        run.step()
    return run.model(sink).data.T.astype(int), run.model(process)


def spikes_of(rng, size):
    return rng.random((N_SAMPLES * N_STEPS, size)) < 0.3


@pytest.mark.parametrize("exponent", [0, 3])
def test_plastic_dense__delivers_as_lavas_dense_but_not_across_samples(exponent):
    from lava.proc.dense.process import Dense
    from lava.utils.weightutils import SignMode

    from hw_models.lava_processes.plastic_dense.dense_process import PlasticDense

    rng = np.random.default_rng(0)
    weights = rng.integers(-100, 100, (N_POST, N_PRE))
    spikes = spikes_of(rng, N_PRE)
    ours = PlasticDense(weights=weights, rule=plain_rule(), clock=CLOCK, weight_exp=exponent)
    lavas = Dense(weights=weights, weight_exp=exponent, num_weight_bits=9, sign_mode=SignMode.MIXED)
    spikes[N_STEPS - 1] = True
    expected, _ = course(lavas, s_in=spikes)
    assert expected[N_STEPS].any()
    expected[::N_STEPS] = 0
    arriving, model = course(ours, s_in=spikes, s_in_bap=spikes_of(rng, N_POST))
    assert arriving.tolist() == expected.tolist()
    assert model.weights.tolist() == weights.tolist(), "without gates nothing is learned"


def plain_rule():
    from hw_models import DaSsdpParams

    return DaSsdpParams(
        latency_bits=3,
        silent_latency=6,
        kernel=[255, 200, 90, 20, 3, 0, 0, 0],
        potentiation=10,
        depression=3,
        shift=15,
    )


@given(rule=da_ssdp_params(latency_shift=0), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_plastic_dense__learns_as_the_twin(rule, seed):
    from hw_models.lava_processes.plastic_dense.dense_process import PlasticDense

    rng = np.random.default_rng(seed)
    weights = rng.integers(rule.weight_low, rule.weight_high + 1, (N_POST, N_PRE))
    pre, post = spikes_of(rng, N_PRE), spikes_of(rng, N_POST)
    gates = rng.integers(-256, 256, (N_SAMPLES * N_STEPS, N_POST))
    process = PlasticDense(
        weights=weights, rule=rule, clock=CLOCK, seed=seed, first_sample=seed >> 3
    )
    _, model = course(process, s_in=pre, s_in_bap=post, gate_in=gates)
    expected = weights.T.tolist()
    for sample in range(N_SAMPLES):
        steps = slice(sample * N_STEPS, (sample + 1) * N_STEPS)
        codes = [
            [oracle.latency_code(train, rule.latency_bits, 0) for train in spikes[steps].T.tolist()]
            for spikes in (pre, post)
        ]
        last = gates[steps][-1].tolist()
        if rule.third_factor.value == "teacher":
            codes[1] = oracle.forced(rule, codes[1], last)
        expected = oracle.update(expected, rule, *codes, last, seed, (seed >> 3) + sample)
    assert model.weights.T.tolist() == expected
