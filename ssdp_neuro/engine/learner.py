"""On-chip learning: samples one after the other, weights updated after each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models import (
    FixedPointNetwork,
    InputError,
    NameClashError,
    ShapeError,
    TypeMismatchError,
)
from hw_models.integers import integer
from ssdp_neuro.engine.learn_result import LearnResult, weight_change
from ssdp_neuro.engine.plasticity import DaSsdpRule
from ssdp_neuro.engine.progress import Progress
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.spike_input import spike_input
from ssdp_neuro.engine.third_factors import third_factors, winner


def learn(
    network: FixedPointNetwork,
    spikes: Any,
    labels: Any = None,
    *,
    n_steps: int,
    rewards: Any = None,
    teacher: Any = None,
    seed: int = 0,
    epochs: int = 1,
    learning_mask: Any = None,
    first_sample: int = 0,
    progress: bool | None = None,
) -> LearnResult:
    """Let the plastic projections of a network learn from samples, by integer DA-SSDP.

    Samples run one after the other; after each, every plastic projection is updated from
    that sample's spikes. A sequence of samples may be split over several calls: pass the
    result's network and ``next_sample`` on, and the weights are the same.

    Parameters
    ----------
    network
        A network in which at least one projection has ``plasticity``.
    spikes
        Input spikes of ``B`` samples (or one), see
        :func:`ssdp_neuro.engine.spike_input.spike_input`.
    labels
        For rules with ``ThirdFactor.TEACHER``: the neuron of the target population that
        should win each sample, int ``(B,)``.
    n_steps
        Steps of a sample.
    rewards
        For rules with ``ThirdFactor.REWARD``: one per sample, int ``(B,)``, in 1/128,
        -256..255.
    teacher
        Instead of labels: signed errors, int ``(B, n_post)``, in 1/128, -256..255; or a
        mapping from target populations to such arrays.
    seed
        Key of the stochastic rounding.
    epochs
        How often the samples are gone through.
    learning_mask
        Which samples are learned from, bool ``(B,)``; or a mapping from plastic
        projections to that or to a bool (those not named learn). All if not given.
    first_sample
        Number of the first sample, part of the key of the stochastic rounding.
    progress
        Whether to show a progress bar on a long run; by default on a terminal.

    Returns
    -------
    LearnResult

    Raises
    ------
    SsdpError
        If an argument does not fit, or a sample is too long for the latency codes.

    References
    ----------
    docs/fixed_point_da_ssdp.md
    """
    simulator = Simulator(network, n_threads=1, own_weights=True)
    rules = _rules(network, n_steps)
    epochs = integer("epochs", epochs, 1, 2**31 - 1)
    first_sample = integer("first_sample", first_sample, 0, 2**32 - 1)
    given = spike_input(network, spikes, integer("n_steps", n_steps, 1, 2**31 - 1))
    n_samples = 1 if given.n_samples is None else given.n_samples
    factors = third_factors(network, n_samples, labels, rewards, teacher)
    mask = _mask(learning_mask, list(rules), n_samples)

    n_seen = epochs * n_samples
    targets = dict.fromkeys(network.projection(name).target for name in rules)
    spike_counts = {
        name: np.zeros((n_seen, network.population(name).n_neurons), dtype=np.int32)
        for name in targets
    }
    decisions = {name: np.full(n_seen, -1, dtype=np.int32) for name in targets}
    rows_visited = dict.fromkeys(rules, 0)
    with Progress(sys.stderr.isatty() if progress is None else progress) as bar:
        for seen in range(n_seen):
            sample = seen % n_samples
            one = given.sample(sample, n_steps)
            run = simulator.run(one, n_steps=n_steps, seed=seed, progress=False)
            first_spikes = {name: run.first_spikes(name) for name in targets}
            for name in targets:
                counts = spike_counts[name][seen] = run.spike_counts(name)
                decisions[name][seen] = winner(counts, first_spikes[name])
            for name, rule in rules.items():
                if not mask[name][sample]:
                    continue
                projection = network.projection(name)
                counts = spike_counts[projection.target][seen]
                fired = first_spikes[projection.target]
                gates = factors.gates(projection, sample, counts, fired)
                rows_visited[name] += rule.update(
                    simulator.plastic_weights(name),
                    rule.codes(run.first_spikes(projection.source), n_steps),
                    rule.post_codes(fired, n_steps, gates),
                    gates,
                    seed=seed,
                    sample=first_sample + seen,
                )
            bar.update(seen + 1, n_seen, "samples")
    learned = simulator.current_network()
    return LearnResult(
        network=learned,
        n_samples=n_seen,
        next_sample=first_sample + n_seen,
        changes={
            name: weight_change(
                network.projection(name),
                learned.projection(name),
                epochs * int(mask[name].sum()),
                rows_visited[name],
            )
            for name in rules
        },
        spike_counts=spike_counts,
        decisions=decisions,
        seed=seed,
    )


def _rules(network: FixedPointNetwork, n_steps: int) -> dict[str, DaSsdpRule]:
    rules = {}
    for projection in network.projections:
        params = getattr(projection, "plasticity", None)
        if params is not None:
            rules[projection.name] = DaSsdpRule(params)
            rules[projection.name].check_steps(projection.name, n_steps)
    if not rules:
        raise InputError("no projection of the network has plasticity; nothing can learn")
    return rules


def _mask(given: Any, names: list[str], n_samples: int) -> dict[str, np.ndarray]:
    if given is None:
        given = True
    if not isinstance(given, Mapping):
        given = dict.fromkeys(names, given)
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise NameClashError(f"learning_mask: {unknown[0]!r}; plastic projections are {names}")
    masks = {}
    for name in names:
        mask = np.asarray(given.get(name, True))
        if mask.dtype.kind != "b":
            raise TypeMismatchError(f"learning_mask: dtype {mask.dtype}; booleans are needed")
        if mask.shape not in {(), (n_samples,)}:
            raise ShapeError(f"learning_mask: shape {mask.shape}; ({n_samples},) is needed")
        masks[name] = np.broadcast_to(mask, (n_samples,))
    return masks
