import pytest
import torch
from torch import nn

from hw_models import ShapeError
from ssdp_neuro.decision import decide
from ssdp_neuro.training import CubaLif, SpikingNetwork
from ssdp_neuro.training.networks.stages import stages
from tests.ssdp_neuro.training.models import conv_model, dense_model, spikes_for

NEURON = {"current_decay": 1023, "voltage_decay": 256}


def test_spiking_network__records_what_forward_returns():
    model = conv_model()
    spikes = spikes_for(model)
    recorded = model.record(spikes)
    assert list(recorded) == ["maps", "output"]
    assert recorded["maps"].shape == (4, 12, 3, 3, 3)
    assert recorded["output"].sum() > 0
    assert torch.equal(recorded["output"], model(spikes))


def test_spiking_network__first_output_is_as_late_as_there_are_layers():
    model = dense_model((3, 3, 3), gain=0.0)
    for stage in stages(model):
        nn.init.constant_(stage.synapses.weight, 2.0)
    fired = model(torch.ones(1, 6, 3))
    assert fired[0, :, 0].tolist() == [0, 0, 1, 1, 1, 1]


def test_spiking_network__decides_as_decide_does_and_stays_in_its_mode():
    model = dense_model()
    model.train()
    spikes = spikes_for(model)
    assert model.decide(spikes.numpy()).tolist() == decide(model(spikes).detach()).tolist()
    assert model.training


def test_spiking_network__needs_an_input_shape_unless_linear_leads():
    with pytest.raises(ShapeError, match="input_shape"):
        SpikingNetwork(nn.Flatten(), nn.Linear(4, 2, bias=False), CubaLif(**NEURON))


def test_spiking_network__refuses_spikes_of_another_shape():
    with pytest.raises(ShapeError, match=r"\(B, T, 12\)"):
        dense_model()(torch.zeros(2, 5, 11))
