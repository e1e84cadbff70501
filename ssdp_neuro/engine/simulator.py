"""The event-driven engine's front: check, choose the windows, run, collect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, TypeMismatchError, UnknownNameError
from hw_models.errors import brief
from hw_models.integers import integer
from ssdp_neuro.engine.core_use import MOST_THREADS, available_cores, is_overloaded
from ssdp_neuro.engine.job import Job
from ssdp_neuro.engine.plan import Plan, plan_of
from ssdp_neuro.engine.results import RunResult, check_probes
from ssdp_neuro.engine.spike_input import spike_input
from ssdp_neuro.progress import Progress

MAX_STEPS = 2**31 - 1


def simulate(
    network: FixedPointNetwork,
    spikes: Any,
    n_steps: int,
    *,
    probes: Iterable[tuple[str, str]] = (),
    seed: int = 0,
    n_threads: int | None = None,
) -> RunResult:
    """Run a network in integers, event-driven, exactly as Lava's fixed-point models do.

    Parameters
    ----------
    network
        What to run. It is lowered on its first run and kept ready as long as it lives.
    spikes
        Input spikes, see :func:`ssdp_neuro.engine.spike_input.spike_input`; None for a
        network that drives itself.
    n_steps
        Steps of a sample, at least 1.
    probes
        ``(population, "u" or "v")`` pairs to record at every step.
    seed
        Kept in the result; a run without learning has no randomness.
    n_threads
        Threads that share the samples of a batch, or the neurons of one sample of a large
        network; if not given, as many as the process may use cores, and one for one sample on a
        machine that is overloaded. The result does not depend on it.

    Returns
    -------
    RunResult
        Spikes, probes and event counts.

    Raises
    ------
    SsdpError
        If an argument does not fit; see :mod:`hw_models.errors`.
    """
    return Simulator(network, n_threads=n_threads).run(
        spikes, n_steps=n_steps, probes=probes, seed=seed
    )


class Simulator:
    """A network ready to run, with weights that learning may change.

    Parameters
    ----------
    network
        What to run.
    n_threads
        Threads that share the samples of a batch, or the neurons of one sample of a large
        network; if not given, as many as the process may use cores.
    own_weights
        Whether plastic weights are this simulator's own and may be changed, or the
        network's, shared by all its simulators.
    """

    def __init__(
        self,
        network: FixedPointNetwork,
        *,
        n_threads: int | None = None,
        own_weights: bool = False,
    ) -> None:
        if not isinstance(network, FixedPointNetwork):
            raise TypeMismatchError(f"network: {brief(network)}; a FixedPointNetwork is needed")
        self.network = network
        given = available_cores() if n_threads is None else n_threads
        self.n_threads = integer("n_threads", given, 1, MOST_THREADS)
        self._is_free = n_threads is None
        self.plan = Plan(network) if own_weights else plan_of(network)

    def plastic_weights(self, name: str) -> np.ndarray:
        """Weights of a plastic projection as the engine reads them.

        Returns
        -------
        int8 or int16, shape ``(n_pre, n_padded)``, writable; columns beyond ``n_post``
        are padding, which no neuron hears. Of listed synapses: int16, ``(n_synapses,)``.

        Raises
        ------
        UnknownNameError
            If there is no plastic projection of that name.
        """
        if name not in self.plan.plastic:
            known = ", ".join(map(repr, self.plan.plastic)) or "none"
            raise UnknownNameError(f"no plastic projection named {name!r}; there are {known}")
        return self.plan.weights(name)

    def current_network(self) -> FixedPointNetwork:
        """The network with its plastic weights as they are now."""
        import dataclasses

        records = []
        for name in self.plan.plastic:
            projection: Any = self.network.projection(name)
            weights = self.plan.weights(name)
            if weights.ndim == 2:
                weights = weights[:, : projection.weights.shape[0]].T
            elif projection.weights.ndim == 2:  # with delays: listed by source, then target
                weights = weights.reshape(projection.weights.shape[::-1]).T
            records.append(dataclasses.replace(projection, weights=weights))
        return self.network.replace(*records)

    def set_plastic_weights(self, projection: Any) -> None:
        """Put the weights of a plastic projection, a record like the network's own, in place."""
        weights, given = self.plan.weights(projection.name), projection.weights
        if weights.ndim == 2:
            weights[:, : given.shape[0]] = given.T
        else:  # listed by source, then target
            weights[:] = given.T.reshape(-1) if given.ndim == 2 else given

    def run(
        self,
        spikes: Any,
        *,
        n_steps: int,
        probes: Iterable[tuple[str, str]] = (),
        seed: int = 0,
        progress: bool | None = None,
    ) -> RunResult:
        """Run samples; see :func:`simulate`.

        Parameters
        ----------
        progress
            Whether to show a progress bar on a long run; by default on a terminal.
        """
        n_steps = integer("n_steps", n_steps, 1, MAX_STEPS)
        seed = integer("seed", seed, 0, 2**63 - 1)
        probe_pairs = check_probes(self.network, probes)
        given = spike_input(self.network, spikes, n_steps)
        is_alone = given.n_samples in (None, 1) and self._is_free and is_overloaded()
        n_threads = 1 if is_alone else self.n_threads
        job = Job(self.network, self.plan, n_threads, given, n_steps, probe_pairs)
        with Progress(progress) as bar:
            if job.n_samples == 1:
                job.run_steps(bar)
            else:
                job.run_samples(bar)
        return RunResult(
            sizes={
                population.name: population.n_neurons for population in self.network.populations
            },
            n_steps=n_steps,
            n_samples=given.n_samples,
            reader=job.reader(),
            probes=job.probe_arrays(),
            counts=job.event_counts(),
            executor="engine",
            seed=seed,
        )
