"""Edges of the engine's own neuron paths, by hand and by the oracle, none by another path."""

import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    SparseProjection,
)
from ssdp_neuro import simulate
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.population_table import ALWAYS_SWEPT
from ssdp_neuro.oracle.simulate import simulate as oracle

pytestmark = pytest.mark.kernel

EDGE = 1 << 17  # an input of so much is a current of 2**23
TOP = (1 << 17) - 1  # the highest threshold that a clipped potential exceeds


def driven(amount, **fields):
    """One neuron that is given ``amount`` of input in a step in which all inputs fire."""
    lif = {"shape": (1,), "current_decay": 4095, "voltage_decay": 4096, "threshold": TOP}
    whole, rest = divmod(amount, 128)
    parts = np.array([[whole // 8] * 8], dtype=int)
    assert parts.sum() * 128 + rest == amount
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(8,)),
            LifPopulation(name="out", **{**lif, **fields}),
        ],
        projections=[
            DenseProjection(source="in", target="out", weights=parts, weight_exponent=7),
            DenseProjection(source="in", target="out", weights=[[rest] + [0] * 7], name="rest"),
        ],
    )


@pytest.mark.parametrize(
    ("kind", "fields", "probes"),
    [
        (tables.UNIFORM, {}, []),  # nothing of the current is kept: memoryless
        (tables.UNIFORM, {}, [("out", "u")]),
        (tables.UNIFORM, {"current_decay": 4000}, [("out", "u")]),
        (tables.UNIFORM, {"current_decay": 4000}, []),
        (tables.GENERAL, {"current_decay": 4000, "refractory": 1}, [("out", "u")]),
    ],
)
@pytest.mark.parametrize(
    ("amount", "current", "fires"),
    [
        (EDGE, 1 << 23, True),  # the upper edge stays
        (EDGE + 1, -(1 << 23) + 64, False),
        (-EDGE, 1 << 23, True),  # the lower edge goes to the upper one
        (-EDGE + 1, -(1 << 23) + 64, False),
    ],
)
def test_current__wraps_at_24_bits_in_every_path(kind, fields, probes, amount, current, fires):
    network = driven(amount, **fields)
    assert Plan(network).populations.kind.tolist() == [tables.INPUT, kind]
    spikes = np.zeros((3, 8), dtype=bool)
    spikes[0] = True
    run = simulate(network, spikes, n_steps=3, probes=probes)
    assert run.raster("out")[1, 0] == fires
    assert run.raster("out").tolist() == oracle(network, spikes, n_steps=3).raster("out").tolist()
    if probes:
        assert run.probe("out", "u")[1, 0] == current


@pytest.mark.parametrize("refractory", [0, 3, 8, 20])
@pytest.mark.parametrize("interval", [0, 5])
def test_refractory_neuron__of_a_population_at_rest_goes_on_waiting(refractory, interval):
    """Nothing arrives while it waits: no current, potential 0, but a step left to count."""
    n_neurons = 4 * ALWAYS_SWEPT + 64
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(1,)),
            LifPopulation(
                name="out",
                shape=(n_neurons,),
                current_decay=4095,
                voltage_decay=0,
                threshold=10,
                refractory=refractory,
                reset_interval=interval,
            ),
        ],
        projections=[
            SparseProjection(source="in", target="out", pre=[0], post=[100], weights=[20])
        ],
    )
    spikes = np.zeros((200, 1), dtype=bool)
    spikes[[70, 75, 82, 101]] = True
    fired = np.flatnonzero(simulate(network, spikes, n_steps=200).raster("out")[:, 100])
    expected, free_at = [], 0
    for step in (71, 76, 83, 102):
        last = expected[-1] if expected else -1
        cleared = interval and any((s + 1) % interval == 0 for s in range(last + 1, step + 1))
        if step >= free_at or cleared:
            expected.append(step)
            free_at = step + refractory + 1
    assert fired.tolist() == expected
    twin = oracle(network, spikes, n_steps=200).raster("out")[:, 100]
    assert fired.tolist() == np.flatnonzero(twin).tolist()


@pytest.mark.parametrize("decay", [4095, 3000])
@pytest.mark.parametrize("refractory", [0, 2])
def test_large_population__begins_where_it_should_after_its_blocks_slept(decay, refractory):
    n_neurons = 4 * ALWAYS_SWEPT
    u, v = np.zeros((2, n_neurons), dtype=int)
    u[[0, 700]], v[[3, 900, n_neurons - 1]] = (40000, -90000), (2000, 64 * 200, -5)
    lif = LifPopulation(name="out", shape=(n_neurons,), current_decay=decay, voltage_decay=1000,
                        threshold=100, refractory=refractory, u=u, v=v)  # fmt: skip
    one = SparseProjection(source="in", target="out", pre=[0], post=[2000], weights=[200])
    eye = InputPopulation(name="in", shape=(1,))
    network = FixedPointNetwork(populations=[eye, lif], projections=[one])
    spikes = np.zeros((3, 400, 1), dtype=bool)
    spikes[1, 300] = True
    same = {"n_steps": 400, "probes": [("out", "u"), ("out", "v")]}
    run, slow = simulate(network, spikes, n_threads=1, **same), oracle(network, spikes, **same)
    unprobed = simulate(network, spikes, n_steps=400, n_threads=1)
    assert run.counts.spikes["out"] >= 4
    for probe in same["probes"]:
        np.testing.assert_array_equal(run.probe(*probe), slow.probe(*probe))
    for each in (run, unprobed):
        np.testing.assert_array_equal(each.raster("out"), slow.raster("out"))
    assert run.counts.neuron_updates["out"] < 0.5 * run.n_steps * 3 * n_neurons
