import numpy as np
import pytest
import torch
from torch import nn

from hw_models import RangeError, ShapeError, TypeMismatchError
from ssdp_neuro.training import (
    CubaLif,
    DelayedLinear,
    DelayWindow,
    SpikingNetwork,
    narrow_delay_windows,
    quantize,
)

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


LEARNED = {"synapses": (3, 4), "axons": (4,), "targets": (3, 1), "all": ()}


def learned(kind, *, seed=0, longest=5, **settings):
    random = np.random.default_rng(seed)
    delays = random.uniform(0.1, longest - 0.1, LEARNED[kind])
    torch.manual_seed(seed)
    return DelayedLinear(4, 3, delays=delays, learned=True, longest=longest, **settings).double()


def shares_by_hand(window, delay, width, longest):
    steps = np.arange(longest + 1)
    if window is DelayWindow.GAUSSIAN:
        heights = np.exp(-(((steps - delay) / width) ** 2) / 2)
    else:
        heights = np.maximum(0, 1 - np.abs(steps - delay) / width)
    return heights / heights.sum()


def spread_by_hand(synapses, spikes):
    weight = synapses.weight.detach().numpy()
    delays = np.broadcast_to(synapses.delay.detach().numpy(), (3, 4))
    made = np.zeros((*spikes.shape[:2], 3))
    for b, t, pre in np.argwhere(spikes != 0):
        for post in range(3):
            shares = shares_by_hand(
                synapses.window, delays[post, pre], float(synapses.width), synapses.longest
            )
            for late, share in enumerate(shares[: spikes.shape[1] - t]):
                made[b, t + late, post] += weight[post, pre] * share
    return made


@pytest.mark.parametrize("window", DelayWindow)
@pytest.mark.parametrize("kind", LEARNED)
def test_learned_delays__spread_in_training_and_rounded_in_evaluation(kind, window):
    synapses = learned(kind, window=window)
    spikes = (np.random.default_rng(1).random((2, 10, 4)) < 0.4).astype(float)
    given = torch.tensor(spikes)
    for share in (0.0, 0.3, 1.0):
        narrow_delay_windows(synapses, share)
        made = synapses(given)
        assert np.allclose(made.detach().numpy(), spread_by_hand(synapses, spikes), atol=1e-12)
        state, stepped = None, []
        for now in given.unbind(1):
            out, state = synapses.step(now, state)
            stepped.append(out)
        assert torch.allclose(torch.stack(stepped, 1), made, atol=1e-12)
    assert float(synapses.width) == window.narrowest
    rounded = np.rint(synapses.delay.detach().numpy())
    assert (synapses.delays.numpy() == np.broadcast_to(rounded, (3, 4))).all()
    made = synapses.eval()(given).detach().numpy()
    assert np.allclose(made, by_hand(synapses, spikes), atol=1e-12)


@pytest.mark.parametrize("window", DelayWindow)
@pytest.mark.parametrize("kind", LEARNED)
def test_learned_delays__gradients_are_those_of_finite_differences(kind, window):
    synapses = learned(kind, window=window)
    narrow_delay_windows(synapses, 0.2)
    spikes = torch.rand(2, 7, 4, dtype=torch.float64, requires_grad=True)

    def arriving(delay, weight, spikes):
        given = {"delay": delay, "weight": weight}
        return torch.func.functional_call(synapses, given, (spikes,))

    given = (synapses.delay, synapses.weight, spikes)
    assert torch.autograd.gradcheck(arriving, given, atol=1e-9, rtol=1e-6)


def test_learned_delays__at_an_end_only_the_way_back_has_a_gradient():
    synapses = DelayedLinear(2, 1, delays=[0.0, 4.0], learned=True, longest=4)
    nn.init.ones_(synapses.weight)
    narrow_delay_windows(synapses, 0.4)
    spikes = torch.tensor([[1.0, 1.0], *[[0.0, 0.0]] * 5])[None]
    inward = -synapses(spikes)[0, 2, 0]  # less of it if both came after two steps
    (slope,) = torch.autograd.grad(inward, synapses.delay)
    assert slope[0, 0] < 0 < slope[0, 1]
    (slope,) = torch.autograd.grad(synapses(spikes)[0, 2, 0], synapses.delay)
    assert slope[0].tolist() == [0.0, 0.0]


def test_learned_delays__on_the_grid_spikes_are_whole_and_the_gradient_is_the_windows():
    model = SpikingNetwork(
        DelayedLinear(4, 3, delays=[[0.4, 2.6, 3.4, 1.6]], learned=True, longest=4),
        CubaLif(current_decay=4095, voltage_decay=4095),
    )
    quantize(model)
    model.train()
    spikes = (torch.rand(2, 9, 4) < 0.4).float()
    in_training = model[0](spikes)
    (in_training * torch.arange(9.0)[:, None]).sum().backward()
    assert bool((model[0].delay.grad != 0).all())
    assert torch.equal(in_training, model[0].eval()(spikes))
    assert torch.equal(in_training, in_training.round())


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"delays": 5.5, "longest": 5}, RangeError, r"delays: 5\.5\.\.5\.5; allowed 0\.\.5"),
        ({"delays": float("nan")}, RangeError, r"delays: nan"),
        ({"delays": "late"}, TypeMismatchError, r"delays: .*real numbers"),
        ({"delays": [1.0, 2.0]}, ShapeError, r"delays: shape \(2,\)"),
        ({"delays": 1.0, "longest": 64}, RangeError, r"longest: 64"),
        ({"delays": 1.0, "window": "gaussian"}, TypeMismatchError, r"window"),
    ],
)
def test_learned_delays__refuse_what_cannot_be(settings, error, words):
    with pytest.raises(error, match=rf"DelayedLinear\.{words}"):
        DelayedLinear(4, 3, learned=True, **settings)
