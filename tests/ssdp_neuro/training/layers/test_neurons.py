import numpy as np
import pytest
import torch

from hw_models import RangeError, ResetMode, ShapeError, TypeMismatchError
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training import CubaLif


def plain(currents, du, dv, threshold, reset):
    """The real-valued neuron, step by step in Python floats."""
    u = v = 0.0
    spikes = [0]
    for x in currents[:-1]:
        u = u * (1 - (du + 1) / 4096) + x
        v = v * (1 - dv / 4096) + u
        spikes.append(int(v > threshold))
        if spikes[-1]:
            v = v - threshold if reset is ResetMode.SUBTRACT else 0.0
    return spikes


@pytest.mark.parametrize("reset", ResetMode)
@pytest.mark.parametrize(("du", "dv"), [(0, 0), (1023, 256), (4095, 4095)])
def test_cuba_lif__real_steps_equal_plain_floats(reset, du, dv):
    currents = np.random.default_rng(1).normal(0.2, 0.5, 60)
    neuron = CubaLif(current_decay=du, voltage_decay=dv, threshold=0.7, reset=reset)
    fired = neuron(torch.tensor(currents).reshape(1, -1, 1))
    assert fired.flatten().tolist() == plain(currents.tolist(), du, dv, 0.7, reset)


def test_cuba_lif__is_one_step_late_and_strict():
    neuron = CubaLif(current_decay=4095, voltage_decay=4095, threshold=1.0)
    currents = torch.tensor([1.0, 1.0001, 5.0]).reshape(1, 3, 1)
    assert neuron(currents).flatten().tolist() == [0, 0, 1]


def test_cuba_lif__gradient_reaches_earlier_currents():
    neuron = CubaLif(current_decay=409, voltage_decay=64)
    currents = torch.full((1, 5, 1), 0.3, requires_grad=True)
    neuron(currents).sum().backward()
    gradient = currents.grad.flatten()
    assert (gradient[:-1] > 0).all()
    assert gradient[-1] == 0


def test_cuba_lif__integer_gradient_is_near_the_real_one():
    grid = WeightGrid(weight_exponent=0, threshold=10_000)
    gradients = []
    for scale in (1.0, grid.scale):
        neuron = CubaLif(current_decay=409, voltage_decay=64)
        neuron.grid = None if scale == 1.0 else grid
        currents = torch.linspace(0.1, 0.4, 6).reshape(1, 6, 1).requires_grad_()
        neuron((currents * scale).round() if scale != 1.0 else currents)
        scaled = torch.tensor(currents.detach().numpy() * scale).round().requires_grad_()
        neuron(scaled if scale != 1.0 else currents).sum().backward()
        gradients.append((scaled.grad * scale if scale != 1.0 else currents.grad).flatten())
    assert torch.allclose(*gradients, rtol=1e-2, atol=1e-3)


def test_cuba_lif__integer_current_wraps_and_voltage_clips():
    # 2**17 << 6 is 2**23 and stays, one more unit wraps to the negative end
    neuron = CubaLif(current_decay=4095, voltage_decay=0)
    neuron.grid = WeightGrid(weight_exponent=0, threshold=2**17 - 1)
    stays = torch.tensor([2.0**17, 0.0]).reshape(1, 2, 1)
    assert neuron(stays).flatten().tolist() == [0, 1]
    assert neuron(stays + 1).flatten().tolist() == [0, 0]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"current_decay": 4096}, RangeError),
        ({"voltage_decay": -1}, RangeError),
        ({"current_decay": 0.5}, TypeMismatchError),
        ({"threshold": 0.0}, RangeError),
        ({"threshold": float("inf")}, RangeError),
        ({"reset": "zero"}, TypeMismatchError),
    ],
)
def test_cuba_lif__refuses_what_the_chip_has_not(settings, error):
    with pytest.raises(error, match="CubaLif"):
        CubaLif(**{"current_decay": 1, "voltage_decay": 1, **settings})


def test_cuba_lif__refuses_currents_without_time():
    with pytest.raises(ShapeError, match="CubaLif"):
        CubaLif(current_decay=1, voltage_decay=1)(torch.zeros(3, 4))
