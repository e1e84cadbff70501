"""What rules hear and learn of the steps that a network has just run."""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.rule_epoch import end_epoch
from ssdp_neuro.engine.kernels.rule_tables import FIRST_POST_TRACE
from ssdp_neuro.engine.kernels.rule_traces import note_spike


@part
def spikes_before(p, counts):
    """Spikes in a step of the populations before ``p``."""
    total = 0
    for before in range(p):
        total += counts[before]
    return total


@part
def note_listed(program, neurons, last, traces, fired, n_fired, first, start, within, lava_draw):
    """Keep the step of each spike; returns how many neurons have fired in the epoch."""
    for i in range(neurons.shape[0]):
        n_fired = note_spike(
            program,
            np.int64(neurons[i]),
            last,
            traces,
            fired,
            n_fired,
            first,
            start,
            within,
            lava_draw,
        )
    return n_fired


@part
def learn_step(program, learner, pre, post, sent, draws, at, clock):
    """The step ``at`` of a run, before which a projection learned ``clock`` steps; visits."""
    now = clock + at + 1
    within = (now - 1) % program.epoch + 1
    start = now - within
    burst = draws.burst[at] if program.is_lava else np.int64(0)
    learner.n_fired[0] = note_listed(
        program,
        pre,
        learner.tx,
        learner.x,
        learner.pre_fired,
        learner.n_fired[0],
        0,
        start,
        within,
        -1,
    )
    learner.n_fired[1] = note_listed(
        program,
        post,
        learner.ty,
        learner.y,
        learner.post_fired,
        learner.n_fired[1],
        FIRST_POST_TRACE,
        start,
        within,
        burst,
    )
    if program.is_sent:
        for k in range(3):
            for neuron in range(learner.n_post):
                learner.y[k, neuron] = sent[at, k, neuron] if sent.shape[0] > 0 else 0
    if within < program.epoch:
        return np.int64(0)
    decay_x = draws.decay[0, at] if program.is_lava else 0.0
    decay_y = draws.decay[1, at] if program.is_lava else 0.0
    epochs = now // program.epoch - clock // program.epoch - 1
    rounding = draws.rounding[epochs] if program.is_lava else np.int64(0)
    impulses = draws.impulse[:, at if program.is_lava else 0]
    return np.int64(end_epoch(program, learner, now, decay_x, decay_y, impulses, rounding))


@lean_kernel
def learn_steps(program, learner, ends, counts, out, n_out, sent, draws, at, clock):
    """Steps of a projection, up to the end of an epoch and no further.

    Parameters
    ----------
    ends : int64 (2,)
        Populations of source and target.
    counts : int32 (T, P)
        Spikes by step and population.
    out : int32
        Neurons that fired, in that order, from place ``n_out`` on.
    sent : int64 (of the run, 3, n_post)
        What the target sends; without a step, zeros.
    draws
        Lava's random numbers of the run.
    at, clock
        Of the first step: its place in the run. Steps that the rule learned before the run.

    Returns
    -------
    Synapses visited.
    """
    n_visited = np.int64(0)
    source, target = ends[0], ends[1]
    for step in range(counts.shape[0]):
        fired = counts[step]
        pre = n_out + spikes_before(source, fired)
        post = n_out + spikes_before(target, fired)
        n_visited += learn_step(
            program,
            learner,
            out[pre : pre + fired[source]],
            out[post : post + fired[target]],
            sent,
            draws,
            at + step,
            clock,
        )
        n_out += spikes_before(fired.shape[0], fired)
    return n_visited
