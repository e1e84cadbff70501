"""What cannot be read, and what is said about it."""

import numpy as np
import pytest
import snntorch as snn
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from conversions import from_torch
from conversions.pytorch.network.model_reading import read_model
from conversions.quantization import Calibration
from hw_models import ConversionError, InputError, RangeError, ShapeError
from tests.conversions.pytorch.written_models import Loop, leaky


class Between(nn.Module):
    """Something between two layers of neurons."""

    def __init__(self, between):
        super().__init__()
        self.fc1, self.lif1, self.between = nn.Linear(12, 8), leaky(), between
        self.fc2, self.lif2 = nn.Linear(8, 4), leaky()

    def forward(self, x):
        return self.lif2(self.fc2(self.between(self.lif1(self.fc1(x)))))


class Own(nn.Module):
    """A module that does what its function says."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class MembraneSent(Loop):
    def forward(self, x):
        mem1, (syn, mem2) = self.lif1.reset_mem(), self.lif2.reset_mem()
        for step in x:
            _, mem1 = self.lif1(self.fc1(step), mem1)
            _, syn, mem2 = self.lif2(self.fc2(mem1), syn, mem2)
        return mem2


class StepsDiffer(Loop):
    def forward(self, x):
        mem = self.lif1.reset_mem()
        for number, step in enumerate(x):
            spk, mem = self.lif1(self.fc1(step) * (1 + number), mem)
        return spk


class Trace(Loop):
    def forward(self, x):
        mem, trace = self.lif1.reset_mem(), torch.zeros_like(x[0])
        for step in x:
            trace = 0.5 * trace + step
            spk, mem = self.lif1(self.fc1(trace), mem)
        return spk


class Repeated(Loop):
    def forward(self, image):
        mem = self.lif1.reset_mem()
        for _ in range(5):
            spk, mem = self.lif1(self.fc1(image), mem)
        return spk


class Behind(nn.Module):
    """Something behind the last synapses."""

    def __init__(self, behind):
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(12, 8), leaky()
        self.fc2, self.behind = nn.Linear(8, 4), behind

    def forward(self, x):
        return self.behind(self.fc2(self.lif1(self.fc1(x))))


REFUSED = {
    "nonlinear": (
        lambda: Between(nn.Sequential(nn.Linear(8, 8), nn.Sigmoid())),
        r"between.1 \(Sigmoid\): sigmoid; it is on the way to the neurons 'lif2' \(Leaky\)",
    ),
    "normalized by the sample": (
        lambda: Between(nn.LayerNorm(8)),
        r"between \(LayerNorm\): native_layer_norm",
    ),
    "normalized by the batch": (
        lambda: Between(nn.BatchNorm1d(8, track_running_stats=False)),
        r"between \(BatchNorm1d\): native_batch_norm",
    ),
    "a product of spikes": (lambda: Between(Own(lambda s: s * s.flip(1))), r"\(Own\): mul"),
    "unknown neurons": (
        lambda: Between(nn.Sequential(nn.Linear(8, 8), Own(lambda x: (x > 0.1).float()))),
        r"between.1 \(Own\): gt; .* Supported neurons are snntorch: .*Leaky.*register_neuron",
    ),
    "unknown neurons at the end": (
        lambda: Behind(Own(lambda x: (x > 0.1).float())),
        r"behind \(Own\): gt comes between the last neurons and the model's output",
    ),
    "a sum over samples": (
        lambda: Between(Own(lambda s: s - s.mean(0, keepdim=True))),
        "what one sample is given depends on another",
    ),
    "a potential as a signal": (
        MembraneSent,
        r"lif1 \(Leaky\): the membrane potential .* on the way to the neurons 'lif2'",
    ),
    "weights that change": (StepsDiffer, "lif1: in step 0 it is not given what the wiring"),
    "a filter outside of neurons": (Trace, "as far back as the run goes, 12 steps; supported are"),
    "three dimensions": (
        lambda: nn.Sequential(nn.Unflatten(1, (1, 2, 2, 3)), nn.Conv3d(1, 1, 2), leaky()),
        r"1 \(Conv3d\): convolution",
    ),
    "a repeated image": (Repeated, "a model that repeats an image in every step"),
    "maxima of currents": (
        lambda: nn.Sequential(
            nn.Linear(12, 8), nn.Unflatten(1, (2, 4)), nn.MaxPool1d(2), nn.Flatten(), leaky()
        ),
        r"2 \(MaxPool1d\): a maximum over what is not the spikes of one population.*with AvgPool",
    ),
    "neurons used twice": (
        lambda: (lambda n: nn.Sequential(nn.Linear(12, 12), n, nn.Linear(12, 12), n))(leaky()),
        "1 is called more often than there are steps",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_from_torch__refuses_what_it_does_not_understand(name):
    torch.manual_seed(0)
    build, message = REFUSED[name]
    with pytest.raises(ConversionError, match=message):
        from_torch(build(), input_shape=(12,))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n_steps": 0}, RangeError, "n_steps: 0"),
        ({"calibration": np.ones((2, 5, 12), bool), "n_steps": 6}, InputError, "n_steps: 6"),
        ({"calibration": np.ones((2, 5, 12)), "input_shape": (3,)}, InputError, "calibration"),
        (
            {"calibration": np.full((2, 5, 12), 0.5)},
            InputError,
            "real_input=BitPlanes",
        ),
        (
            {"calibration": [np.ones((2, 5, 12)), np.ones(2, int)]},
            InputError,
            "a tuple of this and labels",
        ),
        (
            {
                "calibration": Calibration(
                    spikes={"a": np.ones((2, 5, 12)), "b": np.ones((2, 5, 1))}
                )
            },
            InputError,
            "2 inputs",
        ),
    ],
)
def test_from_torch__refuses_settings_that_do_not_agree(settings, error, message):
    with pytest.raises(error, match=message):
        from_torch(nn.Sequential(nn.Linear(12, 8), leaky()), **settings)


def test_from_torch__asks_for_the_shape_of_the_input():
    with pytest.raises(ShapeError, match="input_shape: needed without calibration data"):
        from_torch(nn.Sequential(nn.Conv2d(1, 2, 3), leaky()))


def test_from_torch__notices_neurons_that_compute_something_else():
    class Changed(snn.Leaky):
        def forward(self, input_, mem=None):
            return super().forward(1.5 * input_, mem)

    model = nn.Sequential(nn.Linear(12, 8), Changed(beta=0.9, threshold=0.3, init_hidden=True))
    with pytest.raises(
        ConversionError, match=r"1: .*% of the neurons of Changed send other spikes"
    ):
        from_torch(model)


class Leaking(nn.Module):
    """Neurons that nobody has taught, and that remember the last sample."""

    def __init__(self):
        super().__init__()
        self.v = 0.0

    def forward(self, x):
        self.v = 0.5 * self.v + x
        return (self.v > 1).to(x)


def test_read_model__names_what_it_does_not_know_where_a_model_cannot_be_run():
    model = nn.Sequential(
        nn.Sequential(nn.Linear(6, 5), Leaking()), nn.Linear(5, 4), snn.Leaky(0.5, init_hidden=True)
    )
    model(torch.rand(17, 6))
    with pytest.raises(ConversionError, match=r"no reader is known for 0.1 \(Leaking\)"):
        read_model(model, input_shape=(6,))


def test_read_model__names_neurons_that_no_reader_knows_by_their_own_path():
    model = nn.Sequential(nn.Linear(6, 5), nn.Sequential(neuron.QIFNode()))
    with pytest.raises(ConversionError, match=r"among 0 \(Linear\), 1.0 \(QIFNode\); supported"):
        read_model(model, input_shape=(6,))


def test_read_model__names_weights_that_are_no_numbers():
    model = nn.Sequential(nn.Linear(6, 5), snn.Leaky(beta=0.5, init_hidden=True))
    with torch.no_grad():
        model[0].weight[2, 3] = float("nan")
    with pytest.raises(ConversionError, match=r"0.weight: values that are not finite"):
        read_model(model, input_shape=(6,))


@pytest.mark.parametrize("last", [nn.LSTM(4, 3), nn.LayerNorm(4)])
def test_read_model__refuses_trained_layers_behind_the_last_neurons(last):
    model = nn.Sequential(nn.Linear(6, 4), snn.Leaky(beta=0.5, init_hidden=True), last)
    with pytest.raises(ConversionError, match=rf"2 \({type(last).__name__}\).* the model's output"):
        read_model(model, input_shape=(6,))
