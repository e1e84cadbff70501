"""The edges of synapses, by hand: oracle, engine and Lava all have them."""

import numpy as np
import pytest

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    SparseProjection,
)
from tests.parity.by_hand import EVERYWHERE, MEMORYLESS, NEVER, dense, one_neuron, pulse

pytestmark = [pytest.mark.lava, pytest.mark.kernel]


@EVERYWHERE
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    ("second_delay", "expected"), [(1, [0, 0, -128, 0, 0]), (2, [0, 0, -64, -64, 0])]
)
def test_negative_exponent__floors_once_per_delay(run, is_sparse, second_delay, expected):
    delays = [1, second_delay]
    projection = dense([[-1, -2]], delays=[delays], weight_exponent=-1)
    if is_sparse:
        projection = SparseProjection(
            source="in",
            target="out",
            pre=[0, 1],
            post=[0, 0],
            weights=[-1, -2],
            delays=delays,
            weight_exponent=-1,
        )
    network = one_neuron(projection, size=2)
    result = run(network, pulse(5, 2), n_steps=5, probes=[("out", "u")])
    assert result.probe("out", "u").ravel().tolist() == expected


@EVERYWHERE
def test_loops__are_one_step_late(run):
    network = one_neuron(
        dense([[3]]),
        DenseProjection(source="out", target="out", weights=[[2]]),
        DenseProjection(source="out", target="out", weights=[[-1]], delays=[[1]], name="later"),
        threshold=1,
        voltage_decay=0,
    )
    result = run(network, pulse(7), n_steps=7, probes=[("out", "u")])
    assert result.probe("out", "u").ravel().tolist() == [0, 192, 128, 64, -64, 0, 0]
    assert result.raster("out").ravel().tolist() == [False, True, True, False, False, False, False]


@EVERYWHERE
@pytest.mark.parametrize("axis", [1, 2], ids=["rows", "columns"])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [5, 6, 3]),
        ({"padding": 1}, [2, 5, 6, 3, 1]),
        ({"padding": 1, "stride": 2}, [2, 6, 1]),
        ({"dilation": 2}, [3]),
        ({"weight_exponent": 3}, [40, 48, 24]),
        ({"weight_exponent": -1}, [2, 3, 1]),
    ],
    ids=str,
)
def test_convolution__correlates(run, axis, fields, expected):
    def along(values):
        return np.array(values).reshape([1] * axis + [-1] + [1] * (2 - axis))

    def pair(value, other):
        return (value, other) if axis == 1 else (other, value)

    spikes = np.zeros((2, 5), dtype=bool)
    spikes[0] = [1, 0, 1, 1, 0]
    plain = {"padding": 0, "stride": 1, "dilation": 1}
    sizes = {key: pair(fields.get(key, other), other) for key, other in plain.items()}
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=along(spikes[0]).shape),
            LifPopulation(name="out", shape=along(expected).shape, threshold=NEVER, **MEMORYLESS),
        ],
        projections=[
            ConvProjection(
                source="in",
                target="out",
                weights=along([1, 2, 4])[None],
                weight_exponent=fields.get("weight_exponent", 0),
                **sizes,
            )
        ],
    )
    result = run(network, spikes, n_steps=2, probes=[("out", "u")])
    assert result.probe("out", "u")[1].tolist() == [64 * value for value in expected]


@EVERYWHERE
def test_convolution__keeps_groups_apart(run):
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(4, 1, 1)),
            LifPopulation(name="out", shape=(2, 1, 1), threshold=NEVER, **MEMORYLESS),
        ],
        projections=[
            ConvProjection(
                source="in",
                target="out",
                weights=np.array([[1, 10], [100, 200]])[:, :, None, None],
                groups=2,
            )
        ],
    )
    spikes = np.array([[0, 1, 1, 1], [0, 0, 0, 0]], dtype=bool)
    result = run(network, spikes, n_steps=2, probes=[("out", "u")])
    assert result.probe("out", "u")[1].tolist() == [640, 64 * 300]


@EVERYWHERE
@pytest.mark.parametrize(("width", "padding"), [(125, 1), (126, 1), (127, 0), (200, 0)])
def test_convolution__of_large_images(run, width, padding):
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(1, 1, width)),
            LifPopulation(
                name="out",
                shape=(1, 1, width - 1 + 2 * padding),
                threshold=NEVER,
                **MEMORYLESS,
            ),
        ],
        projections=[
            ConvProjection(source="in", target="out", weights=[[[[1, 2]]]], padding=(0, padding))
        ],
    )
    spikes = np.zeros((2, width), dtype=bool)
    spikes[0, [0, width // 2, width - 1]] = True
    result = run(network, spikes, n_steps=2, probes=[("out", "u")])
    padded = np.pad(spikes[0].astype(int), padding)
    expected = 64 * (padded[:-1] + 2 * padded[1:])
    assert result.probe("out", "u")[1].tolist() == expected.tolist()
