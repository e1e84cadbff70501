"""A network of two layers for the tests of to_fixed_point, variants of it, and its agreement."""

import numpy as np

from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealSparse,
)
from conversions.real_network.simulator import simulate_real
from ssdp_neuro import simulate

RNG = np.random.default_rng(7)
W1, W2 = RNG.normal(size=(30, 20)) * 0.25, RNG.normal(size=(4, 30)) * 0.5
SPIKES = RNG.random((24, 25, 20)) < 0.3


def layers(*, output=None, **settings):
    """20 inputs, 30 hidden neurons, 4 outputs."""
    hidden = NeuronDynamics(**{"voltage_kept": 0.9, "threshold": 1.0, **settings})
    last = NeuronDynamics(**{"voltage_kept": 0.9, "threshold": 1.0, **(output or {})})
    return RealNetwork(
        populations=[
            RealInput(name="in", shape=(20,)),
            RealNeurons(name="hidden", shape=(30,), dynamics=hidden),
            RealNeurons(name="out", shape=(4,), dynamics=last),
        ],
        projections=[
            RealProjection(source="in", target="hidden", map=RealDense(weights=W1)),
            RealProjection(source="hidden", target="out", map=RealDense(weights=W2)),
        ],
    )


def agreement(network, fixed, report, spikes=SPIKES):
    """Of every population that fires, over all its steps."""
    wanted = simulate_real(network, spikes).spikes
    late = max(report.shifts.values())
    padded = np.pad(spikes, ((0, 0), (0, late), (0, 0)))
    run = simulate(fixed, padded, n_steps=padded.shape[1])
    found = {}
    for neurons in network.neurons:
        shift = report.shifts[neurons.name]
        fired = run.raster(neurons.name)[:, shift : shift + spikes.shape[1]]
        both = wanted[neurons.name].sum() + fired.sum()
        if both:
            found[neurons.name] = 1 - (fired != wanted[neurons.name]).sum() / both
    return found


def conv_network(delayed):
    dynamics = NeuronDynamics(voltage_kept=1.0, threshold=0.5)
    """4 x 5 pixels and a convolution; if delayed, beside it one over a copy of the image."""
    rng = np.random.default_rng(8)
    conv = RealConv(weights=rng.integers(-2, 4, (2, 1, 2, 2)) / 8)
    projections = [RealProjection(source="in", target="maps", map=conv, latency=delayed)]
    if delayed:
        copied = RealSparse(pre=np.arange(20), post=np.arange(20), weights=np.ones(20))
        skip = RealConv(weights=np.ones((2, 1, 2, 2)) / 4)
        projections += [
            RealProjection(source="in", target="copy", map=copied),
            RealProjection(source="copy", target="maps", map=skip, latency=0),
        ]
    copy = [RealNeurons(name="copy", shape=(1, 4, 5), dynamics=dynamics)] if delayed else []
    return RealNetwork(
        populations=[
            RealInput(name="in", shape=(1, 4, 5)),
            *copy,
            RealNeurons(name="maps", shape=(2, 3, 4), dynamics=dynamics),
        ],
        projections=projections,
    )


def readout(**settings):
    """Layers whose last neurons never fire."""
    return layers(output={"threshold": np.inf, "voltage_kept": 0.95, **settings})
