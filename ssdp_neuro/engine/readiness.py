"""Everything that a network's first run does once, done before a clock is started."""

from __future__ import annotations

import numpy as np

from hw_models import DaSsdpParams, FixedPointNetwork
from ssdp_neuro.engine.job import Job
from ssdp_neuro.engine.kernels.catalog import READERS, addresses_of
from ssdp_neuro.engine.latencies import Latencies
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.spike_input import spike_input


def make_ready(network: FixedPointNetwork) -> None:
    """Compile the kernels, or load them from disk, and lower the network.

    What is timed after it is the network alone.
    """
    addresses_of(READERS)
    simulator = Simulator(network, n_threads=1)
    simulator.run(None, n_steps=1, progress=False)
    if simulator.plan.plastic and all(
        isinstance(network.projection(name).plasticity, DaSsdpParams)  # type: ignore[union-attr]
        for name in simulator.plan.plastic
    ):
        _make_ready_to_learn(simulator)


def _make_ready_to_learn(simulator: Simulator) -> None:
    """Go through a sample of one step without a spike, from which nothing is learned."""
    # they import Numba, which a network that does not learn can do without
    from ssdp_neuro.engine.learning_task import (
        LearningRecord,
        LearningTask,
        dopamine_statistics,
        plastic_projections,
    )
    from ssdp_neuro.engine.learning_update import SampleUpdate
    from ssdp_neuro.engine.third_factors import ThirdFactors

    network = simulator.network
    plastic = plastic_projections(network, 1)
    task = LearningTask(
        network=network,
        plastic=plastic,
        given=spike_input(network, None, 1),
        factors=ThirdFactors(labels=None, rewards=None, losses=None, teacher={}),
        mask={name: np.zeros(1, dtype=bool) for name in plastic},
        dopamine=dopamine_statistics(plastic, None),
        seeds=dict.fromkeys(plastic, 0),
        seed=0,
        n_steps=1,
        n_samples=1,
        n_seen=1,
        first_sample=0,
    )
    latencies = Latencies(network, plastic, 1, simulator.plan.index)
    update = SampleUpdate(simulator, LearningRecord(task), latencies)
    job = Job(network, simulator.plan, 1, task.given, 1, ())
    with simulator.plan.state() as state:
        update.run(job.silent_tables(state, latencies.table), 0, 1, 1)
    update.apply(0)
