"""Weights are rounded in PyTorch to the integers that the grid gives them, number for number."""

import numpy as np
import pytest
import torch

from hw_models import RangeError
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.layers.fake_quant import AT_ONCE, delivered


def equal(weight, grid):
    ours = delivered(weight, grid)
    assert ours.dtype == weight.dtype
    assert ours.shape == weight.shape
    assert not bool(torch.signbit(ours[ours == 0]).any())
    return np.array_equal(ours.double().numpy(), grid.integers(weight.double().numpy()))


@pytest.mark.parametrize("bits", [2, 5, 8])
@pytest.mark.parametrize("exponent", [0, 3, 7])
@pytest.mark.parametrize(("threshold", "real"), [(1, 1.0), (1000, 0.37), (131071, 5e-3)])
def test_delivered__is_what_the_grid_says(bits, exponent, threshold, real):
    grid = WeightGrid(weight_exponent=exponent, threshold=threshold, real_threshold=real, bits=bits)
    rng = np.random.default_rng(bits + exponent)
    ranks = rng.integers(-(2 ** (bits + 1)), 2 ** (bits + 1), AT_ONCE // 2 + 7)
    ties = (ranks + 0.5) * grid.step  # half way between mantissas, beyond them too
    near = np.nextafter(ties.astype(np.float32), np.float32(np.inf))
    spread = rng.normal(0, 40 * grid.step, ties.size)
    small = [0.0, -0.0, 1e-300, -1e-300, 1e30, -1e30]
    values = torch.from_numpy(np.concatenate([ties, near, spread, ranks * grid.step, small]))
    assert equal(values, grid)
    assert equal(values.float(), grid)
    assert equal(values[: 4 * 6].float().view(4, 6).T, grid)  # not contiguous


def test_delivered__exact_ties_go_to_even():
    grid = WeightGrid(weight_exponent=1, threshold=4)  # a step is 1, exactly
    weights = torch.tensor([[0.5, 1.5, 2.5], [-0.5, -1.5, 127.5]])
    assert delivered(weights, grid).tolist() == [[0, 8, 8], [0, -8, 508]]
    assert equal(weights, grid)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_delivered__refuses_what_is_not_finite(bad):
    grid = WeightGrid(weight_exponent=0, threshold=100)
    with pytest.raises(RangeError, match="not finite"):
        delivered(torch.tensor([0.1, bad, 0.2]), grid)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_delivered__hands_on_what_is_not_finite_where_nobody_waits_to_look(bad):
    grid = WeightGrid(weight_exponent=0, threshold=100)
    compiled = torch.compile(delivered, backend="eager")
    numbers = compiled(torch.tensor([0.1, bad, 0.2]), grid)
    assert numbers.isnan().tolist() == [False, True, False]
    assert numbers[::2].tolist() == delivered(torch.tensor([0.1, 0.2]), grid).tolist()
