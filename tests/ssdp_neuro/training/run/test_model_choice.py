import pytest

from hw_models import RangeError
from ssdp_neuro.training import CubaLif
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
        ({"latency": 2}, r"\[model\] latency: 2"),
        ({"kind": ModelKind.TRANSFORMER, "bias": True}, r"\[model\] bias: True; the neurons"),
        ({"kind": ModelKind.TRANSFORMER, "latency": 0}, r"\[model\] latency: 0; the neurons"),
    ],
)
def test_model_settings__refuse_what_neurons_do_not_have(settings, words):
    with pytest.raises(RangeError, match=words):
        ModelSettings(**settings)
