import numpy as np
import pytest

from conversions.quantization.error_feedback import round_with_feedback
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
from conversions.real_network.delivery import delivered
from conversions.real_network.timing import timing
from hw_models import LOIHI2

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
