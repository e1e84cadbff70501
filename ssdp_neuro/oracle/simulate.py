"""The oracle behind the same call as the engine."""

from __future__ import annotations

from typing import Any

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.results import EventCounts, RasterReader, RunResult, check_probes
from ssdp_neuro.engine.spike_input import spike_input
from ssdp_neuro.oracle.dense_network import run_oracle


def simulate(
    network: FixedPointNetwork,
    spikes: Any,
    n_steps: int,
    *,
    probes: Any = (),
    seed: int = 0,
) -> RunResult:
    """Run a network in the oracle; arguments and result as of ``ssdp_neuro.simulate``.

    Every neuron is computed in every step, so ``neuron_updates`` is steps times neurons
    times samples.
    """
    pairs = check_probes(network, probes)
    given = spike_input(network, spikes, n_steps)
    run = run_oracle(network, given.rasters(network, n_steps), n_steps, pairs)
    sizes = {population.name: population.n_neurons for population in network.populations}
    single = given.n_samples is None
    n_samples = 1 if given.n_samples is None else given.n_samples
    return RunResult(
        sizes=sizes,
        n_steps=n_steps,
        n_samples=given.n_samples,
        reader=RasterReader(run.rasters),
        probes={pair: values[0] if single else values for pair, values in run.probes.items()},
        counts=EventCounts(
            spikes=run.spikes,
            synaptic_operations=run.synaptic_operations,
            neuron_updates={
                population.name: population.n_neurons * n_steps * n_samples
                for population in network.neurons
            },
        ),
        executor="oracle",
        seed=seed,
    )
