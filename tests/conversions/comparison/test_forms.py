"""Every form of every kind of layer: real numbers, integers, and the network's own time."""

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from conversions import from_torch
from conversions.comparison.model_comparison import compare
from conversions.comparison.presentation import sentences
from conversions.execution import Executor
from conversions.execution.pytorch import is_quantized, make_real
from ssdp_neuro.training import CubaLif, DelayedLinear, load_model, quantize, save_model
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork, as_spikes
from tests.ssdp_neuro.training.run.made_runs import N_INPUTS, ToySpikes

DATA = ToySpikes(70, 5)
BIAS, DECAYS = np.linspace(-0.05, 0.1, 8), np.arange(100, 900, 100)
FIRST = {
    "recurrent": {"recurrent": lambda: nn.Linear(8, 8, bias=False)},
    "delayed": {"recurrent": lambda: DelayedLinear(8, 8, delays=np.arange(8) % 3)},
    "learned decays": {
        "voltage_decay": DECAYS,
        "learn_voltage_decay": True,
        "learn_current_decay": True,
    },
    "bias": {"bias": BIAS},
    "no latency": {"latency": 0},
    "no latency, bias and loop": {
        "latency": 0,
        "bias": BIAS,
        "recurrent": lambda: nn.Linear(8, 8, bias=False),
    },
}


def network(kind):
    settings = {"current_decay": 2500, "voltage_decay": 300, **FIRST[kind]}
    if "recurrent" in settings:
        settings["recurrent"] = settings["recurrent"]()
    layers = OrderedDict(
        to_hidden=DelayedLinear(N_INPUTS, 8, delays=np.arange(N_INPUTS) % 4)
        if kind == "delayed"
        else nn.Linear(N_INPUTS, 8, bias=False),
        hidden=CubaLif(**settings),
        to_output=nn.Linear(8, 3, bias=False),
        output=CubaLif(
            current_decay=4095, voltage_decay=300, latency=settings.get("latency", 1), bias=0.01
        ),
    )
    generator = torch.Generator().manual_seed(1)
    model = SpikingNetwork(layers, input_shape=(N_INPUTS,)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("weight"):
                weight.uniform_(-0.3, 0.9, generator=generator)
    return model


@pytest.mark.parametrize("kind", FIRST)
def test_make_real__gives_the_numbers_under_the_integers(kind, tmp_path):
    model, file = network(kind), tmp_path / "model.safetensors"
    integers = copy.deepcopy(model)
    quantize(integers)
    save_model(integers, file)
    real = make_real(load_model(file))
    assert not is_quantized(real)
    before = {name: value.tolist() for name, value in model.state_dict().items()}
    assert {name: value.tolist() for name, value in real.state_dict().items()} == before
    spikes = as_spikes(DATA.spikes(np.arange(70)))
    fired = model(spikes)
    assert 0 < fired.sum() < fired.numel()
    assert real(spikes).tolist() == fired.tolist()


@pytest.mark.parametrize("kind", FIRST)
def test_compare__integers_in_pytorch_are_the_engine_and_lava(kind, tmp_path):
    model, file = network(kind), tmp_path / "model.safetensors"
    quantize(model)
    save_model(model, file)
    found = compare(file, DATA, lava_samples=3)
    for executor in (Executor.PYTORCH_INTEGERS, Executor.LAVA):
        assert set(found.spike_agreement(executor).values()) == {1.0}
    spikes = as_spikes(DATA.spikes(np.arange(70)))
    fired = {name: int(raster.sum()) for name, raster in model.record(spikes).items()}
    counted = found.counts_by_layer(Executor.ENGINE)
    assert {name: round(count * 70) for name, count in counted.items()} == fired


def test_compare__takes_layers_without_latency_at_the_networks_own_steps(tmp_path):
    model, file = network("no latency"), tmp_path / "model.safetensors"
    save_model(model, file)
    _, report = from_torch(model)
    assert dict(report.shifts) == {"input": 0, "hidden": 1, "output": 2}
    found = compare(file, DATA, calibration=ToySpikes(30, 6))
    assert min(found.spike_agreement(Executor.PYTORCH).values()) > 0.9
    assert any("up to 2 steps late on the chip" in sentence for sentence in sentences(found))
    assert not any("late" in note for note in _notes_in_time(tmp_path))


def _notes_in_time(folder):
    save_model(network("bias"), folder / "late.safetensors")
    return compare(folder / "late.safetensors", DATA, n_samples=5).notes
