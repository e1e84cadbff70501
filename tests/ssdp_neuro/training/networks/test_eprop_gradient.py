"""e-prop against PyTorch's gradients, in the cases in which both are one."""

import pytest
import torch
from torch import nn

from hw_models import InputError, ResetMode, ShapeError
from ssdp_neuro.rules.eprop import Feedback
from ssdp_neuro.training import (
    Adaptation,
    CubaLif,
    SpikingNetwork,
    feed_forward,
    quantize,
    recurrent,
)
from ssdp_neuro.training.networks.eprop_feedback import EpropFeedback
from ssdp_neuro.training.networks.eprop_gradient import (
    add_eprop_gradient,
    eprop_layers,
    output_by_steps,
)


def gradients(model, spikes, signal, how):
    model.zero_grad()
    if how == "bptt":
        (model(spikes) * signal).sum().backward()
    else:
        add_eprop_gradient(model, spikes, signal)
    return [weight.grad.clone() for weight in model.parameters() if weight.requires_grad]


def example(model, seed=0, n_steps=30):
    generator = torch.Generator().manual_seed(seed)
    model.double()
    n_in, n_out = model[0].in_features, [*model.children()][-2].out_features
    spikes = (torch.rand(4, n_steps, n_in, generator=generator) < 0.3).double()
    return spikes, torch.randn(4, n_steps, n_out, generator=generator).double()


SUBTRACT = {
    "current_decay": 1000,
    "voltage_decay": 400,
    "reset": ResetMode.SUBTRACT,
    "detach_reset": True,
    "gain": 2.0,
}


def assert_equal(found, expected, near):
    for one, other in zip(found, expected, strict=True):
        assert other.abs().max() > 1e-3
        assert torch.allclose(one, other, rtol=near, atol=near * float(other.abs().max()))


@pytest.mark.parametrize("latency", [0, 1])
def test_one_layer__has_the_whole_gradient(latency):
    model = feed_forward((7, 5), **SUBTRACT, latency=latency)
    spikes, signal = example(model)
    assert model(spikes).sum() > 20
    assert_equal(*(gradients(model, spikes, signal, how) for how in ("eprop", "bptt")), 1e-9)


def test_recurrent_layer__lacks_only_the_way_through_its_own_spikes():
    model = feed_forward((7, 5), **SUBTRACT)
    own = nn.Linear(5, 5, bias=False)
    own.weight.data.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(1))
    model[1].recurrent = own
    spikes, signal = example(model)
    found = gradients(model, spikes, signal, "eprop")
    whole = gradients(model, spikes, signal, "bptt")
    own.register_forward_pre_hook(lambda module, given: (given[0].detach(),))
    assert_equal(found, gradients(model, spikes, signal, "bptt"), 1e-9)
    assert not torch.allclose(found[0], whole[0], rtol=0.01)


@pytest.mark.parametrize("latency", [0, 1])
def test_hidden_layers__have_the_whole_gradient_where_later_ones_have_no_memory(latency):
    model = feed_forward((7, 6, 5, 4), **SUBTRACT, latency=latency)
    forgetting = {**SUBTRACT, "current_decay": 4095, "voltage_decay": 4095, "latency": latency}
    del forgetting["gain"]
    for place in (3, 5):
        model[place] = CubaLif(**forgetting, threshold=0.2)
        model[place - 1].weight.data.abs_()
    spikes, signal = example(model)
    assert model(spikes).sum() > 20
    # a potential keeps 1/4096
    assert_equal(*(gradients(model, spikes, signal, how) for how in ("eprop", "bptt")), 2e-3)


def test_feedback__is_what_errors_come_down_through():
    """PyTorch with layers that go forth by their weights and back by others."""
    model = feed_forward((7, 6, 5, 4), **SUBTRACT)
    forgetting = {**SUBTRACT, "current_decay": 4095, "voltage_decay": 4095}
    del forgetting["gain"]
    for place in (3, 5):
        model[place] = CubaLif(**forgetting, threshold=0.2)
        model[place - 1].weight.data.abs_()
    spikes, signal = example(model)
    back = EpropFeedback(model, Feedback.RANDOM, 3).weights
    assert [tuple(one.shape) for one in back] == [(5, 6), (4, 5)]
    model.zero_grad()
    add_eprop_gradient(model, spikes, signal, back)
    found = [weight.grad.clone() for weight in model.parameters()]
    own = gradients(model, spikes, signal, "eprop")
    assert not torch.allclose(found[0], own[0], rtol=0.1)
    for place, weights in zip((2, 4), back, strict=True):

        def other_way(module, given, made, weights=weights):
            returning = given[0] @ weights.T
            return given[0].detach() @ module.weight.T + returning - returning.detach()

        model[place].register_forward_hook(other_way)
    assert_equal(found, gradients(model, spikes, signal, "bptt"), 2e-3)


def test_feedback__adaptive_comes_to_the_weights_as_both_decay():
    model, decay = feed_forward((4, 5, 3), current_decay=1, voltage_decay=1).double(), 0.1
    adaptive, random = (EpropFeedback(model, kind, 0) for kind in list(Feedback)[:0:-1])
    weight, generator = model[2].weight.data, torch.Generator().manual_seed(0)
    apart, first = adaptive.weights[0] - weight, random.weights[0].clone()
    assert torch.equal(first, adaptive.weights[0])
    for _ in range(20):
        for feedback in (adaptive, random):
            feedback.before_step()
        weight.mul_(1 - decay).add_(torch.randn(weight.shape, generator=generator).double())
        for feedback in (adaptive, random):
            feedback.after_step(decay)
    assert torch.allclose(adaptive.weights[0] - weight, apart * 0.9**20, atol=1e-12)
    assert torch.equal(random.weights[0], first)


def test_step__is_the_layer_itself():
    """Reset to zero, refractory periods and recurrence: the same spikes as the network's own."""
    model = recurrent((9, 8, 3), current_decay=800, voltage_decay=300, refractory=2, gain=3.0)
    spikes, signal = example(model)
    layers = eprop_layers(model)
    with torch.no_grad():
        for layer in layers:
            layer.begin(4, signal, 0)
        made = []
        for given in spikes.unbind(1):
            for layer in layers:
                given = layer.step(given)
            made.append(given)
        assert torch.equal(torch.stack(made, 1), model(spikes))
    assert model(spikes).sum() > 10
    assert torch.equal(output_by_steps(model, spikes), model(spikes))
    total = [one + one for one in gradients(model, spikes, signal, "eprop")]
    add_eprop_gradient(model, spikes, signal)
    for weight, twice in zip(model.parameters(), total, strict=True):
        assert torch.allclose(weight.grad, twice)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Linear(2, 2)), "SpikingNetwork"),
        (SpikingNetwork(nn.Linear(2, 2)), "0 is Linear"),
        (SpikingNetwork(nn.Linear(2, 2, bias=False)), "end with a CubaLif"),
        (feed_forward((2, 2), current_decay=[1, 2], voltage_decay=1), "decays of each"),
        (feed_forward((2, 2), current_decay=1, voltage_decay=1, bias=0.0), "a bias"),
        (
            feed_forward(
                (2, 2),
                current_decay=1,
                voltage_decay=1,
                adaptation=Adaptation(kept=0.9, strength=0.1),
            ),
            "an adaptation",
        ),
        (
            feed_forward((2, 2), current_decay=1, voltage_decay=1, learn_voltage_decay=True),
            "learned decays",
        ),
    ],
)
def test_other_models__are_refused(model, message):
    with pytest.raises(InputError, match=message):
        add_eprop_gradient(model, torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))


def test_quantized_models__are_refused():
    model = feed_forward((2, 2), current_decay=1, voltage_decay=1)
    quantize(model)
    with pytest.raises(InputError, match="to_output is Parametrized"):
        add_eprop_gradient(model, torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))


def test_signal__of_another_shape_is_refused():
    model = feed_forward((2, 3), current_decay=1, voltage_decay=1)
    with pytest.raises(ShapeError, match="signal"):
        add_eprop_gradient(model, torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))
