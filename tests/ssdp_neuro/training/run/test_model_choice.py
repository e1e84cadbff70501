import numpy as np
import pytest
import torch

from conversions import from_torch
from hw_models import RangeError
from ssdp_neuro import oracle, simulate
from ssdp_neuro.training import Adaptation, CubaLif, load_model, save_model
from ssdp_neuro.training.run.choices import DelayKind, ModelKind
from ssdp_neuro.training.run.model_choice import make_model
from ssdp_neuro.training.run.settings.model import ModelSettings
from tests.ssdp_neuro.training.run.made_runs import toy_config, toy_split
from tests.ssdp_neuro.training.run.test_fit import trained

KINDS = {
    ModelKind.FEED_FORWARD: [(6,), (5,), (3,)],
    ModelKind.RECURRENT: [(6,), (5,), (3,)],
    ModelKind.CONVOLUTIONAL: [(6, 1, 1), (5, 1, 1), (3,)],
}


def neurons_of(kind, **settings):
    model = make_model(ModelSettings(kind=kind, hidden=(6, 5), **settings), (2, 4, 4), 3, 0)
    return [module for module in model.children() if isinstance(module, CubaLif)]


@pytest.mark.parametrize("kind", KINDS)
def test_make_model__biases_are_by_neuron_or_channel_and_begin_at_0(kind):
    biases = [neurons.bias.value for neurons in neurons_of(kind, bias=True)]
    assert [tuple(bias.shape) for bias in biases] == KINDS[kind]
    assert not any(bool(bias.any()) for bias in biases)
    assert all(neurons.bias is None for neurons in neurons_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_make_model__latency_is_that_of_all_neurons(kind):
    assert [neurons.latency for neurons in neurons_of(kind, latency=0)] == [0, 0, 0]
    assert [neurons.latency for neurons in neurons_of(kind)] == [1, 1, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_make_model__thresholds_of_hidden_neurons_rise(kind):
    rises = Adaptation(kept=0.9, strength=0.3)
    layers = neurons_of(kind, adaptation=0.3, adaptation_kept=0.9)
    assert [neurons.adaptation for neurons in layers] == [rises, rises, None]
    assert not any(neurons.adaptation for neurons in neurons_of(kind))


@pytest.mark.parametrize("kind", ["feed-forward", "recurrent"])
def test_fit__rising_thresholds_become_integers(kind, tmp_path):
    """From the config over integer epochs and a file to a network that spikes as the model does."""
    config = toy_config(
        model__adaptation=0.3, model__adaptation_kept=0.9, model__kind=kind, rule__kind="none"
    )
    model = trained(config, data=toy_split()).model
    assert model.hidden.grid is not None
    save_model(model, tmp_path / "best.safetensors")
    network, report = from_torch(load_model(tmp_path / "best.safetensors"))
    assert network.population("hidden").adapts
    assert not network.population("output").adapts
    spikes = np.random.default_rng(0).random((20, 40, 12)) < 0.4
    with torch.no_grad():
        wanted = model.eval().record(torch.tensor(spikes, dtype=torch.float32))
    for run in (simulate(network, spikes, n_steps=40), oracle.simulate(network, spikes, 40)):
        for name, fired in wanted.items():
            shift = report.shifts[name]
            assert fired.sum() > 20
            assert (run.raster(name)[:, shift:] == fired.numpy()[:, : 40 - shift]).all()


def test_fit__biases_are_learned_also_on_integers():
    config = toy_config(model__bias=True, model__latency=0, rule__kind="none")
    layers = trained(config, data=toy_split()).model
    assert all(bool(layer.bias.value.any()) for layer in (layers.hidden, layers.output))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"longest_delay": 64}, r"\[model\] longest_delay: 64"),
        (
            {"kind": ModelKind.CONVOLUTIONAL, "learned_delays": DelayKind.PER_AXON},
            r"\[model\] learned_delays: 'per-axon'; 'convolutional'",
        ),
        ({"adaptation": -0.1}, r"\[model\] adaptation: -0\.1"),
        ({"adaptation_kept": 0.9}, r"adaptation_kept: 0\.9; without an adaptation"),
        ({"kind": ModelKind.TRANSFORMER, "adaptation": 0.1}, r"\[model\] adaptation: 0\.1; the"),
        ({"latency": 2}, r"\[model\] latency: 2"),
        ({"kind": ModelKind.TRANSFORMER, "bias": True}, r"\[model\] bias: True; the neurons"),
        ({"kind": ModelKind.TRANSFORMER, "latency": 0}, r"\[model\] latency: 0; the neurons"),
    ],
)
def test_model_settings__refuse_what_neurons_do_not_have(settings, words):
    with pytest.raises(RangeError, match=words):
        ModelSettings(**settings)
