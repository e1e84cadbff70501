"""Convolutions of the engine against the oracle: vectors of channels, images kept channels last."""

import dataclasses

import numpy as np
import pytest

from hw_models import (
    ConvProjection,
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    SparseProjection,
)
from ssdp_neuro import Session
from ssdp_neuro.engine import population_table
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.plan import Plan
from tests.parity.test_engine_oracle import assert_equal_runs

pytestmark = pytest.mark.kernel

IMAGE = (4, 9, 11)
N_STEPS = 12


def maps(convolution: ConvProjection, seed: int) -> LifPopulation:
    """The target of a convolution of IMAGE; every neuron has numbers of its own."""
    rng = np.random.default_rng(seed)
    shape = convolution.output_shape(IMAGE)
    size = int(np.prod(shape))
    return LifPopulation(
        name="maps",
        shape=shape,
        current_decay=900,
        voltage_decay=rng.integers(0, 4097, size),
        threshold=rng.integers(500, 3000, size),
        u=rng.integers(-9000, 9000, size),
        v=rng.integers(-9000, 9000, size),
        refractory=int(rng.integers(0, 3)),
    )


def network_of(channels: int, kernel: object, seed: int, **fields: object) -> FixedPointNetwork:
    """Images into maps, by a convolution and, beside it, a list and a matrix; pooled, classed."""
    rng = np.random.default_rng(seed)
    n_in = IMAGE[0] // fields.get("groups", 1)
    convolution = ConvProjection(
        source="in",
        target="maps",
        weights=rng.integers(-256, 256, (channels, n_in, *kernel)),
        **fields,
    )
    lif = maps(convolution, seed)
    pool = PoolProjection(source="maps", target="pool", kernel_size=(1, 2), weight=9)
    pooled = pool.output_shape(lif.shape)
    eye = np.arange(0, lif.n_neurons, 3)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=IMAGE),
            InputPopulation(name="few", shape=(3,)),
            InputPopulation(name="each", shape=(lif.n_neurons,)),
            lif,
            LifPopulation(
                name="pool", shape=pooled, current_decay=4000, voltage_decay=9, threshold=8
            ),
            LifPopulation(
                name="class", shape=(3,), current_decay=2000, voltage_decay=9, threshold=9
            ),
        ],
        projections=[
            convolution,
            DenseProjection(
                source="few", target="maps", weights=rng.integers(-90, 90, (lif.n_neurons, 3))
            ),
            SparseProjection(
                source="each",
                target="maps",
                pre=eye,
                post=eye[::-1],
                weights=rng.integers(-99, 99, eye.size),
            ),
            pool,
            DenseProjection(
                source="pool",
                target="class",
                weights=rng.integers(-30, 99, (3, int(np.prod(pooled)))),
            ),
        ],
    )


def rising_input(network: FixedPointNetwork) -> dict[str, np.ndarray]:
    """From no spikes to all of them."""
    rng = np.random.default_rng(3)
    rates = np.linspace(0, 1, N_STEPS)[:, None]
    return {
        population.name: rng.random((N_STEPS, population.n_neurons)) < rates
        for population in network.inputs
    }


@pytest.mark.parametrize("always_swept", [0, population_table.ALWAYS_SWEPT])
@pytest.mark.parametrize("exponent", [7, -3])
@pytest.mark.parametrize(
    ("channels", "kernel", "fields"),
    [
        (16, (3, 3), {"padding": 1}),
        (33, (5, 4), {"padding": (2, 3), "stride": (2, 3)}),
        (56, (4, 2), {"padding": (1, 2), "stride": (3, 1)}),
        (7, (1, 5), {"stride": (3, 2), "padding": (0, 1)}),
        (21, (2, 3), {"dilation": (3, 2), "stride": (1, 3), "padding": 2}),
        (18, (3, 2), {"groups": 2, "stride": 2, "padding": 1}),
        (4, (3, 3), {"groups": 4, "padding": 2}),
        (12, (3, 3), {"padding": 1}),
        (1, (3, 3), {}),
    ],
)
def test_convolution__equals_oracle(monkeypatch, channels, kernel, fields, exponent, always_swept):
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", always_swept)
    if exponent > 0:
        kernel = (min(kernel[0], 3), min(kernel[1], 3))
    network = network_of(channels, kernel, channels, weight_exponent=exponent, **fields)
    result = assert_equal_runs(network, rising_input(network), N_STEPS, n_threads=1)
    assert result.counts.spikes["maps"] > 0
    assert result.counts.spikes["pool"] > 0
    assert channels == 1 or result.counts.spikes["class"] > 0


@pytest.mark.parametrize("exponent", [0, -1])
def test_convolution__sums_of_many_taps_stay_within_their_bits(exponent):
    """Rows of 45 sums of up to four extreme weights, quads of which the last is not whole."""
    weights = np.full((8, 35, 2, 5), 255)
    weights[::2] = -256
    convolution = ConvProjection(
        source="in", target="maps", weights=weights, weight_exponent=exponent
    )
    maps = LifPopulation(
        name="maps",
        shape=(8, 2, 4),
        current_decay=4095,
        voltage_decay=4096,
        threshold=50_000,
    )
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(35, 3, 8)), maps], projections=[convolution]
    )
    projections = Plan(network).projections
    assert projections.sums_row[0] >= 0
    assert projections.taps_per_flush[0] == 3
    rng = np.random.default_rng(0)
    spikes = rng.random((N_STEPS, 35 * 3 * 8)) < np.linspace(1, 0, N_STEPS)[:, None]
    result = assert_equal_runs(network, spikes, N_STEPS)
    assert result.probe("maps", "u").max() == (350 * 255 >> -exponent) << 6


@pytest.mark.parametrize("always_swept", [0, population_table.ALWAYS_SWEPT])
@pytest.mark.parametrize("exponent", [0, -3])
@pytest.mark.parametrize(
    ("kernel", "fields"),
    [
        ((3, 3), {"padding": 1}),
        ((5, 5), {"stride": 2, "padding": 2}),
        ((2, 3), {"stride": (3, 4)}),
        ((3, 2), {"dilation": 2}),
        ((2, 2), {"groups": 2}),
    ],
)
def test_convolution__of_an_image_that_is_kept_by_place(
    monkeypatch, kernel, fields, exponent, always_swept
):
    """Its spikes are listed by place; a list with delays from it reads their own indices."""
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", always_swept)
    rng = np.random.default_rng(len(fields) + kernel[0])
    pool = PoolProjection(source="in", target="pool", kernel_size=1, weight=99)
    convolution = ConvProjection(
        source="pool",
        target="maps",
        weights=rng.integers(-256, 256, (16, IMAGE[0] // fields.get("groups", 1), *kernel)),
        weight_exponent=exponent,
        **fields,
    )
    shape = convolution.output_shape(IMAGE)
    n_pre, n_post = int(np.prod(IMAGE)), int(np.prod(shape))
    delayed = SparseProjection(
        name="late",
        source="pool",
        target="maps",
        pre=np.arange(n_pre),
        post=rng.permutation(max(n_pre, n_post))[:n_pre] % n_post,
        weights=rng.integers(-99, 99, n_pre),
        delays=rng.integers(0, 4, n_pre),
    )
    populations = [
        InputPopulation(name="in", shape=IMAGE),
        LifPopulation(
            name="pool", shape=IMAGE, current_decay=4095, voltage_decay=4096, threshold=1
        ),
        LifPopulation(
            name="maps", shape=shape, current_decay=900, voltage_decay=200, threshold=700
        ),
    ]
    for wires in ([pool, convolution], [pool, convolution, delayed]):
        network = FixedPointNetwork(populations=populations, projections=wires)
        result = assert_equal_runs(network, rising_input(network), N_STEPS, n_threads=1)
        assert result.counts.spikes["maps"] > 0


def test_convolution__into_a_large_image_wakes_what_it_reaches():
    """Few spikes in an image of many blocks, all over it, and a run that forgets them."""
    convolution = ConvProjection(
        source="in", target="maps", weights=np.full((20, 2, 3, 5), 40), padding=(1, 2)
    )
    lif = LifPopulation(name="maps", shape=(20, 30, 31), current_decay=3000, voltage_decay=2500,
                        threshold=30)  # fmt: skip
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(2, 30, 31)), lif],
        projections=[convolution],
    )
    spikes = np.zeros((3, 150, 2 * 30 * 31), dtype=bool)
    for k, place in enumerate((0, 30, 899, 929, 930 + 465, 2 * 930 - 1)):
        spikes[k % 3, 5 + 23 * k, place] = True
    result = assert_equal_runs(network, spikes, 150, n_threads=1)
    assert result.counts.spikes["maps"] > 100
    assert result.counts.neuron_updates["maps"] < 0.5 * 3 * 150 * lif.n_neurons


def test_convolution__beside_a_plastic_projection_equals_oracle():
    """Rows that learn keep the population's own order, so the convolution becomes a list."""
    network = network_of(6, (3, 2), 5, stride=(1, 2), dilation=(2, 1), groups=2)
    dense = network.projection("few->maps")
    rule = DaSsdpParams(
        latency_bits=3,
        silent_latency=7,
        kernel=[200] * 8,
        potentiation=9,
        depression=4,
        shift=12,
        weight_low=-100,
        weight_high=100,
    )
    network = network.replace(dataclasses.replace(dense, plasticity=rule))
    plan = Plan(network)
    assert tables.CONV not in plan.projections.kind
    np.testing.assert_array_equal(
        plan.weights(dense.name)[:, : len(dense.weights)].T, dense.weights
    )
    assert_equal_runs(network, rising_input(network), N_STEPS)


def test_session__state_of_an_image_is_in_its_own_order():
    network = network_of(5, (3, 3), 9, padding=1)
    spikes = rising_input(network)
    probes = [("maps", "u"), ("maps", "v")]
    session = Session(network)
    run = session.run({name: raster[:8] for name, raster in spikes.items()}, 8, probes=probes)
    state = session.state()
    np.testing.assert_array_equal(state.u["maps"], run.probe("maps", "u")[-1])
    np.testing.assert_array_equal(state.v["maps"], run.probe("maps", "v")[-1])
    other = Session(network)
    other.restore(state)
    assert all(np.array_equal(other.state().arriving[n], state.arriving[n]) for n in state.arriving)
    rest = {name: raster[8:] for name, raster in spikes.items()}
    one, two = session.run(rest, 4, probes=probes), other.run(rest, 4, probes=probes)
    for probe in probes:
        np.testing.assert_array_equal(one.probe(*probe), two.probe(*probe))
    assert state.arriving["maps"].any()
