"""Biases are rounded in PyTorch to what the chip's register holds, number for number."""

import numpy as np
import pytest
import torch

from hw_models import RangeError
from hw_models.bias_register import bias_limits, nearest_bias
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.layers.membrane_bias import MembraneBias, in_register

GRID = WeightGrid(weight_exponent=0, threshold=100)


@pytest.mark.parametrize("bits", [(2, 1), (5, 3), (13, 3), (16, 4)])
def test_in_register__is_the_nearest_that_the_register_holds(bits):
    top, most_exponent = bias_limits(bits)
    most = top << most_exponent
    rng = np.random.default_rng(sum(bits))
    edges = (top + 0.5) * 2.0 ** np.arange(-1, most_exponent + 2)
    near = [np.nextafter(edges, np.inf), np.nextafter(edges, 0.0), edges + 0.5, edges - 0.5]
    spread = rng.normal(0, 1, 4000) * 2.0 ** rng.uniform(-2, np.log2(most) + 1, 4000)
    values = np.concatenate([edges, *near, spread, np.arange(300) / 2, [0.0, 1e30]])
    values = np.concatenate([values, -values])
    mantissa, exponent = nearest_bias(values.clip(-most, most), top)
    held = in_register(torch.from_numpy(values), bits)
    assert held.dtype == torch.float64
    assert held.numpy().tolist() == np.ldexp(mantissa.astype(float), exponent).tolist()
    assert exponent.max() == most_exponent


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_membrane_bias__what_is_not_finite_is_refused_or_handed_on(bad):
    bias = MembraneBias([0.5, bad, 0.2])
    with pytest.raises(RangeError, match="not finite"):
        bias.felt(GRID)
    # a full graph has no place where the host would wait for a number
    compiled = torch.compile(in_register, backend="eager", fullgraph=True)
    units = bias.value.detach().double() * 6400
    held = compiled(units, GRID.bias_bits)
    assert held.isnan().tolist() == [False, True, False]
    assert held[::2].tolist() == in_register(units[::2], GRID.bias_bits).tolist()


def test_membrane_bias__lets_gradients_through_the_rounding():
    bias = MembraneBias([0.5, 0.21])
    assert bias.felt(GRID).tolist() == [3200.0, 1344.0]
    bias.felt(GRID).sum().backward()
    assert bias.value.grad.tolist() == [6400.0, 6400.0]
