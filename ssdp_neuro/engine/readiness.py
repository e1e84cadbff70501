"""Everything that a network's first run does once, done before a clock is started."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.plastic_projection import DaSsdpRule, listed_synapses
from ssdp_neuro.engine.projection_table import LoweredSynapses
from ssdp_neuro.engine.simulator import Simulator


def make_ready(network: FixedPointNetwork) -> None:
    """Compile the kernels, or load them from disk, and lower the network.

    What is timed after it is the network alone.
    """
    from ssdp_neuro.engine.kernels.raster import events_of_rows

    events_of_rows(np.zeros((1, 1), dtype=np.uint8))
    simulator = Simulator(network, n_threads=1)
    run = simulator.run(None, n_steps=1, progress=False)
    for name in run.populations[:1]:
        for read in (run.spike_counts, run.first_spikes, run.raster, run.events):
            read(name)
    for name in simulator.plan.plastic:
        plastic: Any = network.projection(name)
        rule = DaSsdpRule(plastic.plasticity)
        codes, gates = np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.int32)
        weights = simulator.plastic_weights(name)
        if weights.ndim == 2:
            rule.update(weights[:0, :0], codes, codes, gates)
            continue
        none = np.zeros(0, dtype=np.int32)
        synapses = listed_synapses(rule.params, LoweredSynapses(none, none, none, None), 1)
        rule.update_listed(weights[:0], synapses, codes, codes, gates)
