"""Everything a trained layer can have that the chip has too: the engine spikes as PyTorch does."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from conversions import from_torch
from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    ResetMode,
)
from hw_models.bias_register import nearest_bias
from ssdp_neuro import oracle, simulate
from ssdp_neuro.training import Adaptation, CubaLif, DelayedLinear, Lif, SpikingNetwork, quantize
from ssdp_neuro.training.networks.stages import stages, weight_of
from ssdp_neuro.training.run.choices import ModelKind
from ssdp_neuro.training.run.model_choice import make_model
from ssdp_neuro.training.run.settings.model import ModelSettings

LEARNED = {"learn_current_decay": True, "learn_voltage_decay": True}


def dense(seed, *, delays=None, own=None, own_delays=None, **settings):
    """9-7-3 with all that is asked for in the hidden layer."""
    random = np.random.default_rng(seed)

    def linear(n_in, n_out, gain, steps):
        if steps is None:
            made = nn.Linear(n_in, n_out, bias=False)
        else:
            learned = steps.dtype.kind == "f"
            made = DelayedLinear(n_in, n_out, delays=steps, learned=learned, longest=6)
        made.weight.data = torch.tensor(random.normal(0.05, gain, (n_out, n_in))).float()
        return made

    recurrent = None if own is None else linear(7, 7, own, own_delays)
    neuron = {"current_decay": 1500, "voltage_decay": 700, **settings}
    return SpikingNetwork(
        OrderedDict(
            to_hidden=linear(9, 7, 0.5, delays),
            hidden=CubaLif(**neuron, recurrent=recurrent),
            to_output=linear(7, 3, 0.6, None),
            output=CubaLif(current_decay=800, voltage_decay=100, reset=ResetMode.SUBTRACT),
        ),
        input_shape=(9,),
    )


def convolutional(seed, **settings):
    torch.manual_seed(seed)
    neuron = {"current_decay": 1500, "voltage_decay": 300, "threshold": 0.3, **settings}
    return SpikingNetwork(
        OrderedDict(
            kernels=nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False),
            maps=CubaLif(**neuron),
            flatten=nn.Flatten(),
            to_output=nn.Linear(36, 3, bias=False),
            output=CubaLif(current_decay=800, voltage_decay=100, threshold=0.3),
        ),
        input_shape=(2, 5, 5),
    )


def delays_of(seed, shape, high=5):
    return np.random.default_rng(seed).integers(0, high, shape)


PER_NEURON = np.array([0, 1, 300, 1500, 2500, 4094, 4095])
MODELS = {
    "refractory": lambda s: dense(s, refractory=2),
    "soft reset": lambda s: dense(s, reset=ResetMode.SUBTRACT, refractory=1),
    "decays of each neuron": lambda s: dense(
        s, current_decay=PER_NEURON[::-1].copy(), voltage_decay=PER_NEURON
    ),
    "learned decays": lambda s: dense(s, **LEARNED),
    "bias": lambda s: dense(s, bias=np.linspace(-0.3, 0.4, 7)),
    "large bias": lambda s: dense(s, bias=-9.0 if s else 9.0),
    "recurrent": lambda s: dense(s, own=0.5),
    "delays of synapses": lambda s: dense(s, delays=delays_of(s, (7, 9))),
    "delays of axons": lambda s: dense(s, delays=delays_of(s, 9)),
    "recurrent with delays": lambda s: dense(
        s, own=0.5, own_delays=delays_of(s, (7, 7)), delays=delays_of(s, 9), refractory=1
    ),
    "learned delays of synapses": lambda s: dense(s, delays=delays_of(s, (7, 9)) + 0.4),
    "learned delays of axons": lambda s: dense(s, delays=delays_of(s, 9) + 0.4),
    "recurrent with learned delays": lambda s: dense(
        s, own=0.5, own_delays=delays_of(s, (7, 1)) + 0.4, delays=delays_of(s, 9), refractory=1
    ),
    "rising threshold": lambda s: dense(s, adaptation=Adaptation(kept=0.9, strength=0.4)),
    "rising threshold, all else": lambda s: dense(
        s,
        adaptation=Adaptation(kept=0.9871, strength=0.07),
        own=0.5,
        own_delays=delays_of(s, (7, 7)),
        bias=np.linspace(-0.1, 0.4, 7),
        reset=ResetMode.SUBTRACT,
        refractory=1,
        **LEARNED,
    ),
    "rising thresholds of maps": lambda s: convolutional(
        s, adaptation=Adaptation(kept=0.7, strength=0.3)
    ),
    "convolution": lambda s: convolutional(s, refractory=1, reset=ResetMode.SUBTRACT),
    "learned by channel": lambda s: convolutional(
        s, current_decay=np.arange(0, 4000, 1000).reshape(4, 1, 1), **LEARNED
    ),
}


def by_hand(model):
    """The network of the chip, record by record, from what the quantized modules say."""
    populations = [InputPopulation(name="input", shape=model.input_shape)]
    projections = []
    shape = model.input_shape
    for stage in stages(model):
        grid, neurons, name = stage.neurons.grid, stage.neurons, stage.neurons_path
        exponent = {"weight_exponent": grid.weight_exponent}
        into = {"source": populations[-1].name, "target": name, **exponent}
        mantissas = grid.mantissas(weight_of(stage.synapses))
        if isinstance(stage.synapses, nn.Conv2d):
            conv = ConvProjection(**into, weights=mantissas, stride=2, padding=1)
            projections.append(conv)
            shape = conv.output_shape(shape)
        else:
            projections.append(dense_projection(stage.synapses, mantissas, into))
            shape = (len(mantissas),)
        if neurons.recurrent is not None:
            own = grid.mantissas(weight_of(neurons.recurrent))
            back = {"source": name, "target": name, **exponent}
            projections.append(dense_projection(neurons.recurrent, own, back))
        bias, bias_exponent = 0, 0
        if neurons.bias is not None:
            values = neurons.bias.value.detach().double().numpy() * grid.scale * 64
            bias, bias_exponent = nearest_bias(values.clip(-4095 * 128, 4095 * 128), 4095)
        rise, kept = 0, 4096
        if neurons.adaptation is not None:
            kept = round(4096 * neurons.adaptation.kept)
            rise = round(neurons.adaptation.strength * grid.threshold * 4096 / kept)
        populations.append(
            LifPopulation(
                name=name,
                shape=shape,
                current_decay=np.broadcast_to(neurons.current_decay, shape),
                voltage_decay=np.broadcast_to(neurons.voltage_decay, shape),
                threshold=grid.threshold,
                bias_mantissa=np.broadcast_to(bias, shape),
                bias_exponent=np.broadcast_to(bias_exponent, shape),
                reset=neurons.reset,
                refractory=neurons.refractory,
                threshold_rise=rise,
                threshold_decay=4096 - kept,
            )
        )
    return FixedPointNetwork(populations=populations, projections=projections)


def dense_projection(synapses, mantissas, ends):
    delays = getattr(synapses, "delays", None)
    delays = None if delays is None else delays.numpy()
    return DenseProjection(**ends, weights=mantissas, delays=delays)


def train_a_little(model, spikes):
    """So that what is learned is no longer what was given."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        (model(spikes).mean((0, 1)) - 0.3).square().sum().backward()
        optimizer.step()
    model.eval()


@pytest.mark.parametrize("kind", MODELS)
def test_quantized_modules__same_spikes_as_engine_and_oracle(kind):
    for seed in range(2):
        model = MODELS[kind](seed)
        random = np.random.default_rng(seed)
        spikes = random.random((4, 30, *model.input_shape)) < 0.3
        given = torch.tensor(spikes, dtype=torch.float32)
        quantize(model)
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        train_a_little(model, given)
        still = [name for name, p in model.named_parameters() if bool((p == before[name]).all())]
        assert still == [] or (kind == "large bias" and "hidden.bias.value" not in still)
        with torch.no_grad():
            recorded = model.record(given)
            state, stepped = None, []
            for now in given.unbind(1):
                fired, state = model.step(now, state)
                stepped.append(fired)
        last = list(recorded)[-1]
        assert torch.equal(torch.stack(stepped, 1), recorded[last])
        assert seed or recorded[last].sum() > 10
        network = by_hand(model)
        for run in (
            simulate(network, spikes, n_steps=30),
            oracle.simulate(network, spikes, n_steps=30),
        ):
            for name, fired in recorded.items():
                assert (fired.flatten(2).numpy() != 0).tolist() == run.raster(name).tolist()


def by_settings(seed):
    """Convolutions with a bias for each channel, felt at once."""
    settings = ModelSettings(
        kind=ModelKind.CONVOLUTIONAL, hidden=(4,), bias=True, latency=0, threshold=0.3
    )
    model = make_model(settings, (2, 5, 5), 3, seed)
    for stage, largest in zip(stages(model), (0.08, 0.05), strict=True):
        bias = stage.neurons.bias.value.data
        bias.copy_(torch.linspace(-largest, largest, bias.numel()).view(bias.shape))
    return model


CONVERTED = {
    **{kind: make for kind, make in MODELS.items() if kind != "large bias"},
    "felt at once": lambda s: dense(s, latency=0, own=0.5, reset=ResetMode.SUBTRACT),
    "felt at once, by a config": by_settings,
    "without a current": lambda s: SpikingNetwork(
        nn.Linear(9, 3, bias=False), Lif(voltage_decay=100, threshold=0.3)
    ),
}


@pytest.mark.parametrize("kind", CONVERTED)
def test_quantized_modules__from_torch_keeps_every_spike(kind):
    torch.manual_seed(0)
    model = CONVERTED[kind](0).eval()
    quantize(model)
    spikes = np.random.default_rng(2).random((3, 24, *model.input_shape)) < 0.3
    with torch.no_grad():
        recorded = model.record(torch.tensor(spikes, dtype=torch.float32))
    assert sum(fired.sum() for fired in recorded.values()) > 10
    network, report = from_torch(model)
    padded = np.concatenate([spikes, np.zeros_like(spikes[:, :3])], axis=1)
    run = simulate(network, padded, n_steps=27)
    for name, fired in recorded.items():
        shift = report.shifts[name]  # what is felt at once is one step late on the chip
        assert shift == 0 or kind.startswith("felt at once")
        found = run.raster(name)[:, shift : shift + 24]
        assert found.tolist() == (fired.flatten(2).numpy() != 0).tolist()
