import copy

import numpy as np
import pytest
import snntorch as snn
import torch
from spikingjelly.activation_based import neuron
from torch import nn

import conversions
from conversions import TimeAxis, from_torch, verify
from conversions.quantization import Calibration, ReadoutDecision
from conversions.real_network import RealConv, RealDense, RealSparse
from conversions.real_network.simulator import simulate_real
from conversions.torch_model.model_reading import read_model
from hw_models import ConversionError, InputError, RangeError, ShapeError
from tests.conversions.torch_model.written_models import (
    MODELS,
    Loop,
    OneStep,
    Readout,
    Recurrence,
    leaky,
    own_delays,
)


def spikes_for(shape, *, samples=5, steps=12, rate=0.5):
    return np.random.default_rng(0).random((samples, steps, *shape)) < rate


def projections(network):
    return [(p.source, p.target, type(p.map), p.latency) for p in network.projections]


@pytest.mark.parametrize("name", MODELS)
def test_read_model__what_was_read_spikes_as_the_model(name):
    torch.manual_seed(0)
    build, shape = MODELS[name]
    spikes = spikes_for(shape)
    found = read_model(build(), spikes=spikes)
    run = simulate_real(found.network, spikes)
    for population, sent in found.sent.items():
        assert sent.any(), population
        assert not sent.all(), population
        assert (run.spikes[population] == (sent != 0)).all(), population


def test_read_model__recurrence_has_the_latency_it_was_written_with():
    found = read_model(Recurrence(), spikes=spikes_for((12,)))
    assert projections(found.network) == [
        ("input", "lif", RealDense, 0),
        ("lif", "lif", RealDense, 1),
        ("lif", "lif", RealSparse, 2),
    ]
    assert [p.name for p in found.network.projections] == ["fc1", "rec", "lif->lif"]


def test_read_model__convolutions_stay_convolutions():
    model = OneStep()
    found = read_model(model, spikes=spikes_for((2, 8, 8)))
    assert projections(found.network) == [
        ("input", "lif1", RealConv, 0),
        ("lif1", "lif2", RealConv, 0),
        ("lif1", "lif2", RealConv, 0),
        ("lif2", "lif3", RealDense, 0),
        ("lif1", "lif3", RealDense, 0),
    ]
    kernel = found.network.into("lif2")[0].map
    assert (kernel.weights.shape, kernel.stride, kernel.padding) == ((4, 4, 6, 6), (2, 2), (2, 2))
    expected = model.conv2.weight.detach().double().numpy()
    assert np.allclose(kernel.weights[:, :, ::2, ::2], expected / 4, rtol=1e-12)
    assert [p.shape for p in found.network.neurons] == [(4, 8, 8), (4, 4, 4), (5,)]


def test_read_model__a_bias_behind_a_border_differs_by_position():
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 3, padding=1), leaky())
    model[0].running_mean.fill_(2.0)
    found = read_model(model, spikes=spikes_for((1, 4, 4)))
    bias = found.network.population("2").dynamics.current_bias.reshape(4, 4)
    assert bias[0, 0] != bias[1, 1]
    assert bias[1, 1] == bias[2, 2]


def test_read_model__delays_are_those_of_the_synapses():
    found = read_model(own_delays(), spikes=spikes_for((12,)))
    synapses = next(p for p in found.network.projections if p.name == "2")
    assert sorted(set(synapses.delays.tolist())) == [0, 1, 2, 3]
    expected = torch.arange(80).remainder(4).reshape(8, 10).numpy()
    assert (synapses.delays == expected[synapses.map.post, synapses.map.pre]).all()


@pytest.mark.parametrize("kind", ["mean", "of the rate", "all", "classes", "last"])
def test_read_model__a_readout_decides_as_the_model(kind):
    torch.manual_seed(0)
    model, spikes = Readout(kind), spikes_for((12,), samples=30)
    found = read_model(model, spikes=spikes)
    potentials = simulate_real(found.network, spikes).potentials["readout"]
    with torch.no_grad():
        out = model(torch.tensor(spikes.swapaxes(0, 1), dtype=torch.float32))
    own = (out.mean(0) if kind == "all" else out).argmax(1).numpy()
    decision = ReadoutDecision.LAST if kind == "last" else ReadoutDecision.MEAN
    assert (found.decision.readout is ReadoutDecision.LAST) == (kind == "last")
    assert (decision.decide(potentials) == own).all()
    assert len(set(own.tolist())) > 1
    assert any("no neurons come after it" in note for note in found.notes)


def test_read_model__leaves_a_model_in_a_graph_of_gradients_as_it_is():
    model = Loop()
    model.train()
    model(torch.ones(3, 2, 12))[1].sum().backward()
    assert model.lif1.mem.grad_fn is not None
    potential, weights = model.lif1.mem.detach().clone(), copy.deepcopy(model.state_dict())
    read_model(model, input_shape=(12,))
    assert model.training
    assert torch.equal(model.lif1.mem, potential)
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())


def test_read_model__starts_from_rest_whatever_ran_before():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 8), leaky())
    spikes = spikes_for((12,))
    fresh = read_model(model, spikes=spikes).sent["1"]
    with torch.no_grad():
        model(torch.ones(5, 12))
    assert (read_model(model, spikes=spikes).sent["1"] == fresh).all()


def test_from_torch__asks_for_the_place_of_time_when_several_fit():
    model = nn.Sequential(nn.Linear(12, 8, bias=False), leaky())
    nn.init.zeros_(model[0].weight)

    class Either(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = model

        def forward(self, x):
            if x.ndim == 2:
                return self.net(x)
            return torch.stack([self.net(step) for step in x])

    with pytest.raises(ConversionError, match=r"several ways: one call a step.*set|say which"):
        read_model(Either(), input_shape=(12,))
    assert (
        read_model(Either(), input_shape=(12,), time_axis=TimeAxis.FIRST).sent["net.1"].any() == 0
    )


def test_from_torch__takes_a_way_to_call_the_model():
    class Stepwise(Loop):
        def forward(self, step, states):
            spk, mem = self.lif1(self.fc1(step), states)
            return spk, mem

    def run(model, spikes):
        mem, out = model.lif1.reset_mem(), []
        for step in spikes.unbind(1):
            spk, mem = model(step, mem)
            out.append(spk)
        return out

    found = read_model(Stepwise(), spikes=spikes_for((12,)), run=run)
    assert projections(found.network) == [("input", "lif1", RealDense, 0)]


def test_from_torch__a_model_may_have_its_number_of_steps_built_in():
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif = nn.Linear(12, 3), leaky()

        def forward(self, x):
            return [self.lif(self.fc(x[step])) for step in range(20)]

    network, _ = from_torch(Fixed(), n_steps=20)
    assert [p.name for p in network.populations][-1] == "lif"
    assert from_torch(Fixed(), calibration=spikes_for((12,), steps=20))[1].n_samples == 5
    with pytest.raises(ConversionError, match="n_steps"):
        from_torch(Fixed())


@pytest.mark.kernel
@pytest.mark.lava
@pytest.mark.parametrize("name", ["recurrence", "functional", "steps and maxima"])
def test_from_torch__the_chip_spikes_the_same_on_lava(name):
    torch.manual_seed(0)
    build, shape = MODELS[name]
    spikes = spikes_for(shape, samples=2)
    network, report = from_torch(build(), calibration=spikes)
    later = [(0, 0), (0, max(report.shifts.values()))] + [(0, 0)] * len(shape)
    padded = np.pad(spikes, later)
    assert verify(network, padded, n_steps=padded.shape[1]).equal
    assert min(layer.spike_agreement for layer in report.layers) > 0.5


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
        r"fc2: behind \(Own\): gt comes between these synapses and the model's output",
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
    "a filter outside of neurons": (Trace, "as far back as the run goes, 6 steps; supported are"),
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
        ({"calibration": np.ones((2, 1, 12), bool)}, RangeError, "steps: 1"),
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
    from conversions.torch_model import registry

    monkeypatch.setattr(registry, "_neurons", {})
    monkeypatch.setattr(registry, "_synapses", {})


def reading(**settings):
    from conversions.real_network import NeuronDynamics
    from conversions.torch_model.reading import NeuronReading

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
