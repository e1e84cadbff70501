"""On-chip learning by the twins alone: the dense network oracle and the plain integer rule."""

from __future__ import annotations

import dataclasses

import numpy as np

from ssdp_neuro.oracle import da_ssdp
from ssdp_neuro.oracle.simulate import simulate


def learn(
    network,
    batch,
    *,
    n_steps,
    labels=None,
    rewards=None,
    losses=None,
    seed=0,
    first_sample=0,
    on_sample=lambda network: None,
):
    """The network after every sample of ``batch`` (B, T, N), and the winners before updates."""
    winners = []
    histories = {}
    for number, spikes in enumerate(batch):
        run = simulate(network, spikes, n_steps=n_steps)
        learned = []
        order = 0
        for projection in network.projections:
            if getattr(projection, "plasticity", None) is None:
                continue
            params = projection.plasticity
            pre_trains = run.raster(projection.source).T.tolist()
            post_trains = run.raster(projection.target).T.tolist()
            codes = [
                [da_ssdp.latency_code(t, params.latency_bits, params.latency_shift) for t in trains]
                for trains in (pre_trains, post_trains)
            ]
            gates = [128] * len(post_trains)
            if params.third_factor.value == "reward":
                gates = [int(rewards[number])] * len(post_trains)
            if params.third_factor.value == "teacher":
                gates = da_ssdp.teacher_gates(post_trains, int(labels[number]))
                codes[1] = da_ssdp.forced(params, codes[1], gates)
                winners.append(da_ssdp.winner(post_trains))
            if params.third_factor.value == "dopamine":
                history = histories.setdefault(projection.name, [])
                n_fired = [sum(any(train) for train in t) for t in (pre_trains, post_trains)]
                synchrony = n_fired[0] * n_fired[1]
                gates = [0] * len(post_trains)
                if len(history) < params.warm_up:
                    history.append((synchrony, int(losses[number])))
                else:
                    gate = da_ssdp.dopamine_gate(history, synchrony, params.least_correlation)
                    gates = [gate] * len(post_trains)
            key = da_ssdp.random_bits(seed, order) if order else seed
            order += 1
            weights = da_ssdp.update(
                projection.weights.T.tolist(), params, *codes, gates, key, first_sample + number
            )
            learned.append(dataclasses.replace(projection, weights=np.array(weights).T))
        network = network.replace(*learned)
        on_sample(network)
    return network, winners
