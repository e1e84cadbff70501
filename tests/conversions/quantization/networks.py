"""Random networks whose real arithmetic is exact in the chip's integers.

Weights, biases and thresholds are whole multiples of half a quantum. Without leak nothing is
ever rounded. With leaks of one half, a step halves what the integers have, and their last bits
(6 of alignment, 4 of the exponent, 1 of even mantissas) last for 11 steps. Exponents are so
small that no potential leaves its register.
"""

import dataclasses

import numpy as np
from hypothesis import strategies as st

from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
    RealSparse,
)
from hw_models.weight_grid import WeightGrid

QUANTUM = 2.0**-5
HALVING_STEPS = 11


def whole(rng, shape, low=-6, high=9):
    return rng.integers(low, high + 1, size=shape) * QUANTUM


@st.composite
def dynamics(draw, *, halving, gridded):
    """Neurons of which one step is exact."""
    kept = st.sampled_from([0.0, 0.5]) if halving else st.just(0.0)
    current_kept = draw(kept)
    voltage_kept = 0.5 if halving and draw(st.booleans()) else 1.0
    quanta = draw(st.integers(1, 40))
    exponent = 4 if halving else draw(st.integers(0, 2))
    grid = WeightGrid(
        weight_exponent=exponent,
        threshold=quanta * 4 << exponent,
        real_threshold=quanta * QUANTUM,
    )
    bias = draw(st.sampled_from([0, 0, 1, -1, 3, 50]))
    latency = draw(st.sampled_from([0, 0, 1]))
    start = 0 if latency else draw(st.sampled_from([0, 0, 8, -4, 88]))
    return NeuronDynamics(
        current_kept=current_kept,
        voltage_kept=voltage_kept,
        threshold=quanta * QUANTUM,
        gain=draw(st.sampled_from([1.0, 0.5, 2.0])),
        bias=bias * QUANTUM,
        current_bias=draw(st.sampled_from([0, 0, 2, -4])) * QUANTUM,
        # between two thresholds a leaking potential has values that equality must tell apart
        fires_at_threshold=not halving and draw(st.booleans()),
        reset=draw(st.sampled_from(list(RealReset))),
        refractory=draw(st.sampled_from([0, 0, 1, 3])),
        latency=latency,
        initial=start * QUANTUM,
        grid=grid if gridded else None,
    )


@st.composite
def exact_networks(draw, *, halving=False, gridded=True):
    """An input, a convolution, a dense and a sparse layer, with loops and shortcuts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    neurons = {
        name: RealNeurons(
            name=name, shape=shape, dynamics=draw(dynamics(halving=halving, gridded=gridded))
        )
        for name, shape in (("maps", (3, 4, 3)), ("middle", (7,)), ("output", (4,)))
    }
    conv = RealConv(weights=whole(rng, (3, 2, 2, 3)), stride=(1, 1), padding=(0, 1))
    projections = [
        RealProjection(source="pixels", target="maps", map=conv, latency=draw(st.integers(0, 2))),
        RealProjection(
            source="maps",
            target="middle",
            map=RealDense(weights=whole(rng, (7, 36))),
            latency=draw(st.integers(0, 1)),
        ),
        RealProjection(
            source="middle",
            target="output",
            map=RealDense(weights=whole(rng, (4, 7), low=0)),
            delays=rng.integers(0, 4, (4, 7)),
        ),
    ]
    if draw(st.booleans()):
        pairs = rng.permutation(7 * 7)[:20]
        projections.append(
            RealProjection(
                source="middle",
                target="middle",
                map=RealSparse(pre=pairs // 7, post=pairs % 7, weights=whole(rng, 20)),
                latency=draw(st.integers(1, 3)),
            )
        )
    if draw(st.booleans()):
        weights = RealDense(weights=whole(rng, (7, 4)))
        projections.append(RealProjection(source="output", target="middle", map=weights, latency=2))
    if draw(st.booleans()):
        pairs = rng.permutation(24 * 4)[:30]
        shortcut = RealSparse(pre=pairs // 4, post=pairs % 4, weights=whole(rng, 30))
        projections.append(RealProjection(source="pixels", target="output", map=shortcut))
    if draw(st.booleans()):
        again = RealConv(weights=whole(rng, (3, 3, 1, 1)))
        projections.append(RealProjection(source="maps", target="maps", map=again, latency=3))
    return RealNetwork(
        populations=[RealInput(name="pixels", shape=(2, 5, 3)), *neurons.values()],
        projections=projections,
    )


def with_dynamics(network, **changes):
    """The same network with some settings of all its neurons changed."""
    return RealNetwork(
        populations=[
            dataclasses.replace(p, dynamics=dataclasses.replace(p.dynamics, **changes))
            if isinstance(p, RealNeurons)
            else p
            for p in network.populations
        ],
        projections=network.projections,
    )
