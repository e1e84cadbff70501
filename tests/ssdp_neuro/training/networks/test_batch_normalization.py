"""Normalised networks, and the same with the normalisation in their weights and biases."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from hw_models import InputError
from ssdp_neuro.training import CubaLif, SpikingNetwork
from ssdp_neuro.training.networks.batch_normalization import BatchNormalization
from ssdp_neuro.training.networks.rate_pass import output_drive
from tests.ssdp_neuro.training.models import dense_model
from tests.ssdp_neuro.training.run.made_runs import toy_config
from tests.ssdp_neuro.training.run.test_fit import trained

N_STEPS = 4
NEURON = {"current_decay": 4095, "voltage_decay": 0, "latency": 0, "threshold": 0.7}
NORMALISED = {
    "rule__kind": "none",
    "model__bias": True,
    "model__quantize_from_epoch": None,
    "training__batch_norm": True,
}


def network(**neurons):
    """A convolution and two matrices, with biases."""
    torch.manual_seed(0)
    neuron = {**NEURON, **neurons}
    biases = np.linspace(0.1, 0.6, 6).reshape(6, 1, 1), np.linspace(0.1, 0.3, 20)
    return SpikingNetwork(
        nn.Conv2d(2, 6, 3, bias=False), CubaLif(**neuron, bias=biases[0]), nn.Flatten(),
        nn.Linear(54, 20, bias=False), CubaLif(**neuron, bias=biases[1]),
        nn.Linear(20, 10, bias=False), CubaLif(**neuron, bias=0.4), input_shape=(2, 5, 5),
    )  # fmt: skip


def spikes(n_samples, seed):
    once = np.random.default_rng(seed).random((n_samples, N_STEPS, 2, 5, 5)) < 0.4
    return torch.tensor(once, dtype=torch.float32)


def moved(normalization):
    with torch.no_grad():
        for parameter in normalization.parameters():
            parameter *= torch.empty_like(parameter).uniform_(-1.5, 1.5)


def test_within__standardises_what_hidden_neurons_are_given_and_no_longer():
    model, seen, drives = network(), spikes(200, 1), {}
    normalization = BatchNormalization(model, 3.0)
    before = model[5](torch.ones(1, 20))
    hooks = [
        model[k].register_forward_pre_hook(lambda _, given, k=k: drives.update({k: given[0]}))
        for k in (1, 4)
    ]
    with normalization.within(model):
        model(seen)
        assert torch.allclose(model[5](torch.ones(1, 20)), before / 3.0)
    for k, axes in ((1, (0, 1, 3, 4)), (4, (0, 1))):
        assert torch.allclose(drives[k].mean(axes), torch.tensor(0.0), atol=1e-6)
        assert torch.allclose(drives[k].std(axes), torch.tensor(0.7), atol=2e-3)
    for hook in hooks:
        hook.remove()
    assert (model[5](torch.ones(1, 20)) == before).all()
    assert not any(module._forward_hooks for module in model)


@pytest.mark.parametrize("by_rates", [False, True])
def test_fold_into__gives_what_the_normalised_network_gives_in_evaluation(by_rates):
    run = output_drive if by_rates else (lambda model, given: model(given))
    model, seen = network(), spikes(200, 1)
    normalization = BatchNormalization(model, 3.0)
    moved(normalization)
    with normalization.within(model):
        for _ in range(60):  # running statistics reach those of the samples
            run(model, seen)
        normalization.eval()
        wanted = run(model, spikes(50, 2))
    folded = copy.deepcopy(model)
    normalization.fold_into(folded)
    assert torch.allclose(run(folded, spikes(50, 2)), wanted, atol=1e-5)
    assert len(wanted.unique()) > 1
    assert not torch.allclose(run(model, spikes(50, 2)), wanted, atol=1e-5)


def test_fit__learns_with_batch_normalisation_and_stores_none():
    run = {"training__epochs": 8, "training__dropped_spikes": 0.0}
    result = trained(toy_config(**{**NORMALISED, **run, "model__quantize_from_epoch": 6}))
    losses = [record.loss for record in result.history]
    assert losses[5] < 0.7 * losses[0]
    assert losses[7] < 0.7 * losses[0]
    kinds = {type(module).__name__ for module in result.model.modules()}
    assert not [kind for kind in kinds if "Norm" in kind]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__bias": False}, "hidden.bias: none; one for each of 10 features"),
        ({"model__learned_delays": "per-axon"}, "DelayedLinear"),
        ({"training__batch_size": 1}, "not together with batches of one sample"),
        ({"training__gradient": "e-prop"}, "not together with .*e-prop"),
        ({"training__compile": True}, "not together with compile"),
        ({"rule__kind": "ssdp"}, "not together with a rule"),
    ],
)
def test_fit__refuses_batch_normalisation_that_cannot_be_folded(changes, message):
    with pytest.raises(InputError, match=f"batch_norm: .*{message}"):
        trained(toy_config(**{**NORMALISED, **changes}))


def test_batch_normalization__refuses_one_bias_for_a_layer_of_many():
    with pytest.raises(InputError, match=r"hidden.bias: of shape \(\); one for each of 8"):
        BatchNormalization(dense_model((12, 8, 3), bias=0.1))
    with pytest.raises(InputError, match="0: no CubaLif after it"):
        BatchNormalization(nn.Sequential(nn.Linear(2, 2)))
