"""The fused pass equals the loop over the steps: spikes bit by bit, gradients to rounding."""

import numpy as np
import pytest
import torch
from torch import nn

from hw_models import ResetMode
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training import (
    ArcTangent,
    Boxcar,
    CubaLif,
    FastSigmoid,
    MultiGaussian,
    Triangular,
)
from ssdp_neuro.training.layers import lif_scan

GRID = WeightGrid(weight_exponent=0, threshold=40)
CASES = {
    "plain": {},
    "subtract": {"reset": ResetMode.SUBTRACT},
    "detached": {"detach_reset": True, "reset": ResetMode.SUBTRACT},
    "detached zero": {"detach_reset": True},
    "refractory": {"refractory": 2},
    "refractory subtract": {"refractory": 1, "reset": ResetMode.SUBTRACT},
    "prompt": {"latency": 0},
    "learned": {"learn_current_decay": True, "learn_voltage_decay": True},
    "learned refractory": {"learn_voltage_decay": True, "refractory": 2, "latency": 0},
    "recurrent": {"recurrent": True},
    "recurrent prompt": {"recurrent": True, "latency": 0, "refractory": 1},
    "recurrent learned": {"recurrent": True, "learn_current_decay": True},
}
SURROGATES = [FastSigmoid(), ArcTangent(), Boxcar(), Triangular(1.5, 0.3), MultiGaussian()]


def layer(integers, *, per_neuron=False, recurrent=False, n=6, seed=1, **settings):
    random = np.random.default_rng(seed)
    decay = random.integers(100, 900, n) if per_neuron else 600
    linear = None
    if recurrent:
        linear = nn.Linear(n, n, bias=False)
        weights = random.normal(0, 0.4, (n, n))
        linear.weight.data = torch.tensor(np.rint(weights * 40) if integers else weights).float()
    neurons = CubaLif(current_decay=2000, voltage_decay=decay, recurrent=linear, **settings)
    neurons.grid = GRID if integers else None
    return neurons if integers else neurons.double()


def currents(integers, shape=(3, 14, 6), seed=0):
    values = torch.tensor(np.random.default_rng(seed).normal(0.25, 0.4, shape))
    return (values * 40).round().float() if integers else values


def loop(neurons, given):
    state, spikes = None, []
    for x in given.unbind(1):
        fired, state = neurons.step(x, state)
        spikes.append(fired)
    return torch.stack(spikes, 1)


def gradients(run, neurons, given):
    given = given.clone().requires_grad_()
    neurons.zero_grad()
    fired = run(neurons, given)
    weight = torch.tensor(np.random.default_rng(5).normal(size=fired.shape)).to(fired)
    (fired * weight).sum().backward()
    return fired.detach(), [given.grad, *(p.grad for p in neurons.parameters())]


@pytest.mark.parametrize("integers", [False, True], ids=["real", "integers"])
@pytest.mark.parametrize("case", CASES)
def test_scan__spikes_and_gradients_are_those_of_the_loop(case, integers):
    neurons = layer(integers, per_neuron="learned" in case, **CASES[case])
    given = currents(integers)
    assert lif_scan.can_scan(given, neurons.surrogate)
    fused, found = gradients(lambda n, x: n(x), neurons, given)
    stepped, expected = gradients(loop, neurons, given)
    assert 20 < fused.sum() < 200
    assert torch.equal(fused, stepped)
    for one, other in zip(found, expected, strict=True):
        assert other.abs().max() > 0
        rtol = 1e-4 if integers else 1e-9  # float32, and float64 where nothing is rounded
        assert torch.allclose(one, other, rtol=rtol, atol=rtol * float(other.abs().max()))


@pytest.mark.parametrize("surrogate", SURROGATES, ids=lambda s: type(s).__name__)
def test_scan__has_the_slope_of_every_surrogate(surrogate):
    neurons = layer(False, surrogate=surrogate)
    _, found = gradients(lambda n, x: n(x), neurons, currents(False))
    _, expected = gradients(loop, neurons, currents(False))
    assert expected[0].abs().max() > 0
    assert torch.allclose(found[0], expected[0], rtol=1e-9, atol=1e-12)


def test_scan__is_the_same_on_several_threads_and_beyond_one_chunk(monkeypatch):
    monkeypatch.setattr(lif_scan, "SMALL", 1)
    neurons = CubaLif(current_decay=2000, voltage_decay=300, learn_voltage_decay=True)
    given = currents(False, (5, 4, 3, 700)).float()
    before = torch.get_num_threads()
    runs = []
    for n_threads in (1, 3):
        torch.set_num_threads(n_threads)
        x = given.clone().requires_grad_()
        neurons.zero_grad()
        fired = neurons(x)
        fired.square().sum().backward()
        runs.append((fired.detach(), x.grad, neurons.decay_of_voltage.logit.grad))
    torch.set_num_threads(before)
    assert torch.equal(runs[0][0], loop(neurons, given).detach())
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))


def test_scan__keeps_nothing_without_gradients():
    neurons = layer(False, **CASES["recurrent"])
    with torch.no_grad():
        assert torch.equal(neurons(currents(False)), loop(neurons, currents(False)))


def test_scan__in_float32_and_half_precision():
    neurons = layer(False, learn_current_decay=True).float()
    given = currents(False).float()
    assert torch.equal(neurons(given), loop(neurons, given))
    half = neurons(given.bfloat16())
    assert half.dtype == torch.bfloat16
    assert torch.equal(half.float(), neurons(given.bfloat16().float()))
