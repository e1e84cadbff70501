"""e-prop against PyTorch's gradients, in the cases in which both are one."""

import pytest
import torch
from torch import nn

from hw_models import InputError, RangeError, ResetMode, ShapeError
from ssdp_neuro.rules.eprop import (
    Feedback,
    ResetEligibility,
    RunawayWarning,
    StdpLif,
    gradient,
    run_neurons,
)
from ssdp_neuro.training import (
    Adaptation,
    CubaLif,
    SpikingNetwork,
    Triangular,
    feed_forward,
    quantize,
    recurrent,
)
from ssdp_neuro.training.networks.eprop_eligibility import ResetCredit
from ssdp_neuro.training.networks.eprop_feedback import EpropFeedback
from ssdp_neuro.training.networks.eprop_gradient import (
    add_eprop_gradient,
    eprop_layers,
    output_by_steps,
    warn_of_runaway,
)

BOTH = ("eprop", "bptt")


def gradients(model, spikes, signal, how, credit=None):
    model.zero_grad()
    if how == "bptt":
        (model(spikes) * signal).sum().backward()
    else:
        add_eprop_gradient(model, spikes, signal, credit=credit)
    return [weight.grad.clone() for weight in model.parameters() if weight.requires_grad]


def example(model, seed=0, n_steps=30):
    generator = torch.Generator().manual_seed(seed)
    model.double()
    n_in, n_out = (
        model[0].in_features,
        [m for m in model.children() if isinstance(m, nn.Linear)][-1].out_features,
    )
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


EXACT = ResetCredit(eligibility=ResetEligibility.EXACT)
ALIF = {"adaptation": Adaptation(kept=0.9, strength=0.4)}
WHOLE = {
    "alif": ALIF,
    "late": {**ALIF, "latency": 0},
    "bias": {"bias": [0.1, 0.0, -0.1, 0.2, 0.05]},
    "alif, one bias": {**ALIF, "bias": 0.1},
    "alif, held": {**ALIF, "bias": 0.1, "refractory": 2},
    "to zero": {"reset": ResetMode.ZERO},
    "alif to zero, held": {**ALIF, "bias": 0.1, "reset": ResetMode.ZERO, "refractory": 3},
}


@pytest.mark.parametrize("name", WHOLE)
def test_one_layer__has_the_whole_gradient_with_the_exact_eligibility(name):
    model = feed_forward((7, 5), **{**SUBTRACT, **WHOLE[name]})
    spikes, signal = example(model, n_steps=80)
    assert model(spikes).sum() > 40
    assert_equal(*(gradients(model, spikes, signal, how, EXACT) for how in BOTH), 1e-9)


def test_recurrent_adaptive_layer__lacks_only_the_way_through_its_own_spikes():
    model = recurrent((7, 5, 3), **SUBTRACT, **ALIF)
    model = SpikingNetwork(model.to_hidden, model.hidden)
    spikes, signal = example(model, n_steps=80)
    model[1].recurrent.register_forward_pre_hook(lambda module, given: (given[0].detach(),))
    assert_equal(*(gradients(model, spikes, signal, how) for how in BOTH), 1e-9)


@pytest.mark.parametrize("kind", ResetEligibility)
def test_one_layer__is_the_rule_on_arrays(kind):
    """Of the rules' STDP-LIF, whose eligibility is checked against complex steps."""
    credit = ResetCredit(eligibility=kind, psi_refractory=-0.1)
    rule = StdpLif(alpha=0.875, refractory=3, psi_refractory=-0.1, reset_eligibility=kind)
    model = feed_forward(
        (7, 5),
        current_decay=4095,
        voltage_decay=512,
        refractory=3,
        latency=0,
        surrogate=Triangular(height=0.3),
        gain=2.0,
    )
    spikes, signal = example(model, n_steps=80)
    run = run_neurons(rule, model[0].weight.detach(), spikes)
    assert torch.equal(run.spikes, model(spikes))
    assert run.spikes.sum() > 40
    found = gradients(model, spikes, signal, "eprop", credit)
    assert_equal(found, [gradient(rule, run, signal)], 1e-9)
    other = gradients(model, spikes, signal, "eprop")
    assert not torch.allclose(found[0], other[0], rtol=0.01)


def test_long_runs__stay_bounded():
    """Ten times the steps, ten times the gradient and no more: no trace grows."""
    sizes = []
    for n_steps in (300, 3000):
        model = recurrent((7, 6, 3), **SUBTRACT, **ALIF, bias=0.1, recurrent_gain=1.0)
        spikes, signal = example(model, n_steps=n_steps)
        found = gradients(model, spikes, signal.abs() * 0 + 1, "eprop")
        sizes.append(max(float(one.abs().max()) for one in found))
    assert 0 < sizes[1] < 20 * sizes[0]


@pytest.mark.parametrize(
    ("settings", "credit", "message"),
    [
        ({"reset": ResetMode.SUBTRACT}, {"eligibility": ResetEligibility.TIME_STAMP}, "stamps"),
        ({"refractory": 0}, {"psi_refractory": -0.1}, "refractory 0; a psi_refractory needs"),
        ({"reset": ResetMode.SUBTRACT, "refractory": 2}, {"psi_refractory": -0.1}, "SUBTRACT"),
    ],
)
def test_credit__that_neurons_cannot_have_is_refused(settings, credit, message):
    model = feed_forward((2, 2), current_decay=1, voltage_decay=1, **settings)
    with pytest.raises(InputError, match=message):
        eprop_layers(model, ResetCredit(**credit))
    with pytest.raises(RangeError, match=r"psi_refractory: 0\.5"):
        ResetCredit(psi_refractory=0.5)


def test_credit__warns_where_it_can_run_away():
    model = feed_forward((2, 2), current_decay=1, voltage_decay=1, refractory=2)
    warn_of_runaway(eprop_layers(model, ResetCredit(psi_refractory=-0.5)))
    with pytest.warns(RunawayWarning, match="psi_refractory -0.6 is below half"):
        warn_of_runaway(eprop_layers(model, ResetCredit(psi_refractory=-0.6)))


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
    model = recurrent(
        (9, 8, 3), current_decay=800, voltage_decay=300, refractory=2, gain=3.0, bias=0.03, **ALIF
    )
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
        (SpikingNetwork(nn.Linear(2, 2), CubaLif(current_decay=1, voltage_decay=1)), "of CubaLif"),
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
