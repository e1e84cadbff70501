"""Traces of both ends of a projection, and the numbers that products make of them.

docs/explanation/learning_engine.md says what is computed.

A product is a number of the source times a number of the target times factors of the synapse,
all modulo 2**32, so the first two are made once per neuron: ``source`` and ``target``.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import inner_kernel, part
from ssdp_neuro.engine.kernels.random_words import absorb, key_offset, next_offset
from ssdp_neuro.engine.kernels.rule_tables import (
    ADD_SATURATING,
    DECAY_KEY,
    EPOCH,
    FIRST_POST_TRACE,
    IMPULSE_KEY,
    N_TRACES,
    OF_PRE,
    OVERWRITE,
    OWN,
    POST_SPIKE,
    PRE_SPIKE,
    X0,
    X2,
    Y0,
)
from ssdp_neuro.engine.kernels.spike_list import list_flags

BEYOND = 2**20  # further than every factor's range


@inner_kernel
def fill(numbers, value):
    """Set all."""
    for k in range(numbers.shape[0]):
        numbers[k] = value


@inner_kernel
def copy(values, out):
    """Copy all."""
    for k in range(out.shape[0]):
        out[k] = values[k]


@inner_kernel
def are_zero(numbers):
    """Whether all are."""
    found = np.int32(0)
    for k in range(numbers.shape[0]):
        found |= numbers[k]
    return found == 0


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
def traces_of(synapses, end):
    """Traces of the sources or the targets, and their histories."""
    if end == OF_PRE:
        return synapses.x, synapses.x_history
    return synapses.y, synapses.y_history


@part
def spikes_of(synapses, end):
    """Steps of the last spikes of sources or targets, and who fired."""
    if end == OF_PRE:
        return synapses.tx, synapses.pre_fired
    return synapses.ty, synapses.post_fired


@inner_kernel
def add_impulse(program, synapses, end, k, neuron, step, lava_draw):
    """Add an impulse to trace ``k`` of an end, which holds 0..127."""
    traces, _ = traces_of(synapses, end)
    trace = k + end * FIRST_POST_TRACE
    value = np.int64(traces[k, neuron]) + impulse_of(program, trace, step, neuron, lava_draw)
    traces[k, neuron] = min(max(value, 0), 127)


@part
def note_spike(program, synapses, end, neuron, start, within, lava_draw):
    """Keep the step of a spike; an earlier one of the epoch counts at the epoch's start.

    A neuron that is new in the epoch is listed behind the others.
    """
    last, fired = spikes_of(synapses, end)
    if last[neuron] > 0:
        for k in range(N_TRACES[end]):
            add_impulse(program, synapses, end, k, neuron, start + last[neuron], lava_draw)
    else:
        fired[synapses.n_fired[end]] = neuron
        synapses.n_fired[end] += 1
    last[neuron] = within


@inner_kernel
def note_flags(program, synapses, steps, at, end, start, within, lava_draw):
    """The same of all neurons of an end at a step of given trains."""
    last, fired = spikes_of(synapses, end)
    spikes = steps.pre[at] if end == OF_PRE else steps.post[at]
    n_fired = synapses.n_fired[end]
    n_listed = list_flags(spikes, synapses.marked, fired, n_fired)
    if program.epoch == 1:  # no neuron has fired before
        for place in range(n_listed):
            last[fired[place]] = 1
        synapses.n_fired[end] = n_listed
        return
    for place in range(n_fired, n_listed):
        note_spike(program, synapses, end, fired[place], start, within, lava_draw)


@part
def note_number(program, synapses, neuron, half, spiked, start, within):
    """Put half of the number of a source's spike into x1, and keep the step where it counts."""
    x1 = synapses.x[0]
    counts = spiked
    if program.graded == OVERWRITE:
        if spiked:
            x1[neuron] = half
    else:
        total = (x1[neuron] + half) & 255
        if program.graded == ADD_SATURATING:
            x1[neuron] = min(total, 127)
        else:
            counts = spiked and total > 127
            x1[neuron] = total - 127 if total > 127 else total
    if counts:
        last = synapses.tx
        if last[neuron] > 0:
            add_impulse(program, synapses, OF_PRE, 1, neuron, start + last[neuron], -1)
        else:
            synapses.pre_fired[synapses.n_fired[OF_PRE]] = neuron
            synapses.n_fired[OF_PRE] += 1
        last[neuron] = within


@inner_kernel
def note_numbers(program, synapses, steps, at, start, within):
    """The same of all sources at a step of given trains, the silent ones too."""
    spikes, halves = steps.pre[at], steps.halves[at]
    for neuron in range(synapses.n_pre):
        half, spiked = np.int32(halves[neuron]), spikes[neuron] > 0
        note_number(program, synapses, neuron, half, spiked, start, within)


@inner_kernel
def decay_together(synapses, end, k, within, decay, draw):
    """A trace after a step of the epoch; one random number rounds all neurons'."""
    traces, history = traces_of(synapses, end)
    values = traces[k] if within == 1 else history[k, within - 1]
    decayed = history[k, within]
    for neuron in range(decayed.shape[0]):
        exact = decay * np.float64(values[neuron])
        below = np.floor(exact)
        decayed[neuron] = np.int32(np.int32(below) + np.int32(draw < exact - below))


@inner_kernel
def decay_apart(synapses, end, k, within, decay, offset):
    """The same with a random number for each neuron."""
    traces, history = traces_of(synapses, end)
    values = traces[k] if within == 1 else history[k, within - 1]
    decayed = history[k, within]
    for neuron in range(decayed.shape[0]):
        exact = decay * np.float64(values[neuron])
        below = np.floor(exact)
        draw = np.float64(absorb(offset, np.uint32(neuron))) / 4294967296.0
        decayed[neuron] = np.int32(np.int32(below) + np.int32(draw < exact - below))


@inner_kernel
def take_over(synapses, end, k, epoch):
    """Make the last value of a history the trace."""
    traces, history = traces_of(synapses, end)
    copy(history[k, epoch], traces[k])


@inner_kernel
def fill_history(program, synapses, draws, place, end, start):
    """Values of traces after each step of the epoch; the last becomes the trace, if it is one.

    Lava's numbers are those of ``place``.
    """
    _, history = traces_of(synapses, end)
    last, fired = spikes_of(synapses, end)
    for k in range(N_TRACES[end]):
        trace = k + end * FIRST_POST_TRACE
        if not program.is_kept[trace]:
            continue
        for within in range(1, program.epoch + 1):
            decay, step = program.decay[trace], start + within
            if program.is_lava:
                decay_together(synapses, end, k, within, decay, draws.decay[end, place])
            else:
                offset = place_offset(program.seed, DECAY_KEY, step, trace)
                decay_apart(synapses, end, k, within, decay, offset)
            for at in range(synapses.n_fired[end]):
                neuron = fired[at]
                if last[neuron] == within:
                    value = np.int64(history[k, within, neuron])
                    value += impulse_of(program, trace, step, neuron, draws.impulse[end, place])
                    history[k, within, neuron] = min(max(value, 0), 127)
        if end == OF_PRE or not program.is_sent:
            take_over(synapses, end, k, program.epoch)


@part
def ranged(value, constant, bound):
    """A variable plus a constant, inside the range of the factor; int32 in and out."""
    value = min(max(np.int32(value), np.int32(-BEYOND)), np.int32(BEYOND))
    value = np.int32(value + np.int32(constant))
    return min(max(value, np.int32(-bound)), np.int32(bound - 1))


@inner_kernel
def start_traces(numbers, unit, values, constant, bound):
    """Multiply a product's constant number with a factor of each neuron's trace."""
    for neuron in range(numbers.shape[0]):
        factor = ranged(values[neuron], constant, bound)
        numbers[neuron] = np.int32(np.int64(np.int32(unit)) * factor)


@inner_kernel
def multiply_traces(numbers, values, constant, bound):
    """Multiply each neuron's number with a factor of its trace, modulo 2**32."""
    for neuron in range(numbers.shape[0]):
        factor = ranged(values[neuron], constant, bound)
        numbers[neuron] = np.int32(np.int64(numbers[neuron]) * factor)


@inner_kernel
def multiply_flags(numbers, last, constant, bound):
    """The same with a factor of the spike flag."""
    for neuron in range(numbers.shape[0]):
        flag = np.int32(last[neuron] > 0)
        numbers[neuron] = np.int32(np.int64(numbers[neuron]) * ranged(flag, constant, bound))


@inner_kernel
def fill_numbers(program, p, numbers, within, flag, last, history, unit):
    """Numbers of one end of product p at a step of the epoch; ``flag`` is X0 or Y0."""
    is_begun = False
    for f in range(program.first_factor[p], program.first_synaptic[p]):
        variable = program.variable[f]
        if (variable <= X2) != (flag == X0):
            continue
        constant, bound = program.constant[f], program.bound[f]
        if variable == flag:
            if not is_begun:
                fill(numbers, np.int32(unit))
            multiply_flags(numbers, last, constant, bound)
        elif is_begun:
            multiply_traces(numbers, history[variable - flag - 1, within], constant, bound)
        else:
            start_traces(numbers, unit, history[variable - flag - 1, within], constant, bound)
        is_begun = True


@inner_kernel
def fill_own(program, synapses, p, n_fired):
    """Numbers of the targets of a y0 product, each at its own step; 0 of those without a spike."""
    own = synapses.target[p, OWN]
    fill(own, np.int32(0))
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


@inner_kernel
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
            is_null = True
            for within in range(first, program.epoch + 1):
                numbers = synapses.target[p, within]
                fill_numbers(program, p, numbers, within, Y0, synapses.ty, synapses.y_history, 1)
                is_null = is_null and are_zero(numbers)
            synapses.is_null[p] = is_null
