import importlib
import sys

import numpy as np
import pytest
import torch
from torch import nn

import conversions
from conversions import TimeAxis, from_torch
from conversions.pytorch.network.model_reading import read_model
from conversions.pytorch.neurons.registry import supported_neurons
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError
from tests.conversions.pytorch.written_models import leaky, spikes_for


class Squarer(nn.Module):
    """A neuron nobody knows: no memory, fires above one half."""

    def forward(self, x):
        return (x > 0.5).float()


class Doubled(nn.Module):
    """Linear, but written with what looks like it is not."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 12))

    def forward(self, x):
        positive = torch.relu(x @ self.weight.T)
        return positive - torch.relu(-(x @ self.weight.T))


@pytest.fixture
def registry(monkeypatch):
    from conversions.pytorch.neurons import registry

    monkeypatch.setattr(registry, "_neurons", {})
    monkeypatch.setattr(registry, "_synapses", {})


def reading(**settings):
    from conversions.pytorch.neurons.neuron_reading import NeuronReading
    from conversions.real_network import NeuronDynamics

    dynamics = NeuronDynamics(**{"voltage_kept": 0.0, "threshold": 0.5, **settings})
    return lambda module, path, shape: NeuronReading(dynamics=dynamics, time_axis=TimeAxis.STEP)


@pytest.mark.usefixtures("registry")
def test_register_neuron__teaches_a_neuron_and_tests_its_reader():
    model = nn.Sequential(nn.Linear(12, 8), Squarer(), nn.Linear(8, 3), Squarer())
    with pytest.raises(ConversionError, match="no layer of neurons is known"):
        from_torch(model)
    conversions.register_neuron(Squarer, reading())
    spikes = spikes_for((12,))
    found = read_model(model, spikes=spikes)
    assert (simulate_real(found.network, spikes).spikes["3"] == found.sent["3"]).all()
    conversions.register_neuron(Squarer, reading(voltage_kept=0.9))
    with pytest.raises(ConversionError, match="send other spikes than its reader"):
        from_torch(model)


@pytest.mark.usefixtures("registry")
def test_register_synapse__teaches_a_layer_and_tests_its_converter():
    torch.manual_seed(0)
    model = nn.Sequential(Doubled(), leaky())
    spikes = spikes_for((12,))
    with pytest.raises(ConversionError, match=r"0 \(Doubled\): relu"):
        read_model(model, spikes=spikes)

    def as_linear(module, path, factor=1.0):
        linear = nn.Linear(12, 8, bias=False)
        linear.weight = nn.Parameter(factor * module.weight.detach())
        return linear

    conversions.register_synapse(Doubled, as_linear)
    found = read_model(model, spikes=spikes)
    weights = found.network.projections[0].map.weights
    assert np.allclose(weights, model[0].weight.detach().numpy(), rtol=1e-6)
    conversions.register_synapse(Doubled, lambda module, path: as_linear(module, path, 2.0))
    with pytest.raises(ConversionError, match="0: the converter of Doubled gives a layer that"):
        read_model(model, spikes=spikes)


FRAMEWORK = '''
from torch import nn

class Squarer(nn.Module):
    """A neuron of a framework nobody here knows."""

    def forward(self, x):
        return (x > 0.5).float()
'''
READERS = """
from conversions import NeuronDynamics, NeuronReading, TimeAxis

def read(module, path, shape):
    dynamics = NeuronDynamics(voltage_kept=0.0, threshold=0.5)
    return NeuronReading(dynamics=dynamics, time_axis=TimeAxis.STEP)

READERS = {"squares.Squarer": read}
"""


def install(folder, readers, name="squares", value="squares.readers"):
    """A distribution as an installer leaves it: its package and its metadata."""
    package = folder / "squares"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(FRAMEWORK)
    (package / "readers.py").write_text(readers)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ssdp_neuro.neurons]\nsquares = {value}\n")


@pytest.fixture
def framework(tmp_path, monkeypatch):
    """Where distributions are installed, beside those of this Python."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("squares", "squares.readers"):
        sys.modules.pop(name, None)


def squares():
    Squarer = importlib.import_module("squares").Squarer  # noqa: N806 - as it is called there
    return nn.Sequential(nn.Linear(12, 8), Squarer(), nn.Linear(8, 3), Squarer())


@pytest.mark.usefixtures("registry")
def test_entry_points__a_framework_brings_its_own_readers(framework):
    install(framework, READERS)
    spikes = spikes_for((12,))
    found = read_model(squares(), spikes=spikes)
    assert (simulate_real(found.network, spikes).spikes["3"] == found.sent["3"]).all()
    assert "squares: Squarer" in supported_neurons()
    conversions.register_neuron("squares.Squarer", reading(voltage_kept=0.9))  # goes before
    with pytest.raises(ConversionError, match="send other spikes than its reader"):
        from_torch(squares())


@pytest.mark.parametrize(
    ("readers", "value", "message"),
    [
        ("READERS = {3: 4}", "squares.readers", "READERS is {3: 4}; a mapping from"),
        ("", "squares.readers", "READERS is None; a mapping from"),
        (READERS, "squares.nothing", r"'squares\.nothing': cannot be imported: No module"),
        ("import squares.missing", "squares.readers", "cannot be imported: No module"),
    ],
)
@pytest.mark.usefixtures("registry")
def test_entry_points__broken_readers_are_named(framework, readers, value, message):
    install(framework, readers, value=value)
    with pytest.raises(ConversionError, match=rf"entry point 'squares' of ssdp.*{message}"):
        from_torch(squares())


@pytest.mark.usefixtures("registry")
def test_entry_points__two_for_one_framework_are_refused(framework):
    install(framework, READERS)
    install(framework, READERS, name="other", value="squares.others")
    with pytest.raises(ConversionError, match="'squares' is both 'squares"):
        from_torch(squares())


def test_entry_points__every_framework_here_has_readers():
    known = supported_neurons()
    for root in ("snntorch", "spikingjelly", "norse", "sinabs", "ssdp_neuro", "lava"):
        assert f"{root}: " in known
