"""Codes and counts that the kernel makes, beside those of the spikes themselves."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import Teaching, learn, simulate
from ssdp_neuro.engine.job import FIRST_CHUNK_STEPS, Job
from ssdp_neuro.engine.kernels.catalog import RUN_NETWORK
from ssdp_neuro.engine.latencies import Latencies
from ssdp_neuro.engine.learning_task import learning_task
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.oracle import plain_da_ssdp as oracle
from tests.ssdp_neuro.engine.plastic_networks import (
    CONSTANT,
    N_STEPS,
    batch_of,
    params_of,
    two_layers,
)

pytestmark = pytest.mark.kernel


@given(seed=st.integers(0, 10**6), shifts=st.tuples(*[st.integers(0, 2)] * 3))
@settings(deadline=None, max_examples=30)
def test_run_network__notes_codes_counts_and_first_spikes(seed, shifts):
    rng = np.random.default_rng(seed)
    rules = [params_of(CONSTANT, latency_shift=shift) for shift in shifts]
    network = two_layers(rng, *rules)
    batch = batch_of(rng, 3)
    task = learning_task(network, batch, n_steps=N_STEPS)
    plan = Plan(network)
    latencies = Latencies(task.network, task.plastic, task.n_steps, plan.index)
    run = simulate(network, batch, n_steps=N_STEPS)
    job = Job(network, plan, 1, task.given, N_STEPS, ())
    with plan.state() as state:
        for sample in (1, 0, 2):
            latencies.clear()
            tables = job.silent_tables(state, latencies.table)
            tables.window.cursor[:2] = sample, 0
            tables.window.bounds[:4] = sample, sample + 1, 0, N_STEPS
            RUN_NETWORK(0, 0, 0, 0, tables)
            for name, rule in zip(task.plastic, rules, strict=True):
                for end, codes in zip(task.ends(name), latencies.codes(name), strict=True):
                    trains = run.raster(end)[sample].T
                    bits = (rule.latency_bits, rule.latency_shift)
                    assert codes.tolist() == [oracle.latency_code(t, *bits) for t in trains]
                    assert codes.dtype == np.uint8
            for target in ("hidden", "out"):
                counts = latencies.counts(target)
                assert counts.tolist() == run.spike_counts(target)[sample].tolist()
                first = latencies.first_spikes(target)
                assert first.tolist() == run.first_spikes(target)[sample].tolist()


def busy_network(rule, interval, n_neurons=3000):
    """Neurons that fire every ``interval`` steps by their bias."""
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(1,)),
            LifPopulation(
                name="busy",
                shape=(n_neurons,),
                current_decay=4095,
                voltage_decay=0,
                threshold=interval - 1,
                bias_mantissa=64,
            ),
        ],
        projections=[
            DenseProjection(
                source="in",
                target="busy",
                weights=np.zeros((n_neurons, 1), dtype=int),
                plasticity=rule,
            )
        ],
    )


def peak_of_learning(n_steps, interval):
    rule = params_of(CONSTANT, latency_bits=8, latency_shift=4, kernel=np.arange(256))
    network = busy_network(rule, interval)
    learn(network, None, n_steps=n_steps)
    tracemalloc.start()
    result = learn(network, None, Teaching(learning_mask=False), n_steps=n_steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.spike_counts["busy"].tolist() == [[n_steps // interval] * 3000]
    return peak


def test_learn__memory_grows_neither_with_spikes_nor_with_steps():
    quiet = peak_of_learning(FIRST_CHUNK_STEPS // 8, 64)
    busy = peak_of_learning(2 * FIRST_CHUNK_STEPS, 2)  # 512 times the spikes
    # the input's list of steps: 8 bytes each
    assert busy - quiet < 20 * 2 * FIRST_CHUNK_STEPS
