"""Networks trained on real digits keep what they learnt at 8 bits."""

import functools

import numpy as np
import pytest
import torch
from torch import nn

from conversions.quantization import Calibration, ScaleForm, to_fixed_point
from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
)
from conversions.real_network.simulator import simulate_real
from ssdp_neuro import simulate
from ssdp_neuro.decision import decide
from ssdp_neuro.training import FastSigmoid, spike
from tests.digits_parts import digits_parts

N_STEPS = 12


@functools.cache
def digits():
    """Spikes of brightness as a rate, and labels: to learn from, and held out."""
    split, rng = digits_parts(), np.random.default_rng(0)
    return [
        (
            rng.random((len(part), N_STEPS, 1, 8, 8)) < part.images.reshape(-1, 1, 1, 8, 8),
            part.labels,
        )
        for part in (split.train, split.held_out)
    ]


def layer_of(linear, dynamics, x):
    """One layer over time, ``(T, B, ...)``: spikes and potentials, as NeuronDynamics has them."""
    current = linear(x.flatten(0, 1))
    current = current.reshape(*x.shape[:2], *current.shape[1:])
    u = v = fired = torch.zeros_like(current[0])
    spikes, potentials = [], []
    for arrived in current:
        u = float(dynamics.current_kept[0]) * u + arrived
        v = float(dynamics.voltage_kept[0]) * v + u
        if dynamics.reset is RealReset.DELAYED_SUBTRACT:
            v = v - fired.detach()
        fired = spike(v - 1.0, FastSigmoid())
        if dynamics.reset is RealReset.ZERO:
            v = v * (1 - fired.detach())
        spikes.append(fired)
        potentials.append(v)
    return torch.stack(spikes), torch.stack(potentials)


HIDDEN = {
    "delayed subtraction": NeuronDynamics(
        voltage_kept=0.9, threshold=1.0, reset=RealReset.DELAYED_SUBTRACT
    ),
    "currents": NeuronDynamics(voltage_kept=0.85, current_kept=0.6, threshold=1.0),
    "convolution": NeuronDynamics(voltage_kept=1.0, threshold=1.0),
}
READOUT = NeuronDynamics(voltage_kept=0.9, threshold=np.inf)


@functools.cache
def trained(kind, readout):
    """The network in real numbers, learnt in PyTorch."""
    torch.manual_seed(0)
    first = nn.Conv2d(1, 8, 3, stride=2) if kind == "convolution" else nn.Linear(64, 64)
    second = nn.Linear(72 if kind == "convolution" else 64, 10)
    hidden, (spikes, labels) = HIDDEN[kind], digits()[0]
    given = torch.tensor(spikes, dtype=torch.float32).transpose(0, 1)
    if kind != "convolution":
        given = given.flatten(2)
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=1e-2)
    for _ in range(6):
        for chosen in torch.randperm(len(labels)).split(64):
            fired, _ = layer_of(first, hidden, given[:, chosen])
            output, potentials = layer_of(second, READOUT if readout else hidden, fired.flatten(2))
            scores = potentials.mean(0) if readout else output.sum(0)
            optimizer.zero_grad()
            nn.functional.cross_entropy(scores, torch.tensor(labels[chosen])).backward()
            optimizer.step()
    return as_real(first, second, hidden, READOUT if readout else hidden)


def as_real(first, second, hidden, last):
    def biased(dynamics, linear, repeats):
        bias = np.repeat(linear.bias.detach().double().numpy(), repeats)
        settings = {f: getattr(dynamics, f) for f in ("voltage_kept", "current_kept", "threshold")}
        return NeuronDynamics(**settings, reset=dynamics.reset, current_bias=bias)

    one, two = (linear.weight.detach().double().numpy() for linear in (first, second))
    shape = (8, 3, 3) if one.ndim == 4 else (64,)
    maps = [RealConv(weights=one, stride=2) if one.ndim == 4 else RealDense(weights=one)]
    return RealNetwork(
        populations=[
            RealInput(name="pixels", shape=(1, 8, 8)),
            RealNeurons(
                name="hidden",
                shape=shape,
                dynamics=biased(hidden, first, 9 if one.ndim == 4 else 1),
            ),
            RealNeurons(name="output", shape=(10,), dynamics=biased(last, second, 1)),
        ],
        projections=[
            RealProjection(source="pixels", target="hidden", map=maps[0]),
            RealProjection(source="hidden", target="output", map=RealDense(weights=two)),
        ],
    )


def held_out_results(network, fixed, report):
    """Accuracy before and after, and the spike agreement of the hidden layer."""
    spikes, labels = digits()[1]
    real, late = simulate_real(network, spikes), max(report.shifts.values())
    padded = np.pad(spikes.reshape(len(spikes), N_STEPS, 64), ((0, 0), (0, late), (0, 0)))
    readouts = [(name, "v") for name in real.potentials]
    run = simulate(fixed, padded, n_steps=N_STEPS + late, probes=readouts)
    first = report.shifts["hidden"]
    fired = run.raster("hidden")[:, first : first + N_STEPS]
    wanted = real.spikes["hidden"]
    agreement = 1 - (fired != wanted).sum() / (fired.sum() + wanted.sum())
    if readouts:
        was = real.potentials["output"].mean(axis=1).argmax(axis=1)
        now = run.probe("output", "v")[:, late:].mean(axis=1).argmax(axis=1)
    else:
        was, now = decide(real.spikes["output"]), decide(run.raster("output")[:, late:])
    return (was == labels).mean(), (now == labels).mean(), agreement


@pytest.mark.parametrize(
    ("kind", "readout"),
    [("delayed subtraction", False), ("currents", True), ("convolution", False)],
)
def test_to_fixed_point__a_trained_network_keeps_its_accuracy(kind, readout):
    network = trained(kind, readout)
    spikes, labels = (part[:200] for part in digits()[0])
    agreements = []
    for settings in (
        {"scales": ScaleForm.LAYER},
        {"scales": ScaleForm.NEURON},
        {"calibration": Calibration(spikes=spikes, labels=labels)},
    ):
        fixed, report = to_fixed_point(network, **settings)
        before, after, agreement = held_out_results(network, fixed, report)
        assert before > 0.85
        assert after > before - (0.01 if report.n_samples else 0.02)
        agreements.append(agreement)
    assert agreements[0] > 0.95
    assert agreements[2] > max(agreements[0], agreements[1] - 0.002)
    assert report.accuracy_after > report.accuracy_before - 0.01
