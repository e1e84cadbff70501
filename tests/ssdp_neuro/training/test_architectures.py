import math

import pytest
import torch
from torch import nn

from hw_models import ShapeError
from ssdp_neuro.training import (
    CubaLif,
    SpikingTransformer,
    convolutional,
    recurrent,
)

NEURONS = {"current_decay": 3000, "voltage_decay": 256, "threshold": 0.3}
MAKERS = {
    "recurrent": lambda seed: recurrent((16, 12, 8, 3), seed=seed, **NEURONS),
    "convolutional": lambda seed: convolutional((1, 4, 4), (4, 6), 3, seed=seed, **NEURONS),
    "transformer": lambda seed: SpikingTransformer((1, 4, 4), 3, channels=8, patch=2, seed=seed),
    "transformer of channels": lambda seed: SpikingTransformer((16,), 3, channels=8, seed=seed),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_architecture__follows_its_seed_and_leaves_the_random_state(kind):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, same, other = (list(MAKERS[kind](seed).parameters()) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not torch.equal(one[0], other[0])


@pytest.mark.parametrize("kind", MAKERS)
def test_architecture__gives_evidence_for_each_class_and_a_gradient_to_every_weight(kind):
    model = MAKERS[kind](0)
    shape = model.input_shape
    spikes = (torch.rand(5, 12, *shape, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    made = model(spikes)
    assert made.shape == (5, 12, 3)
    assert made.abs().sum() > 0
    (made * torch.rand(made.shape)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_recurrent__only_hidden_layers_hear_themselves():
    model = MAKERS["recurrent"](0)
    own = [m.recurrent for m in model.children() if isinstance(m, CubaLif)]
    assert [None if m is None else tuple(m.weight.shape) for m in own] == [(12, 12), (8, 8), None]


def test_convolutional__layers_halve_the_image():
    model = convolutional((2, 28, 28), (16, 32), 10, **NEURONS)
    assert model.to_output.in_features == 32 * 7 * 7
    assert isinstance(model.to_maps1, nn.Conv2d)
    assert math.isclose(model.to_maps2.weight.std().item(), 1.5 * 144**-0.5, rel_tol=0.05)


@pytest.mark.parametrize("shape", [(28, 28), (1, 0, 3)])
def test_convolutional__refuses_what_is_no_image(shape):
    with pytest.raises(Exception, match=r"convolutional\.input_shape"):
        convolutional(shape, (4,), 3, **NEURONS)


def test_transformer__tokens_are_patches():
    model = SpikingTransformer((2, 4, 6), 3, channels=8, patch=2)
    image = torch.arange(48.0).reshape(1, 1, 2, 4, 6)
    tokens = model._tokens(image)[0, 0]
    assert tokens.shape == (6, 8)
    assert tokens[1].tolist() == image[0, 0, :, 0:2, 2:4].flatten().tolist()
    assert tokens[3].tolist() == image[0, 0, :, 2:4, 0:2].flatten().tolist()


def test_transformer__refuses_patches_that_do_not_fit():
    with pytest.raises(ShapeError, match="patch"):
        SpikingTransformer((1, 5, 4), 3, patch=2)
