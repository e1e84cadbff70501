"""Networks that cannot fire are refused, and those that do not are named."""

import dataclasses
import warnings
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from hw_models import InputError
from ssdp_neuro.data import DataSettings, Subset, from_arrays, load
from ssdp_neuro.training import (
    CubaLif,
    DelayedLinear,
    SpikingNetwork,
    feed_forward,
    fit,
)
from ssdp_neuro.training.run.data_check import MissingClassWarning
from ssdp_neuro.training.silence import SilenceWarning, first_silent_layer
from tests.ssdp_neuro.training.run.made_runs import (
    N_CLASSES,
    N_INPUTS,
    N_STEPS,
    OwnNetwork,
    ToySpikes,
    toy_config,
    toy_split,
)

PLAIN = {"rule__kind": "none", "model__quantize_from_epoch": None, "training__epochs": 1}


def trained(data=None, model=None, **changes):
    config = toy_config(**{**PLAIN, **changes})
    return fit(config, data=data or toy_split(), model=model, show_progress=False)


def delayed(delay, latency):
    """Two layers that take a known number of steps, and fire as early as they can."""
    layers = OrderedDict(
        to_hidden=DelayedLinear(N_INPUTS, 8, delays=np.arange(N_INPUTS) % 2 + delay),
        hidden=CubaLif(current_decay=4095, voltage_decay=0, threshold=0.1, latency=latency),
        to_output=nn.Linear(8, N_CLASSES, bias=False),
        output=CubaLif(current_decay=4095, voltage_decay=0, threshold=0.1),
    )
    for name in ("to_hidden", "to_output"):
        nn.init.ones_(layers[name].weight)
    return SpikingNetwork(layers)


@pytest.mark.parametrize(("delay", "latency"), [(0, 1), (3, 1), (0, 0), (2, 0)])
def test_refuse_too_few_steps__just_those_in_which_the_output_cannot_fire(delay, latency):
    model = delayed(delay, latency)
    way = delay + latency + 1
    for n_steps in (way, way + 1):
        spikes = torch.ones(1, n_steps, N_INPUTS)
        can_fire = bool(model(spikes).any())
        assert can_fire == (n_steps > way)
        data = from_arrays(spikes.bool().numpy(), np.zeros(1, dtype=np.int64))
        if can_fire:
            trained(data, model, training__dropped_spikes=0)
            continue
        words = rf"steps: {way}; 2 layers .* first {way} steps.* {way + 1} are needed"
        with pytest.raises(InputError, match=words):
            trained(data, model)


def test_fit__refuses_fewer_steps_than_the_layers_need():
    with pytest.raises(InputError, match=r"\[data\] n_steps: 6; 6 layers"):
        trained(model__hidden=[10] * 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SilenceWarning)
        trained(model__hidden=[10] * 5, model__latency=0)


@pytest.mark.parametrize(
    ("thresholds", "layer"),
    [((1e3, 1.0, 1.0), "hidden1"), ((0.1, 1e3, 1.0), "hidden2"), ((0.1, 0.1, 1e3), "output")],
)
def test_fit__an_epoch_without_an_output_spike_names_the_first_silent_layer(thresholds, layer):
    def silent():
        made = feed_forward((N_INPUTS, 8, 8, N_CLASSES), gain=9.0, current_decay=4095,
                            voltage_decay=0)  # fmt: skip
        for neurons, threshold in zip(list(made.children())[1::2], thresholds, strict=True):
            neurons.threshold = threshold
        return made

    words = rf"epoch 0: no output neuron fired.*silent layer is '{layer}'\..*threshold"
    with pytest.warns(SilenceWarning, match=words) as said:
        result = trained(model=silent(), training__epochs=3)
    assert len(said) == 1
    assert result.history[2].loss == pytest.approx(np.log(N_CLASSES))
    assert result.model.training is False
    data = toy_split().train
    with pytest.warns(SilenceWarning, match=words):
        trained(Subset(dataset=data, places=np.arange(30)), silent(), training__epochs=2)


def test_fit__the_transformers_neurons_are_named_too():
    from ssdp_neuro.training import SpikingTransformer

    model = SpikingTransformer((N_INPUTS,), N_CLASSES, channels=4, blocks=1)
    spikes = torch.as_tensor(toy_split().train.spikes([0, 1, 2])).float()
    for module in model.modules():
        if hasattr(module, "threshold"):
            module.threshold = 1e-6
    assert first_silent_layer(model, spikes) is None
    model.blocks[0].fire_again.threshold = 1e9
    assert first_silent_layer(model.train(), spikes) == "blocks.0.fire_again"
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert first_silent_layer(OwnNetwork(), spikes) is None
    assert first_silent_layer(model, spikes * 0) == "input"


class Quiet(ToySpikes):
    """Spikes in one sample alone, or in none."""

    loud = None

    def spikes(self, indices, *, epoch=0):
        spikes = np.zeros((len(indices), N_STEPS, N_INPUTS), dtype=bool)
        spikes[np.asarray(indices) == self.loud] = True
        return spikes


def test_fit__refuses_data_of_silence_only():
    silent = Quiet(50, 1)
    with pytest.raises(InputError, match=r"train\.spikes: none of the 50 samples has a spike"):
        trained(dataclasses.replace(toy_split(), train=silent))
    silent.loud = 49
    trained(dataclasses.replace(toy_split(), train=silent), model__threshold=0.1)


def test_fit__says_which_classes_have_no_training_sample():
    data = ToySpikes(30, 1)
    data.labels = np.where(data.labels == 1, 0, data.labels)
    with pytest.warns(MissingClassWarning, match=r"no sample of 1 of the 3 classes \(b\)"):
        trained(dataclasses.replace(toy_split(), train=data))
    parts = {}
    for name, part in zip(("train", "validation", "test"), toy_split().parts, strict=True):
        part.n_classes = 20
        parts[name] = part
    many = dataclasses.replace(toy_split(0), class_names=tuple("abcdefghijklmnopqrst"), **parts)
    with pytest.warns(MissingClassWarning, match=r"17 of the 20 classes \(d, e, f, g, h, \.\.\.\)"):
        trained(many)


def test_load__refuses_a_stray_label_that_would_make_classes_by_the_thousand(tmp_path):
    labels = np.arange(60) % 3
    spikes = np.ones((60, 4, 5), dtype=bool)
    settings = DataSettings(name="npz", folder=str(tmp_path / "x.npz"), n_steps=4)
    np.savez(settings.folder, spikes=spikes, labels=np.where(labels == 2, 59, labels))
    assert load(settings).n_classes == 60
    np.savez(settings.folder, spikes=spikes, labels=np.where(np.arange(60) == 7, 60000, labels))
    with pytest.raises(InputError, match=r"label 60000; 60 samples .* allow 0\.\.59.*'classes'"):
        load(settings)
