import copy

import numpy as np
import pytest
import torch

from hw_models import RangeError
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training import quantize
from ssdp_neuro.training.networks.stages import weight_of
from tests.ssdp_neuro.training.models import dense_model, spikes_for


def test_quantize__weights_are_what_the_grid_delivers():
    model = dense_model()
    real = weight_of(model.to_hidden)
    grids = quantize(model)
    delivered = model.to_hidden.weight.detach().numpy().astype(int)
    assert delivered.tolist() == grids["hidden"].integers(real).tolist()
    assert weight_of(model.to_hidden).tolist() == real.tolist()


def test_quantize__takes_given_grids_and_can_be_repeated():
    model = dense_model()
    given = {"output": WeightGrid(weight_exponent=2, threshold=300)}
    real = weight_of(model.to_output)
    for _ in range(2):
        used = quantize(model, given)
        assert used["output"] == given["output"] == model.output.grid
        assert set(used) == {"hidden", "output"}
    assert weight_of(model.to_output).tolist() == real.tolist()


def test_quantize__lets_gradients_reach_the_real_weights():
    model = dense_model()
    quantize(model)
    model(spikes_for(model)).sum().backward()
    gradient = model.to_hidden.parametrizations.weight.original.grad
    assert gradient.abs().sum() > 0


def test_quantize__changes_little_at_eight_bits():
    model = dense_model((30, 40, 10), gain=2.0)
    spikes = spikes_for(model, samples=20, steps=20)
    real = model(spikes).detach()
    quantize(model)
    assert real.sum() > 100
    assert (model(spikes) != real).double().mean() < 0.05  # unrelated spikes: about 0.4


def test_quantize__a_copy_keeps_its_own_grid():
    model = dense_model()
    quantize(model)
    before = model.to_hidden.weight.detach().clone()
    other = copy.deepcopy(model)
    quantize(other, {"hidden": WeightGrid(weight_exponent=0, threshold=7)})
    assert torch.equal(model.to_hidden.weight, before)
    assert (other.to_hidden.weight.detach() != before).any()


def test_quantize__weight_gradients_are_those_of_the_real_model():
    # a long way from the threshold, so that no spike differs and the slopes are alike
    real, quantized = (dense_model((8, 4), gain=0.05) for _ in range(2))
    quantize(quantized)
    spikes = spikes_for(real)
    for model in (real, quantized):
        model(spikes).sum().backward()
    expected = real.to_output.weight.grad
    found = quantized.to_output.parametrizations.weight.original.grad
    assert expected.abs().min() > 0
    assert torch.allclose(found, expected, rtol=0.02)


def test_quantize__gives_each_layer_its_bits():
    model = dense_model((60, 40, 10))
    grids = quantize(model, weight_bits=(2, 4))
    assert [grid.bits for grid in grids.values()] == [2, 4]
    for name, bits in (("hidden", 2), ("output", 4)):
        weight = getattr(model, f"to_{name}").weight.detach()
        assert 2 < len(torch.unique(weight)) <= 2**bits
    whole = quantize(model, weight_bits=(8,))
    assert whole == quantize(dense_model((60, 40, 10)))


def test_quantize__few_bits_lie_where_they_are_nearest():
    model = dense_model((60, 40, 10))
    real = weight_of(model.to_hidden)
    grid = quantize(model, weight_bits=(3,))["hidden"]

    def error(step):  # of the eight values that lie such steps apart
        whole = np.clip(np.rint(real / step), -4, 3)
        return ((whole * step - real) ** 2).mean()

    found = ((grid.values(grid.mantissas(real)) - real) ** 2).mean()
    best = min(error(step) for step in np.abs(real).max() * np.linspace(0.01, 0.5, 500))
    assert best * (1 - 1e-3) <= found < 1.05 * best
    assert found < 0.7 * error(np.abs(real).max() / 4)  # eight values that cover all weights


def test_quantize__refuses_bits_that_do_not_fit():
    with pytest.raises(RangeError, match="weight_bits: 3 numbers for 2 layers"):
        quantize(dense_model(), weight_bits=(8, 8, 8))
    with pytest.raises(RangeError, match=r"weight_bits: 9"):
        quantize(dense_model(), weight_bits=(9,))
