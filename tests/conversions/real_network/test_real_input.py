import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import BitPlanes
from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealSparse,
)
from conversions.real_network.real_input import with_bit_planes
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError
from hw_models.weight_grid import WeightGrid

SHAPE = (2, 4, 3)


def network(maps, **settings_of):
    """Readouts of (3, 4, 3) that remember, each by all of the maps."""
    dynamics = NeuronDynamics(
        voltage_kept=0.5, current_kept=0.25, gain=0.5, threshold=np.inf, current_bias=0.125
    )
    return RealNetwork(
        populations=[
            RealInput(name="image", shape=SHAPE),
            RealNeurons(name="sum", shape=(3, 4, 3), dynamics=dynamics),
        ],
        projections=[
            RealProjection(source="image", target="sum", map=linear, name=str(i), **settings_of)
            for i, linear in enumerate(maps)
        ],
    )


def matrix(linear):
    """What a map makes of each single pixel, one by one: (n_post, n_pre)."""
    made = np.zeros((36, 24))
    if isinstance(linear, RealDense):
        return linear.weights
    if isinstance(linear, RealSparse):
        np.add.at(made, (linear.post, linear.pre), linear.weights)
        return made
    for o, i, r, c in np.ndindex(linear.weights.shape):
        for y, x in np.ndindex(4, 3):
            row, column = y + r - 1, x + c - 1
            if 0 <= row < 4 and 0 <= column < 3:  # the padding is 0, not a value
                made[(o * 4 + y) * 3 + x, (i * 4 + row) * 3 + column] += linear.weights[o, i, r, c]
    return made


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), bits=st.integers(1, 8), low=st.sampled_from([0.0, -1.5, 2]))
def test_with_bit_planes__makes_of_digits_what_the_network_makes_of_values(seed, bits, low):
    rng = np.random.default_rng(seed)
    maps = [
        RealConv(weights=rng.normal(size=(3, 2, 3, 3)), padding=1),
        RealDense(weights=rng.normal(size=(36, 24))),
        RealSparse(pre=[0, 5, 23], post=[35, 0, 0], weights=rng.normal(size=3)),
    ]
    planes = BitPlanes(bits=bits, low=low, high=low + 3, name="image")
    values = planes.rounded(low + 3 * rng.random((2, 5, *SHAPE)))

    rewritten = with_bit_planes(network(maps), planes)
    assert [p.name for p in rewritten.inputs] == [f"image.bit{b}" for b in range(bits)]
    run = simulate_real(rewritten, planes.encode(values))

    arriving = values.reshape(2, 5, -1) @ sum(matrix(linear) for linear in maps).T
    dynamics = network(maps).population("sum").dynamics
    expected = dynamics.run(arriving)[1]
    np.testing.assert_allclose(run.potentials["sum"], expected, atol=1e-9)


def test_with_bit_planes__values_that_come_late_must_begin_at_0():
    late = network([RealDense(weights=np.ones((36, 24)))], latency=2)
    run = simulate_real(
        with_bit_planes(late, BitPlanes(bits=1, name="image")),
        {"image.bit0": np.ones((1, 4, *SHAPE), bool)},
    )
    assert np.diff(run.potentials["sum"][0, :, 0])[1] > 11
    with pytest.raises(ConversionError, match="0: real values arrive with a delay"):
        with_bit_planes(late, BitPlanes(low=-1.0, name="image"))


def test_with_bit_planes__refuses_neurons_trained_in_integers():
    grid = WeightGrid(weight_exponent=0, threshold=64, real_threshold=1.0)
    neurons = NeuronDynamics(voltage_kept=0.5, threshold=1.0, grid=grid)
    trained = RealNetwork(
        populations=[
            RealInput(name="image", shape=(2,)),
            RealNeurons(name="cells", shape=(1,), dynamics=neurons),
        ],
        projections=[
            RealProjection(source="image", target="cells", map=RealDense(weights=[[1.0, 1.0]]))
        ],
    )
    with pytest.raises(ConversionError, match="cells: was trained on the chip's integers"):
        with_bit_planes(trained, BitPlanes(name="image"))
