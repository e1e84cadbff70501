"""Rates of one pass are the shares of steps in which the neurons themselves fire."""

import numpy as np
import pytest
import torch
from torch import nn

from hw_models import InputError, ResetMode
from ssdp_neuro.training import CubaLif, SpikingNetwork, quantize
from ssdp_neuro.training.layers.surrogate import ArcTangent
from ssdp_neuro.training.networks.rate_pass import output_drive, refuse_without_rates
from tests.ssdp_neuro.training.models import dense_model
from tests.ssdp_neuro.training.run.made_runs import toy_config
from tests.ssdp_neuro.training.run.test_fit import trained

NEURON = {
    "current_decay": 4095,
    "voltage_decay": 0,
    "reset": ResetMode.SUBTRACT,
    "latency": 0,
}
PLAIN = {
    "rule__kind": "none",
    "model__quantize_from_epoch": None,
    "model__current_decay": 4095,
    "model__voltage_decay": 0,
    "model__latency": 0,
    "training__rate_epochs": 6,
}


def constant(shape, n_steps, seed=0):
    """Spikes that are the same in every step."""
    once = np.random.default_rng(seed).random((5, 1, *shape)) < 0.4
    return torch.tensor(np.repeat(once, n_steps, axis=1), dtype=torch.float32)


@pytest.mark.parametrize("n_steps", [1, 4, 13])
@pytest.mark.parametrize("bias", [None, 0.3, -0.2])
def test_output_drive__of_rates_that_are_those_of_neurons_given_the_same_in_every_step(
    bias, n_steps
):
    settings = {**NEURON, "threshold": 0.7, "bias": bias}
    linear = dense_model((12, 40), gain=2.0, **settings)
    kernels = nn.Conv2d(2, 6, 3, padding=1, bias=False)
    conv = SpikingNetwork(kernels, CubaLif(**settings), nn.Flatten(), input_shape=(2, 5, 5))
    for model in (linear, conv):
        n_features = model(constant(model.input_shape, n_steps)).shape[2]
        heard = [*model, nn.Linear(n_features, n_features, bias=False), CubaLif(**NEURON)]
        listened = SpikingNetwork(*heard, input_shape=model.input_shape)
        with torch.no_grad():
            listened[-2].weight.copy_(torch.eye(n_features))  # the rates, as they are
        refuse_without_rates(listened)
        spikes = constant(model.input_shape, n_steps)
        rates, fired = output_drive(listened, spikes), model(spikes).sum(1)
        assert (rates * n_steps).round().tolist() == fired.tolist()
        assert len(rates.unique()) > 2 or n_steps == 1


def test_output_drive__exact_multiples_count_only_what_goes_beyond_the_threshold():
    n_steps = 8
    model = SpikingNetwork(
        nn.Linear(1, 2 * n_steps, bias=False), CubaLif(**NEURON, threshold=1.0),
        nn.Linear(2 * n_steps, 2 * n_steps, bias=False), CubaLif(**NEURON, threshold=1.0),
    )  # fmt: skip
    eighths = torch.arange(1, 2 * n_steps + 1)  # exact in float32, and so is every sum of them
    with torch.no_grad():
        model[0].weight.copy_(eighths[:, None] / n_steps)
        model[2].weight.copy_(torch.eye(2 * n_steps))
    spikes = torch.ones(1, n_steps, 1)
    counts = (eighths - 1).clamp(max=n_steps).tolist()  # a state equal to the threshold is silent
    assert (output_drive(model, spikes)[0] * n_steps).tolist() == counts
    assert model[:2](spikes.reshape(1, n_steps, 1)).sum(1)[0].tolist() == counts


def test_output_drive__gradient_is_one_within_and_the_surrogate_s_beyond():
    neurons = CubaLif(**NEURON, threshold=2.0, surrogate=ArcTangent())
    model = SpikingNetwork(
        nn.Linear(1, 5, bias=False), neurons, nn.Linear(5, 1, bias=False), CubaLif(**NEURON)
    )
    given = torch.tensor([-1.0, -0.25, 0.4, 1.0, 1.5])  # thresholds
    with torch.no_grad():
        model[0].weight.copy_(2.0 * given[:, None])
        model[2].weight.fill_(1.0)
    output_drive(model, torch.ones(1, 4, 1)).sum().backward()
    beyond = torch.tensor([-1.0, -0.25, 0.0, 0.0, 0.5])
    assert torch.allclose(model[0].weight.grad[:, 0], ArcTangent().slope(beyond) / 2.0)


def test_fit__learns_by_rates_and_then_in_spikes():
    run = {"training__epochs": 9, "model__quantize_from_epoch": 8, "training__dropped_spikes": 0.0}
    by_rates, in_spikes = (
        trained(toy_config(**{**PLAIN, **run, "training__rate_epochs": n})).history for n in (6, 0)
    )
    losses = [record.loss for record in by_rates]
    assert losses[5] < 0.7 * losses[0]
    assert losses[8] < 0.7 * losses[0]
    assert by_rates[8].quantized
    assert losses[0] != in_spikes[0].loss


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__voltage_decay": 100}, r"hidden.voltage_decay: 100; rates need 0"),
        ({"model__reset": "zero"}, r"hidden.reset: .*; rates need SUBTRACT"),
        ({"model__latency": 1}, r"hidden.latency: 1; rates need 0"),
        ({"model__kind": "recurrent"}, r"hidden.recurrent: .*; rates need None"),
        ({"model__learn_decays": True}, r"hidden.decay_of_current: it is learned"),
        ({"model__learned_delays": "per-axon"}, r"to_hidden: DelayedLinear; it has no rates"),
        ({"model__quantize_from_epoch": 3}, "not together with .*quantize_from_epoch before"),
        ({"training__loss": "latency"}, 'not together with .* = "latency"'),
        ({"training__compile": True}, "not together with .* compile"),
        ({"rule__kind": "ssdp"}, "not together with a rule"),
    ],
)
def test_fit__refuses_rates_that_mean_nothing(changes, message):
    with pytest.raises(InputError, match=f"rate_epochs: {message}"):
        trained(toy_config(**{**PLAIN, **changes}))


def test_refuse_without_rates__of_integers_and_of_other_modules():
    model = dense_model(**NEURON)
    quantize(model)
    with pytest.raises(InputError, match="to_hidden: ParametrizedLinear; it has no rates"):
        refuse_without_rates(model)
    with pytest.raises(InputError, match="Linear: only a SpikingNetwork has rates"):
        refuse_without_rates(nn.Linear(2, 2))
