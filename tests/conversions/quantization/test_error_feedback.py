import numpy as np
import pytest

from conversions.quantization.error_feedback import TOGETHER, _rounded, round_with_feedback
from conversions.quantization.grid_proposals import ScaleForm, covering_steps
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
)
from conversions.real_network.delivery import delivered, summed_by
from conversions.real_network.timing import timing
from hw_models import LOIHI2
from hw_models.weight_grid import nearest_mantissas

RNG = np.random.default_rng(0)
COPIES = 3


def layer_of(linear, shape, out_shape):
    dynamics = NeuronDynamics(voltage_kept=0.5, threshold=1.0)
    network = RealNetwork(
        populations=[
            RealInput(name="in", shape=shape),
            RealNeurons(name="out", shape=out_shape, dynamics=dynamics),
        ],
        projections=[RealProjection(source="in", target="out", map=linear)],
    )
    return Layer(network, network.neurons[0], timing(network), LOIHI2)


def coarse(layer):
    """Four bits, so that rounding matters."""
    steps = covering_steps(layer, ScaleForm.LAYER).steps * 2**4
    (synapses,) = layer.synapses
    return LayerGrid(
        units=1 / steps,
        threshold=np.ones(layer.n_neurons, dtype=np.int64),
        exponents={synapses.projection.name: 0},
        choice=None,
    )


SHAPES = {"dense": ((12,), (5,)), "convolution": ((4, 5, 5), (2, 3, 3))}


@pytest.mark.parametrize("kind", SHAPES)
def test_round_with_feedback__copies_of_an_input_are_rounded_as_one_and_miss_less(kind):
    shape, out_shape = SHAPES[kind]
    if kind == "dense":
        linear = RealDense(weights=RNG.normal(size=(5, 4)).repeat(COPIES, axis=1))
    else:
        linear = RealConv(weights=RNG.normal(size=(2, 4, 3, 3))[:, [0, 0, 1, 0]])
    layer = layer_of(linear, shape, out_shape)
    (synapses,) = layer.synapses
    grid = coarse(layer)
    spikes = RNG.random((60, 6, int(np.prod(shape)))) < RNG.random(int(np.prod(shape)))
    made, nearest = round_with_feedback(synapses, layer, grid, spikes), grid.weights(synapses)
    if kind == "dense":
        assert (made.reshape(5, 4, COPIES) == made.reshape(5, 4, COPIES)[:, :, :1]).all()
    else:
        assert (made[:, [0, 0, 2, 0]] == made).all()
    assert (np.abs(made - grid.scaled(synapses)) < 4).all()
    flat = spikes.reshape(-1, spikes.shape[2])

    def missed(mantissas):
        error = mantissas - grid.scaled(synapses)
        wrong = delivered(type(linear)(weights=error), flat, shape, layer.n_neurons)
        return np.square(wrong).sum()

    assert missed(made) < 0.9 * missed(nearest)


def rounded_one_by_one(scaled, moments, one_sign, bits):
    """Every loss given to all weights that are still to come, at once."""
    order = np.argsort(-np.diag(moments), kind="stable")
    spread = np.linalg.cholesky(np.linalg.inv(moments[np.ix_(order, order)])).T
    left = scaled[:, order].copy()
    rounded = np.zeros(scaled.shape, dtype=np.int64)
    absent = left == 0
    for i, place in enumerate(order):
        target = np.where(absent[:, i], 0.0, left[:, i])
        rounded[:, place] = nearest_mantissas(target, one_sign=one_sign, bits=bits)
        error = (left[:, i] - rounded[:, place]) / spread[i, i]
        left[:, i + 1 :] -= np.outer(error, spread[i, i + 1 :])
    return rounded


@pytest.mark.parametrize("n_weights", [1, TOGETHER, 2 * TOGETHER + 5])
@pytest.mark.parametrize("one_sign", [False, True])
def test_rounded__blocks_make_up_for_losses_as_one_weight_after_another(n_weights, one_sign):
    inputs = RNG.random((400, n_weights)) @ RNG.random((n_weights, n_weights))
    scaled = RNG.normal(scale=30, size=(7, n_weights)) * (RNG.random((7, n_weights)) < 0.9)
    scaled = np.abs(scaled) if one_sign else scaled
    moments = inputs.T @ inputs / 400 + np.eye(n_weights)
    made = _rounded(scaled, moments, one_sign, 8)
    assert (made == rounded_one_by_one(scaled, moments, one_sign, 8)).all()
    assert not made[scaled == 0].any()


@pytest.mark.parametrize("places", [[0, 1, 2, 3], [2, 0, 3, 1], [0, 1, 0, 1], [1, 1, 1, 0]])
def test_summed_by__adds_what_has_the_same_place(places):
    values = RNG.normal(size=(3, 4, 2))
    expected = np.zeros((3, max(places) + 1, 2))
    for channel, place in enumerate(places):
        expected[:, place] += values[:, channel]
    assert np.allclose(summed_by(np.array(places), values), expected, rtol=1e-12)
