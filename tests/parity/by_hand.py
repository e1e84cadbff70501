"""Tiny networks whose course can be worked out by hand, and all that can run them."""

import numpy as np
import pytest

from conversions import LavaExecution, run_lava
from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import simulate
from ssdp_neuro.oracle.simulate import simulate as oracle

NEVER = 2**25 - 1  # a threshold beyond every membrane potential
MEMORYLESS = {"current_decay": 4095, "voltage_decay": 4096}


def run_in_lava(network, spikes, *, n_steps, probes):
    return run_lava(network, spikes, n_steps, probes=probes, execution=LavaExecution.DIRECT)


EVERYWHERE = pytest.mark.parametrize(
    "run", [oracle, simulate, run_in_lava], ids=["oracle", "engine", "lava"]
)


def one_neuron(*projections, size=1, **neuron):
    """A network of ``size`` inputs and one neuron, ``out``; memoryless unless told."""
    defaults = {"shape": (1,), "threshold": NEVER, **MEMORYLESS}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(size,)),
            LifPopulation(name="out", **{**defaults, **neuron}),
        ],
        projections=projections,
    )


def dense(weights, **fields):
    return DenseProjection(source="in", target="out", weights=weights, **fields)


def pulse(n_steps, size=1, step=0):
    spikes = np.zeros((n_steps, size), dtype=bool)
    spikes[step] = True
    return spikes
