"""On-chip learning by the twins alone: the dense network oracle and the plain integer rule."""

from __future__ import annotations

import dataclasses

import numpy as np

from hw_models import DaSsdpParams
from ssdp_neuro.oracle import plain_da_ssdp
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
            assert isinstance(params, DaSsdpParams), "another rule learns in epochs"
            pre_trains = run.raster(projection.source).T.tolist()
            post_trains = run.raster(projection.target).T.tolist()
            codes = [
                [
                    plain_da_ssdp.latency_code(t, params.latency_bits, params.latency_shift)
                    for t in trains
                ]
                for trains in (pre_trains, post_trains)
            ]
            gates = [128] * len(post_trains)
            if params.third_factor.value == "reward":
                gates = [int(rewards[number])] * len(post_trains)
            if params.third_factor.value == "teacher":
                gates = plain_da_ssdp.teacher_gates(post_trains, int(labels[number]))
                codes[1] = plain_da_ssdp.forced(params, codes[1], gates)
                winners.append(plain_da_ssdp.winner(post_trains))
            if params.third_factor.value == "dopamine":
                history = histories.setdefault(projection.name, [])
                silent = 2**params.latency_bits - 1
                synchrony = sum(
                    arrived(codes[0][i], delay, n_steps, params) != silent and codes[1][j] != silent
                    for i, j, _, delay in synapses_of(projection)
                )
                gates = [0] * len(post_trains)
                if len(history) < params.warm_up:
                    history.append((synchrony, int(losses[number])))
                else:
                    gate = plain_da_ssdp.dopamine_gate(history, synchrony, params.least_correlation)
                    gates = [gate] * len(post_trains)
            key = plain_da_ssdp.random_bits(seed, order) if order else seed
            order += 1
            weights = np.array(projection.weights)
            for place, (i, j, weight, delay) in zip(
                np.ndindex(weights.shape), synapses_of(projection), strict=True
            ):
                code = arrived(codes[0][i], delay, n_steps, params)
                bits = plain_da_ssdp.random_bits(key, first_sample + number, j, i)
                change = plain_da_ssdp.delta(params, code, codes[1][j], int(gates[j]), bits)
                low, high = params.weight_low, params.weight_high
                weights[place] = min(max(weight + change, low), high)
            learned.append(dataclasses.replace(projection, weights=weights))
        network = network.replace(*learned)
        on_sample(network)
    return network, winners


def synapses_of(projection):
    """``(pre, post, weight, delay)`` of every synapse, in the order of the weights."""
    weights = projection.weights
    delays = np.zeros(weights.shape, dtype=int) if projection.delays is None else projection.delays
    for place in np.ndindex(weights.shape):
        j, i = place if weights.ndim == 2 else (projection.post[place], projection.pre[place])
        yield int(i), int(j), int(weights[place]), int(delays[place])


def arrived(code, delay, n_steps, params):
    """Code of a source at a synapse with a delay; silent if its spike comes after the sample."""
    silent = 2**params.latency_bits - 1
    later = code + delay // 2**params.latency_shift
    return silent if code == silent or later > (n_steps - 1) // 2**params.latency_shift else later
