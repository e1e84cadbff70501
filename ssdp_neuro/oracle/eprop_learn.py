"""Integer e-prop on a whole network, by the twins alone: histories in the place of state.

Traces are summed up anew from all spikes of a sample, one neuron and one synapse at a time.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ssdp_neuro.oracle.dense_network import DenseLif
from ssdp_neuro.oracle.plain_da_ssdp import random_bits
from ssdp_neuro.oracle.projections import arrival_of, scaled


def learn(network, batch, labels, *, n_steps, seed=0, first_sample=0):
    """The network after every sample of ``batch`` (B, T, N), and all spikes by population."""
    learned = [p for p in network.projections if is_eprop(p)]
    weights, keys = beginning(network, seed)
    (input_name,) = [p.name for p in network.inputs]
    networks, spikes = [], []
    for number, (given, label) in enumerate(zip(batch, labels, strict=True)):
        first_step = (first_sample + number) * n_steps
        rasters = {input_name: given}
        for step in sample_steps(network, weights, rasters, n_steps, int(label), keys, first_step):
            fired = step[0]
        spikes.append(fired)
        records = [
            dataclasses.replace(p, weights=weights[p.name].astype(np.int16)) for p in learned
        ]
        networks.append(network.replace(*records))
    return networks, spikes


def is_eprop(projection):
    """Whether a projection has EpropParams."""
    return type(getattr(projection, "plasticity", None)).__name__ == "EpropParams"


def beginning(network, seed):
    """Weights by name, int64, and the first word of the key of each projection that learns."""
    learned = [p for p in network.projections if is_eprop(p)]
    keys = [random_bits(seed, k) if k else seed for k in range(len(learned))]
    return {p.name: p.weights.astype(np.int64) for p in learned}, keys


def sample_steps(network, weights, rasters, n_steps, label, keys, first_step, learns=None):
    """Run and learn from one sample, spikes ``(T, N)`` of every input; mutates ``weights``.

    Gives after every step all spikes until then, the neurons, and the sources' traces by
    projection. ``learns`` says which projections learn; all if not given.
    """
    learned = [p for p in network.projections if is_eprop(p)]
    fired = {p.name: np.zeros((n_steps, p.n_neurons), dtype=bool) for p in network.populations}
    for name, given in rasters.items():
        fired[name][...] = given
    neurons = {p.name: DenseLif(p, 1) for p in network.neurons}
    fixed = {
        p.name: arrival_of(p, network.population(p.source), network.population(p.target))
        for p in network.projections
        if not is_eprop(p)
    }
    under_way = {
        p.name: np.zeros((n_steps + 65, network.population(p.target).n_neurons), dtype=np.int64)
        for p in learned
    }
    listed = {p.name: synapses_of(p) for p in learned}
    (taught,) = {p.target for p in learned if p.plasticity.feedback is None}
    error_rule = next(p.plasticity for p in learned if p.plasticity.feedback is None)
    for step in range(n_steps):
        for name, one in neurons.items():
            total = np.zeros((1, one.population.n_neurons), dtype=np.int64)
            for p in network.projections:
                if p.target == name and p.name in under_way:
                    total += under_way[p.name][step]
                elif p.target == name:
                    total += fixed[p.name].arriving(fired[p.source][None], step)
            fired[name][step] = one.step(step + 1, total)[0]
        for p in learned:
            for delay in {late for _, _, _, late in listed[p.name]}:
                sums = np.zeros(under_way[p.name].shape[1], dtype=np.int64)
                for place, j, i, late in listed[p.name]:
                    if late == delay and fired[p.source][step, i]:
                        sums[j] += weights[p.name][place]
                under_way[p.name][step + 1 + delay] += scaled(sums, p.weight_exponent)
        errors = [
            trace(error_rule, fired[taught][: step + 1, k]) - error_rule.wanted * (k == label)
            for k in range(fired[taught].shape[1])
        ]
        traces = {}
        for p, key in zip(learned, keys, strict=True):
            rule = p.plasticity
            target, source = neurons[p.target], fired[p.source][: step + 1]
            now = [arrivals(rule, source, i, 0) for i in range(source.shape[1])]
            traces[p.name] = [trace(rule, train) for train in now]
            if learns is not None and not learns[p.name]:
                continue
            signals, slopes, forgotten = [], [], []
            for j in range(target.population.n_neurons):
                own = fired[p.target][: step + 1, j]
                signals.append(errors[j] if rule.feedback is None else fed_back(rule, j, errors))
                slopes.append(pseudo_derivative(rule, target, j, own, int(target.v[0, j])))
                refractory = target.population.refractory
                forgotten.append(last_reset(own, refractory) if is_stamped(rule) else 0)
            known = {}
            for place, j, i, late in listed[p.name]:
                if (i, late) not in known:
                    train = arrivals(rule, source, i, late)
                    known[i, late] = train, trace(rule, train)
                train, m = known[i, late]
                product = -signals[j] * slopes[j] * m
                if product == 0 or not any(train[forgotten[j] :]):
                    continue  # bits below 2**shift alone change nothing
                bits = random_bits(key, first_step + step, j, i) % 2**rule.shift
                changed = int(weights[p.name][place]) + (product + bits) // 2**rule.shift
                weights[p.name][place] = min(max(changed, rule.weight_low), rule.weight_high)
        yield fired, neurons, traces


def synapses_of(projection):
    """``(place in its weights, target, source, delay)`` of each."""
    if hasattr(projection, "pre"):
        ends = zip(projection.post, projection.pre, strict=True)
        found = [((k,), int(j), int(i)) for k, (j, i) in enumerate(ends)]
    else:
        found = [((j, i), j, i) for j, i in np.ndindex(projection.weights.shape)]
    late = projection.delays
    return [(place, j, i, 0 if late is None else int(late[place])) for place, j, i in found]


def is_stamped(rule):
    """Whether a source's last spike alone counts, since the target's last reset."""
    return rule.reset_eligibility.name == "TIME_STAMP"


def arrivals(rule, spikes, source, delay):
    """Steps until now in which a source's spikes arrive, one and ``delay`` steps late."""
    train = np.zeros(len(spikes), dtype=bool)
    train[1 + delay :] = spikes[: max(len(spikes) - 1 - delay, 0), source]
    if is_stamped(rule) and train.any():
        last = np.flatnonzero(train)[-1]
        train[:last] = False
    return train


def last_reset(spikes, refractory):
    """Step of a neuron's last reset until now, 0 without one: two come of each spike."""
    now = len(spikes) - 1
    resets = [s + late for s in np.flatnonzero(spikes) for late in (1, refractory + 1)]
    return max((s for s in resets if s <= now), default=0)


def trace(rule, spikes):
    """Trace of one neuron after all its spikes, a sequence of 0 and 1 over the steps."""
    value = 0
    for spike in spikes:
        value -= -(-value // 2**rule.decay_shift)
        if spike:
            value = min(value + rule.impulse, 2**rule.trace_bits - 1)
    return value


def fed_back(rule, neuron, errors):
    """Learning signal of one target."""
    total = sum(int(w) * e for w, e in zip(rule.feedback[neuron], errors, strict=True))
    return min(max(total // 2**rule.feedback_shift, -255), 255)


def pseudo_derivative(rule, target, neuron, spikes, potential):
    """By the neuron's spikes until now and its membrane potential after this step."""
    if spikes[-1]:
        return rule.psi_levels
    if any(spikes[-1 - k] for k in range(1, target.population.refractory + 1) if k < len(spikes)):
        return rule.psi_refractory
    distance = abs(potential - int(target.compared_with[0, neuron]))
    return max(rule.psi_levels - distance // 2**rule.psi_shift, 0)
