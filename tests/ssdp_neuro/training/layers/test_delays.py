import numpy as np
import pytest
import torch
from torch import nn

from hw_models import RangeError, ShapeError, TypeMismatchError
from ssdp_neuro.training import CubaLif, DelayedLinear, SpikingNetwork

DELAYS = {
    "synapses": np.random.default_rng(0).integers(0, 6, (3, 4)),
    "axons": np.array([0, 7, 2, 2]),
    "targets": np.array([[0], [3], [1]]),
    "none": np.int64(0),
    "beyond the sample": np.int64(63),
}


def by_hand(synapses, spikes):
    weight, delays = synapses.weight.detach().numpy(), synapses.delays.numpy()
    made = np.zeros((*spikes.shape[:2], 3))
    for b, t, pre in np.argwhere(spikes != 0):
        for post in range(3):
            if t + delays[post, pre] < spikes.shape[1]:
                made[b, t + delays[post, pre], post] += weight[post, pre]
    return made


@pytest.mark.parametrize("kind", DELAYS)
def test_delayed_linear__spikes_arrive_when_they_should(kind):
    synapses = DelayedLinear(4, 3, delays=DELAYS[kind]).double()
    spikes = (np.random.default_rng(1).random((2, 10, 4)) < 0.4).astype(float)
    made = synapses(torch.tensor(spikes))
    assert np.allclose(made.detach().numpy(), by_hand(synapses, spikes), atol=1e-12)
    state, stepped = None, []
    for now in torch.tensor(spikes).unbind(1):
        out, state = synapses.step(now, state)
        stepped.append(out)
    assert torch.allclose(torch.stack(stepped, 1), made, atol=1e-12)
    assert state.shape[1] <= synapses.delays.max() + 1


def test_delayed_linear__gradient_reaches_weights_and_spikes():
    synapses = DelayedLinear(4, 3, delays=DELAYS["synapses"]).double()
    spikes = torch.rand(2, 9, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: synapses(x), spikes)
    synapses(spikes).sum().backward()
    assert (synapses.weight.grad != 0).all()


def test_network__gives_delayed_synapses_whole_samples():
    model = SpikingNetwork(
        DelayedLinear(2, 2, delays=4), CubaLif(current_decay=4095, voltage_decay=4095)
    )
    nn.init.constant_(model[0].weight, 2.0)
    assert model(torch.ones(1, 8, 2))[0, :, 0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("delays", "error"),
    [(64, RangeError), (-1, RangeError), (0.5, TypeMismatchError), ([1, 2], ShapeError)],
)
def test_delayed_linear__refuses_delays_that_the_chip_has_not(delays, error):
    with pytest.raises(error, match=r"DelayedLinear\.delays"):
        DelayedLinear(4, 3, delays=delays)
