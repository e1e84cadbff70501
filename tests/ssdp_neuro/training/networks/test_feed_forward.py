import pytest
import torch

from hw_models import RangeError, ShapeError, TypeMismatchError
from ssdp_neuro.training import CubaLif, feed_forward

NEURON = {"current_decay": 1023, "voltage_decay": 256}


@pytest.mark.parametrize(
    ("sizes", "names"),
    [
        ((4, 3), ["output"]),
        ((4, 5, 3), ["hidden", "output"]),
        ((4, 5, 6, 3), ["hidden1", "hidden2", "output"]),
    ],
)
def test_feed_forward__names_its_neurons(sizes, names):
    model = feed_forward(sizes, **NEURON, threshold=0.5)
    neurons = {name: module for name, module in model.named_children() if name in names}
    assert list(neurons) == names
    assert all(isinstance(module, CubaLif) for module in neurons.values())
    assert model.output.threshold == 0.5
    assert model(torch.zeros(2, 6, 4)).shape == (2, 6, 3)


def test_feed_forward__weights_are_keyed_by_the_seed_alone():
    state = torch.random.get_rng_state()
    one, other, another = (
        feed_forward((100, 300), seed=seed, gain=0.5, **NEURON).to_output.weight
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(one, other)
    assert not torch.equal(one, another)
    assert one.std().item() == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(
    ("sizes", "error"), [((4,), ShapeError), ((4, 0), RangeError), ((4, 2.0), TypeMismatchError)]
)
def test_feed_forward__refuses_sizes_that_are_none(sizes, error):
    with pytest.raises(error, match="feed_forward"):
        feed_forward(sizes, **NEURON)
