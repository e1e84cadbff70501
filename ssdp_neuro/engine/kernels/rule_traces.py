"""Traces of both ends of a projection, and the numbers that products make of them.

docs/explanation/learning_engine.md says what is computed.

A product is a number of the source times a number of the target times factors of the synapse,
all modulo 2**32, so the first two are made once per neuron: ``source`` and ``target``.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.random_words import absorb, key_offset, next_offset
from ssdp_neuro.engine.kernels.rule_tables import (
    DECAY_KEY,
    EPOCH,
    FIRST_POST_TRACE,
    IMPULSE_KEY,
    OWN,
    POST_SPIKE,
    PRE_SPIKE,
    X0,
    X2,
    Y0,
)

BEYOND = 2**20  # further than every factor's range


@part
def place_offset(seed, key, step, first):
    """What the last word of a key of five is added to."""
    offset = next_offset(absorb(key_offset(seed, key), np.uint32(step & 0xFFFFFFFF)))
    return next_offset(absorb(offset, np.uint32(first)))


@part
def impulse_of(program, trace, step, neuron, lava_draw):
    """An impulse, its fraction added by chance; of a draw below 0 always."""
    units = program.units[trace]
    if units == 0:
        return program.whole[trace]
    if program.is_lava:
        draw = lava_draw
    else:
        offset = place_offset(program.seed, IMPULSE_KEY, step, trace)
        draw = np.int64(absorb(offset, np.uint32(neuron)) >> np.uint32(24))
    return program.whole[trace] + (1 if draw < units else 0)


@part
def add_impulse(program, traces, k, trace, neuron, step, lava_draw):
    """Add an impulse to a trace, which holds 0..127."""
    value = np.int64(traces[k, neuron]) + impulse_of(program, trace, step, neuron, lava_draw)
    traces[k, neuron] = min(max(value, 0), 127)


@part
def note_spike(program, neuron, last, traces, fired, n_fired, first, start, within, lava_draw):
    """Keep the step of a spike; an earlier one of the epoch counts at the epoch's start."""
    if last[neuron] > 0:
        for k in range(traces.shape[0]):
            step = start + last[neuron]
            add_impulse(program, traces, k, first + k, neuron, step, lava_draw)
    else:
        fired[n_fired] = neuron
        n_fired += 1
    last[neuron] = within
    return n_fired


@part
def note_spikes(program, spikes, last, traces, fired, n_fired, first, start, within, lava_draw):
    """The same of all neurons of a row of flags; returns how many have fired in the epoch."""
    if program.epoch == 1:  # no earlier spikes: without branches
        for neuron in range(spikes.shape[0]):
            fired[n_fired] = neuron
            n_fired += np.int64(spikes[neuron])
            last[neuron] = np.int32(spikes[neuron])
        return n_fired
    for neuron in range(spikes.shape[0]):
        if spikes[neuron]:
            n_fired = note_spike(
                program, neuron, last, traces, fired, n_fired, first, start, within, lava_draw
            )
    return n_fired


@lean_kernel
def decay_together(values, decayed, decay, draw):
    """One step's decay of a trace; one random number rounds all neurons'."""
    for neuron in range(values.shape[0]):
        exact = decay * np.float64(values[neuron])
        below = np.floor(exact)
        decayed[neuron] = np.int32(np.int32(below) + np.int32(draw < exact - below))


@lean_kernel
def decay_apart(values, decayed, decay, offset):
    """The same with a random number for each neuron."""
    for neuron in range(values.shape[0]):
        exact = decay * np.float64(values[neuron])
        below = np.floor(exact)
        draw = np.float64(absorb(offset, np.uint32(neuron))) / 4294967296.0
        decayed[neuron] = np.int32(np.int32(below) + np.int32(draw < exact - below))


@part
def fill_history(
    program, traces, last, fired, n_fired, history, first, start, lava_decay, lava_impulse
):
    """Values of traces after each step of the epoch; the last becomes the trace, if it is one."""
    for k in range(traces.shape[0]):
        trace = first + k
        if not program.is_kept[trace]:
            continue
        for neuron in range(last.shape[0]):
            history[k, 0, neuron] = traces[k, neuron]
        for within in range(1, program.epoch + 1):
            before, now = history[k, within - 1], history[k, within]
            if program.is_lava:
                decay_together(before, now, program.decay[trace], lava_decay)
            else:
                offset = place_offset(program.seed, DECAY_KEY, start + within, trace)
                decay_apart(before, now, program.decay[trace], offset)
            for place in range(n_fired):
                neuron = fired[place]
                if last[neuron] == within:
                    step = start + within
                    add_impulse(program, history[k], within, trace, neuron, step, lava_impulse)
        if first < FIRST_POST_TRACE or not program.is_sent:
            for neuron in range(last.shape[0]):
                traces[k, neuron] = history[k, program.epoch, neuron]


@part
def ranged(value, constant, bound):
    """A variable plus a constant, inside the range of the factor; int32 in and out."""
    value = min(max(np.int32(value), np.int32(-BEYOND)), np.int32(BEYOND))
    value = np.int32(value + np.int32(constant))
    return min(max(value, np.int32(-bound)), np.int32(bound - 1))


@lean_kernel
def multiply_traces(numbers, values, constant, bound):
    """Multiply each neuron's number with a factor of its trace, modulo 2**32."""
    for neuron in range(numbers.shape[0]):
        factor = ranged(values[neuron], constant, bound)
        numbers[neuron] = np.int32(np.int64(numbers[neuron]) * factor)


@lean_kernel
def multiply_flags(numbers, last, constant, bound):
    """The same with a factor of the spike flag."""
    for neuron in range(numbers.shape[0]):
        flag = np.int32(last[neuron] > 0)
        numbers[neuron] = np.int32(np.int64(numbers[neuron]) * ranged(flag, constant, bound))


@part
def fill_numbers(program, p, numbers, within, flag, last, history, unit):
    """Numbers of one end of product p at a step of the epoch; ``flag`` is X0 or Y0."""
    for neuron in range(numbers.shape[0]):
        numbers[neuron] = np.int32(unit)
    for f in range(program.first_factor[p], program.first_synaptic[p]):
        variable = program.variable[f]
        if (variable <= X2) != (flag == X0):
            continue
        if variable == flag:
            multiply_flags(numbers, last, program.constant[f], program.bound[f])
        else:
            values = history[variable - flag - 1, within]
            multiply_traces(numbers, values, program.constant[f], program.bound[f])


@part
def fill_own(program, synapses, p, n_fired):
    """Numbers of the targets of a y0 product, each at its own step; 0 of those without a spike."""
    own = synapses.target[p, OWN]
    for post in range(own.shape[0]):
        own[post] = np.int32(0)
    for k in range(n_fired):
        post = synapses.post_fired[k]
        number = np.int32(1)
        for f in range(program.first_factor[p], program.first_synaptic[p]):
            variable = program.variable[f]
            if variable < Y0:
                continue
            value = np.int32(1)
            if variable > Y0:
                value = synapses.y_history[variable - Y0 - 1, synapses.ty[post], post]
            factor = ranged(value, program.constant[f], program.bound[f])
            number = np.int32(np.int64(number) * factor)
        own[post] = number


@part
def fill_products(program, synapses, is_due):
    """Numbers of both ends of all products that can be added at the end of this epoch."""
    n_pre_fired, n_post_fired = synapses.n_fired[0], synapses.n_fired[1]
    for p in range(program.dependency.shape[0]):
        dependency = program.dependency[p]
        first = 1
        if dependency == EPOCH:
            if not is_due:
                continue
            first = program.epoch
        elif (n_pre_fired if dependency == PRE_SPIKE else n_post_fired) == 0:
            continue
        if program.reads_source[p]:
            for within in range(first, program.epoch + 1):
                fill_numbers(
                    program,
                    p,
                    synapses.source[p, within],
                    within,
                    X0,
                    synapses.tx,
                    synapses.x_history,
                    program.mantissa[p],
                )
        if dependency == POST_SPIKE:
            fill_own(program, synapses, p, n_post_fired)
        elif program.reads_target[p]:
            any_number = np.int32(0)
            for within in range(first, program.epoch + 1):
                numbers = synapses.target[p, within]
                fill_numbers(program, p, numbers, within, Y0, synapses.ty, synapses.y_history, 1)
                for post in range(numbers.shape[0]):
                    any_number |= numbers[post]
            synapses.is_null[p] = any_number == 0
