import numpy as np
import pytest
import torch

from hw_models import RangeError
from ssdp_neuro.training import CubaLif
from ssdp_neuro.training.layers.decays import Decay, decay_of


def test_decay__every_code_survives_being_learned():
    codes = np.arange(4096)
    decay = Decay("d", codes, learned=True, added=0)
    assert decay.integers().tolist() == codes.tolist()
    assert decay.kept().tolist() == (1 - codes / 4096).tolist()


def test_decay__stays_in_range_however_far_it_is_pushed():
    for logit, code in ((-1e4, 0), (1e4, 4095)):
        decay = Decay("d", 2000, learned=True, added=1)
        torch.nn.init.constant_(decay.logit, logit)
        assert decay.integers() == code
        assert 0 <= decay.kept().item() <= 1


def test_decay__gradient_is_that_of_the_unrounded_decay():
    decay = Decay("d", [5, 800], learned=True, added=1)
    decay.kept().sum().backward()
    logit = decay.logit.detach().double().requires_grad_()
    (-4095 * logit.sigmoid() / 4096).sum().backward()
    assert torch.allclose(decay.logit.grad.double(), logit.grad)


def test_decay__survives_a_model_in_half_precision():
    neurons = CubaLif(current_decay=4001, voltage_decay=3).bfloat16()
    assert (neurons.current_decay, neurons.voltage_decay) == (4001, 3)


def test_cuba_lif__learns_the_time_constant_of_a_teacher():
    torch.manual_seed(0)
    currents = 0.3 * torch.rand(16, 40, 8)
    teacher = CubaLif(current_decay=1000, voltage_decay=300)
    pupil = CubaLif(current_decay=1000, voltage_decay=1500, learn_voltage_decay=True)
    optimizer = torch.optim.Adam(pupil.parameters(), lr=0.1)
    wanted = teacher(currents).sum(1)
    for _ in range(60):
        optimizer.zero_grad()
        (pupil(currents).sum(1) - wanted).square().mean().backward()
        optimizer.step()
    assert abs(pupil.voltage_decay - 300) < 60
    assert pupil.current_decay == 1000


@pytest.mark.parametrize("constant", [0.0, -3.0, float("nan")])
def test_decay_of__refuses_time_constants_that_are_none(constant):
    with pytest.raises(RangeError, match="time constant"):
        decay_of(constant)


def test_decay_of__is_the_nearest_code():
    codes = decay_of(np.array([1.0, 20.0, np.inf]), added=1)
    kept = 1 - (codes + 1) / 4096
    assert np.abs(kept - np.exp([-1.0, -1 / 20, 0.0])).max() <= 0.5 / 4096 + 1 / 4096
