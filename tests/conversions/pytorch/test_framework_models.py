"""Ways in which each framework's users write a model; all must be read as they run."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import sinabs.layers as sl
import snntorch as snn
import torch
from sinabs.from_torch import from_model
from snntorch import utils
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from conversions.pytorch.model_conversion import from_torch
from conversions.real_network.bit_planes import BitPlanes
from hw_models import LOIHI2, ConversionError, check

with warnings.catch_warnings():  # Norse compiles some functions in a way PyTorch gives up
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import norse.torch as norse

pytestmark = pytest.mark.kernel


class SnnTorchHidden(nn.Module):
    """States inside the neurons, put to rest by utils.reset."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 3),
            snn.Leaky(beta=0.8, init_hidden=True),
            nn.Flatten(),
            nn.Linear(144, 5),
            snn.Leaky(beta=0.8, init_hidden=True, output=True),
        )

    def forward(self, x):
        utils.reset(self.net)
        return torch.stack([self.net(step)[0] for step in x])


class SnnTorchOneToOne(nn.Module):
    """Each neuron excites itself; currents with memory after it."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(20, 15)
        self.lif1 = snn.RLeaky(beta=0.7, all_to_all=False, V=0.5)
        self.fc2 = nn.Linear(15, 5)
        self.lif2 = snn.Synaptic(alpha=0.5, beta=0.7, reset_mechanism="zero")

    def forward(self, x):
        spk1, mem1 = self.lif1.init_rleaky()
        syn2, mem2 = self.lif2.init_synaptic()
        made = []
        for step in x:
            spk1, mem1 = self.lif1(self.fc1(step), spk1, mem1)
            spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
            made.append(spk2)
        return torch.stack(made)


def spikingjelly_container():
    model = nn.Sequential(
        layer.Linear(20, 15),
        layer.LinearRecurrentContainer(neuron.LIFNode(decay_input=False, v_threshold=0.5), 15, 15),
        layer.Linear(15, 5),
        neuron.LIFNode(v_reset=None, v_threshold=0.25),
    )
    for module in (model[0], model[1], model[2], model[3]):
        module.step_mode = "m"  # set_step_mode would reach into the container
    return model


def spikingjelly_voting():
    """Seen in training mode first, so that normalization has statistics to fold."""
    model = nn.Sequential(
        layer.Conv2d(1, 4, 3, bias=False),
        layer.BatchNorm2d(4),
        neuron.LIFNode(v_threshold=0.3, v_reset=-0.1),
        layer.Flatten(),
        layer.Dropout(0.5),
        layer.Linear(144, 20),
        neuron.LIFNode(v_threshold=0.3),
        layer.VotingLayer(4),
    )
    functional.set_step_mode(model, "m")
    for _ in range(3):
        model(torch.rand(4, 8, 1, 8, 8))
    functional.reset_net(model)
    return model


def spikingjelly_potentials():
    """Ends in neurons that never fire, whose potentials come as a list."""
    hidden = nn.Sequential(layer.Linear(20, 15), neuron.LIFNode(v_threshold=0.25))
    out = nn.Sequential(layer.Linear(15, 5, bias=False), neuron.NonSpikingLIFNode())
    model = nn.Sequential(*hidden, *out)
    for module in model[:3]:
        module.step_mode = "m"
    return model


class NorseLoop(nn.Module):
    """Cells with their states handed on."""

    def __init__(self):
        super().__init__()
        self.hidden = norse.LIFRecurrentCell(20, 15, p=norse.LIFParameters(v_th=torch.tensor(0.3)))
        self.fc = nn.Linear(15, 5, bias=False)
        self.out = norse.LICell()

    def forward(self, x):
        hidden, out, made = None, None, []
        for step in x:
            spikes, hidden = self.hidden(step, hidden)
            voltage, out = self.out(self.fc(spikes), out)
            made.append(voltage)
        return torch.stack(made)


def norse_refractory():
    threshold = torch.tensor(0.1)
    resting = norse.LIFRefracParameters(norse.LIFParameters(v_th=threshold), torch.tensor(2.0))
    return norse.SequentialState(
        nn.Linear(20, 15),
        norse.LIFRefracCell(resting),
        nn.Linear(15, 5),
        norse.LIFBoxCell(norse.LIFBoxParameters(v_th=threshold)),
    )


def sinabs_converted():
    """Of a network with rectifiers, which is how most models of Sinabs are made."""
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(36, 5, bias=False), nn.ReLU(),
    )  # fmt: skip
    return from_model(model, input_shape=(1, 8, 8), batch_size=1, min_v_mem=None)


def sinabs_recurrent():
    back = nn.Sequential(nn.Flatten(), nn.Linear(16, 16, bias=False), nn.Unflatten(1, (1, 4, 4)))
    return nn.Sequential(sl.IAFRecurrent(rec_connect=back))


MODELS = {
    "snnTorch, hidden states": (SnnTorchHidden, (1, 8, 8)),
    "snnTorch, one to one": (SnnTorchOneToOne, (20,)),
    "SpikingJelly, recurrent container": (spikingjelly_container, (20,)),
    "SpikingJelly, voting": (spikingjelly_voting, (1, 8, 8)),
    "SpikingJelly, potentials": (spikingjelly_potentials, (20,)),
    "Norse, cells in a loop": (NorseLoop, (20,)),
    "Norse, refractory": (norse_refractory, (20,)),
    "Sinabs, converted": (sinabs_converted, (1, 8, 8)),
    "Sinabs, recurrent": (sinabs_recurrent, (1, 4, 4)),
}


@pytest.mark.parametrize("name", MODELS)
def test_from_torch__reads_what_a_framework_runs(name):
    make, shape = MODELS[name]
    torch.manual_seed(1)
    spikes = np.random.default_rng(0).random((24, 9, *shape)) < 0.4
    _, report = from_torch(make(), calibration=spikes)
    fired = [row for row in report.layers if row.spike_agreement is not None]
    assert fired[0].rate_before > 0.01
    assert min(row.spike_agreement for row in fired) > 0.9
    assert all(row.potential_error < 0.3 for row in report.layers if row not in fired)
    assert not [note for note in report.notes if "send other spikes" in note]


@pytest.mark.filterwarnings("ignore:SNNAnalyzer is deprecated")
def test_from_torch__leaves_out_the_counters_of_sinabs():
    torch.manual_seed(1)
    rectifiers = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5, bias=False),
    )  # fmt: skip
    model = from_model(
        rectifiers, input_shape=(1, 8, 8), num_timesteps=9, synops=True, add_spiking_output=True
    )
    spikes = np.random.default_rng(0).random((7, 9, 1, 8, 8)) < 0.4
    with torch.no_grad():
        model(torch.tensor(spikes, dtype=torch.float32).flatten(0, 1))
    counted = model.spiking_model[0].synops
    _, report = from_torch(model, calibration=spikes)
    assert report.layers[0].rate_before > 0.01
    assert model.spiking_model[0].synops is counted


@pytest.mark.parametrize("n_steps", [1, 2])
def test_from_torch__population_codes_of_one_or_two_steps(n_steps):
    """snnTorch's tutorial: an image in very few steps, many neurons that vote for a class."""

    class Population(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.lif1 = nn.Linear(20, 30), snn.Leaky(beta=0.8, threshold=0.2)
            self.fc2, self.lif2 = nn.Linear(30, 60), snn.Leaky(beta=0.8, threshold=0.2)

        def forward(self, x):
            mem1, mem2, made = self.lif1.reset_mem(), self.lif2.reset_mem(), []
            for _ in range(n_steps):
                spk, mem1 = self.lif1(self.fc1(x), mem1)
                spk, mem2 = self.lif2(self.fc2(spk), mem2)
                made.append(spk)
            return torch.stack(made).sum(0).unflatten(1, (6, 10)).sum(2)

    torch.manual_seed(0)
    model, images = Population(), np.random.default_rng(0).random((40, 20))
    with torch.no_grad():
        labels = model(torch.tensor(images, dtype=torch.float32)).argmax(1).numpy()
    _, report = from_torch(
        model, calibration=(images, labels), real_input=BitPlanes(), n_steps=n_steps
    )
    assert report.accuracy_before > 0.95  # of the values as they are rounded
    assert report.accuracy_after > 0.9


@pytest.mark.parametrize("bits", [4, 2])
def test_from_torch__resets_of_snntorch_fit_chips_of_few_weight_bits(bits):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(20, 30), snn.Leaky(beta=0.8, threshold=0.2, init_hidden=True),
        nn.Linear(30, 6), snn.Synaptic(alpha=0.5, beta=0.37, threshold=0.2, init_hidden=True),
    )  # fmt: skip
    chip = replace(LOIHI2, weight_bits=replace(LOIHI2.weight_bits, value=bits))
    spikes = np.random.default_rng(0).random((20, 15, 20)) < 0.3
    network, report = from_torch(model, chip=chip, calibration=spikes)
    assert not check(network, chip)
    assert any(projection.name.startswith("3.reset") for projection in network.projections)
    assert min(row.spike_agreement for row in report.layers) > {4: 0.85, 2: 0.7}[bits]


def test_from_torch__layers_of_sinabs_are_told_the_samples_of_the_run():
    torch.manual_seed(1)
    apart = sl.UnflattenTime(batch_size=16)
    model = nn.Sequential(
        sl.FlattenTime(), nn.Conv2d(1, 4, 3, bias=False), apart, sl.IAF(), sl.FlattenTime(),
        sl.SumPool2d(2), nn.Flatten(), nn.Linear(36, 5, bias=False), sl.IAFSqueeze(batch_size=16),
    )  # fmt: skip
    spikes = np.random.default_rng(0).random((7, 9, 1, 8, 8)) < 0.4
    _, report = from_torch(model, calibration=spikes)
    assert min(row.rate_before for row in report.layers) > 0.01
    assert apart.batch_size == 16


def test_from_torch__a_maximum_of_currents_is_refused_with_its_path():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), snn.Leaky(beta=0.8, init_hidden=True, output=True)
    )
    with pytest.raises(ConversionError, match=r"1 \(MaxPool2d\): a maximum over what"):
        from_torch(model, input_shape=(1, 8, 8))
