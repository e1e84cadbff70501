"""Everything that a network's first run does once, done before a clock is started."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.plasticity import DaSsdpRule
from ssdp_neuro.engine.simulator import Simulator


def make_ready(network: FixedPointNetwork) -> None:
    """Compile the kernels, or load them from disk, and lower the network.

    What is timed after it is the network alone.
    """
    from ssdp_neuro.engine.kernels.raster import events_of_rows

    events_of_rows(np.zeros((1, 1), dtype=np.uint8))
    simulator = Simulator(network, n_threads=1)
    simulator.run(None, n_steps=1, progress=False)
    for name in simulator.plan.plastic:
        plastic: Any = network.projection(name)
        rule = DaSsdpRule(plastic.plasticity)
        codes, gates = np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.int32)
        rule.update(simulator.plastic_weights(name)[:0, :0], codes, codes, gates)
