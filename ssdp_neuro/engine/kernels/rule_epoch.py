"""Synapses under a learning rule, epoch by epoch.

docs/explanation/learning_engine.md says what is computed.

A product is a number of the source times a number of the target times factors of the synapse,
all modulo 2**32, so the first two are made once per neuron (``source`` and ``target`` below) and
only the last are read per synapse. Visited are rows of sources that fired, columns of targets
that fired (not of sources whose number is 0), and everything in epochs of ``u`` products.

A tag of -257 is clipped in every epoch, event or not (a quirk of Lava's accumulator): as long
as there is one, all rows are visited.
"""

from typing import NamedTuple

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.random_words import absorb, key_offset, next_offset

PRE_SPIKE, POST_SPIKE, EPOCH = 0, 1, 2
X0, X1, X2, Y0, Y1, Y2, Y3, W, D, T = range(10)
FIRST_POST_TRACE = 2
DECAY_KEY, IMPULSE_KEY, ROUNDING_KEY = 1, 2, 3
ACCUMULATOR_LOW, ACCUMULATOR_HIGH = -32769, 32767
LOWEST_TAG = -257
TAG = 2


class Program(NamedTuple):
    """A rule as flat arrays: P products, F factors, targets weight, delay, tag."""

    first_product: np.ndarray  # int64 (4,): products of a target, by target
    dependency: np.ndarray  # int64 (P,)
    mantissa: np.ndarray  # int64 (P,)
    right: np.ndarray  # int64 (P,): shift back to 15 bits
    left: np.ndarray  # int64 (P,): exponent + 7
    first_factor: np.ndarray  # int64 (P + 1,)
    variable: np.ndarray  # int64 (F,)
    constant: np.ndarray  # int64 (F,)
    bound: np.ndarray  # int64 (F,): a factor lies in -bound..bound - 1
    is_sign: np.ndarray  # bool (F,)
    is_synaptic: np.ndarray  # bool (P,): a factor is weight, delay or tag
    decay: np.ndarray  # float64 (5,): x1, x2, y1, y2, y3
    whole: np.ndarray  # int64 (5,): of the impulse
    units: np.ndarray  # int64 (5,): its fraction in 1/256
    low: np.ndarray  # int64 (3,): by target
    high: np.ndarray  # int64 (3,)
    accumulator_low: np.ndarray  # int64 (3,): 0 where a variable is not negative
    accumulator_high: np.ndarray  # int64 (3,)
    epoch: int
    period: int  # 2**k of u_k
    is_sent: bool
    is_lava: bool
    seed: int


class Synapses(NamedTuple):
    """State of a projection; (E + 1) values of a history, the epoch's start first."""

    variables: np.ndarray  # int16 (3, n_pre, n_post)
    x: np.ndarray  # int64 (2, n_pre)
    y: np.ndarray  # int64 (3, n_post)
    tx: np.ndarray  # int64 (n_pre,): step of the last spike within the epoch, 0 for none
    ty: np.ndarray  # int64 (n_post,)
    x_history: np.ndarray  # int64 (2, E + 1, n_pre)
    y_history: np.ndarray  # int64 (3, E + 1, n_post)
    source: np.ndarray  # int32 (P, E + 1, n_pre): x factors times mantissa
    target: np.ndarray  # int32 (P, E + 1, n_post): y factors
    live: np.ndarray  # bool (n_pre,): a spike of a target can change something
    fired: np.ndarray  # int64 (n_post,): targets with a spike in the epoch
    everyone: np.ndarray  # int64 (n_post,): 0, 1, 2, ...
    total: np.ndarray  # int32 (3, n_post): accumulators of a row
    n_lowest: np.ndarray  # int64 (1,): tags of -257


class Draws(NamedTuple):
    """Lava's random numbers of the steps of a run; without use for a rule with the others."""

    decay: np.ndarray  # float64 (2, T): of x, of y
    impulse: np.ndarray  # int64 (2, T)
    burst: np.ndarray  # int64 (T,): of y
    rounding: np.ndarray  # int64 (epochs that end,): 128 times the number, rounded down


@part
def wrapped(value):
    """Two's complement in 32 bits, of an int64."""
    return ((value + 0x80000000) & 0xFFFFFFFF) - 0x80000000


@part
def random_word(seed, key, step, first, second):
    """32 random bits of a key of five words."""
    offset = next_offset(absorb(key_offset(seed, key), np.uint32(step & 0xFFFFFFFF)))
    return absorb(next_offset(absorb(offset, np.uint32(first))), np.uint32(second))


@part
def impulse_of(program, trace, step, neuron, lava_draw):
    """An impulse, its fraction added by chance; of a draw below 0 always."""
    units = program.units[trace]
    if units == 0:
        return program.whole[trace]
    if program.is_lava:
        draw = lava_draw
    else:
        draw = np.int64(
            random_word(program.seed, IMPULSE_KEY, step, trace, neuron) >> np.uint32(24)
        )
    return program.whole[trace] + (1 if draw < units else 0)


@part
def note_spikes(program, spikes, last, traces, first, start, within, lava_draw):
    """Keep the step of each spike; an earlier one of the epoch counts at the epoch's start."""
    for neuron in range(spikes.shape[0]):
        if not spikes[neuron]:
            continue
        if last[neuron] > 0:
            for k in range(traces.shape[0]):
                step = start + last[neuron]
                value = traces[k, neuron] + impulse_of(program, first + k, step, neuron, lava_draw)
                traces[k, neuron] = min(max(value, 0), 127)
        last[neuron] = within


@part
def fill_history(program, traces, last, history, first, start, lava_decay, lava_impulse):
    """Values of traces after each step of the epoch; the last becomes the trace, if it is one."""
    for k in range(traces.shape[0]):
        trace = first + k
        decay = program.decay[trace]
        for neuron in range(last.shape[0]):
            value = traces[k, neuron]
            history[k, 0, neuron] = value
            for within in range(1, program.epoch + 1):
                if value != 0:
                    exact = decay * value
                    below = np.floor(exact)
                    fraction = exact - below
                    value = np.int64(below)
                    if fraction > 0.0:
                        if program.is_lava:
                            draw = lava_decay
                        else:
                            bits = random_word(
                                program.seed, DECAY_KEY, start + within, trace, neuron
                            )
                            draw = np.float64(bits) / 4294967296.0
                        value += 1 if draw < fraction else 0
                if last[neuron] == within:
                    step = start + within
                    value += impulse_of(program, trace, step, neuron, lava_impulse)
                    value = min(max(value, 0), 127)
                history[k, within, neuron] = value
            if first < FIRST_POST_TRACE or not program.is_sent:
                traces[k, neuron] = value


@part
def factor_value(program, f, value):
    """A factor of a variable's value: constant, sign, range."""
    total = value + program.constant[f]
    if program.is_sign[f]:
        total = (1 if total > 0 else 0) - (1 if total < 0 else 0)
    return min(max(total, -program.bound[f]), program.bound[f] - 1)


@part
def fill_side(program, flag, last, history, side, of_source):
    """Numbers of the neurons of one end: their factors of each product, at each step."""
    for p in range(program.dependency.shape[0]):
        for within in range(1, program.epoch + 1):
            for neuron in range(last.shape[0]):
                side[p, within, neuron] = program.mantissa[p] if of_source else 1
            for f in range(program.first_factor[p], program.first_factor[p + 1]):
                variable = program.variable[f]
                if variable >= W or (variable <= X2) != of_source:
                    continue
                trace = variable - flag - 1
                for neuron in range(last.shape[0]):
                    value = np.int64(0)
                    if trace >= 0:
                        value = history[trace, within, neuron]
                    elif last[neuron] > 0:
                        value = np.int64(1)
                    factor = factor_value(program, f, value)
                    side[p, within, neuron] = wrapped(side[p, within, neuron] * factor)


@part
def fill_live(program, synapses):
    """Mark the sources for which a spike of some target changes something."""
    for pre in range(synapses.tx.shape[0]):
        synapses.live[pre] = False
    for p in range(program.dependency.shape[0]):
        if program.dependency[p] != POST_SPIKE:
            continue
        for within in range(1, program.epoch + 1):
            for pre in range(synapses.tx.shape[0]):
                if synapses.source[p, within, pre] != 0:
                    synapses.live[pre] = True


@part
def bounded(value):
    """A value of the accumulator, or a change of it."""
    return min(max(np.int32(value), np.int32(ACCUMULATOR_LOW)), np.int32(ACCUMULATOR_HIGH))


@part
def scaled(product, right, left):
    """A product in 32 bits, shifted to the accumulator's place; it fits: see the widths."""
    return bounded(np.int32(np.int32(product >> right) << left))


@part
def add_whole(total, source, target, right, left):
    """Add ``source * target`` to the accumulators of all synapses of a row."""
    for post in range(total.shape[0]):
        change = scaled(np.int32(np.int64(source) * target[post]), right, left)
        total[post] = bounded(total[post] + change)


@part
def add_listed(total, places, posts, n_posts, source, target, right, left):
    """The same at the listed posts, whose accumulators are at ``places``."""
    for k in range(n_posts):
        change = scaled(np.int32(np.int64(source) * target[posts[k]]), right, left)
        total[places[k]] = bounded(total[places[k]] + change)


@part
def add_any(program, synapses, p, total, pre, posts, n_posts, of_row):
    """The same of a product with any factors, read at any steps; ``of_row`` 0 for the posts'."""
    right, left = np.int32(program.right[p]), np.int32(program.left[p])
    for k in range(n_posts):
        post = posts[k]
        within = synapses.ty[post] if program.dependency[p] == POST_SPIKE else of_row
        product = np.int32(0)
        if within > 0:
            number = np.int64(synapses.source[p, within, pre])
            product = np.int32(number * synapses.target[p, within, post])
            for f in range(program.first_factor[p], program.first_factor[p + 1]):
                variable = program.variable[f]
                if variable >= W:
                    value = np.int64(synapses.variables[variable - W, pre, post])
                    product = np.int32(np.int64(product) * factor_value(program, f, value))
        total[k] = bounded(total[k] + scaled(product, right, left))


@part
def add_products(program, synapses, target, pre, posts, n_posts, n_fired, is_due):
    """Add all products of a target variable to the accumulators of a row's listed synapses."""
    total = synapses.total[target]
    row = synapses.variables[target, pre]
    is_whole = n_posts == total.shape[0]
    has_lowest = target == TAG and synapses.n_lowest[0] > 0  # every product clips those
    places = synapses.fired if is_whole else synapses.everyone
    for k in range(n_posts):
        total[k] = np.int32(row[posts[k]]) << np.int32(7)
    for p in range(program.first_product[target], program.first_product[target + 1]):
        dependency = program.dependency[p]
        right, left = np.int32(program.right[p]), np.int32(program.left[p])
        of_row = synapses.tx[pre] if dependency == PRE_SPIKE else np.int64(0)
        if dependency == EPOCH and is_due:
            of_row = np.int64(program.epoch)
        reads_steps = dependency == POST_SPIKE and program.epoch > 1
        if program.is_synaptic[p] or has_lowest or reads_steps:
            add_any(program, synapses, p, total, pre, posts, n_posts, of_row)
        elif dependency == POST_SPIKE:
            number, numbers = synapses.source[p, 1, pre], synapses.target[p, 1]
            if number != 0:
                add_listed(total, places, synapses.fired, n_fired, number, numbers, right, left)
        elif of_row > 0:
            number, numbers = synapses.source[p, of_row, pre], synapses.target[p, of_row]
            if number != 0 and is_whole:
                add_whole(total, number, numbers, right, left)
            elif number != 0:
                add_listed(total, synapses.everyone, posts, n_posts, number, numbers, right, left)


@part
def write_row(program, synapses, target, pre, posts, n_posts, now, lava_rounding):
    """Round the accumulators of a row into its variables."""
    low, high = np.int32(program.low[target]), np.int32(program.high[target])
    floor = np.int32(program.accumulator_low[target])
    ceiling = np.int32(program.accumulator_high[target])
    total = synapses.total[target]
    row = synapses.variables[target, pre]
    offset = key_offset(program.seed, ROUNDING_KEY + target)
    offset = next_offset(absorb(offset, np.uint32(now & 0xFFFFFFFF)))
    offset = next_offset(absorb(offset, np.uint32(pre)))
    if program.is_lava:
        added = np.int32(127 - lava_rounding)  # carries where the rest is above the draw
        for k in range(n_posts):
            value = np.int32(min(max(total[k], floor), ceiling) + added) >> np.int32(7)
            total[k] = min(max(value, low), high)
    else:
        for k in range(n_posts):
            draw = np.int32(absorb(offset, np.uint32(posts[k])) >> np.uint32(25))
            value = np.int32(min(max(total[k], floor), ceiling) + np.int32(127) - draw)
            total[k] = min(max(value >> np.int32(7), low), high)
    if target == TAG:
        for k in range(n_posts):
            was, is_now = row[posts[k]] == LOWEST_TAG, total[k] == LOWEST_TAG
            synapses.n_lowest[0] += (1 if is_now else 0) - (1 if was else 0)
    for k in range(n_posts):
        row[posts[k]] = total[k]


@part
def end_epoch(program, synapses, now, lava_decay_x, lava_decay_y, lava_impulses, lava_rounding):
    """Update traces and synapses; returns the number of synapses visited."""
    start = now - program.epoch
    fill_history(
        program,
        synapses.x,
        synapses.tx,
        synapses.x_history,
        0,
        start,
        lava_decay_x,
        lava_impulses[0],
    )
    fill_history(
        program,
        synapses.y,
        synapses.ty,
        synapses.y_history,
        FIRST_POST_TRACE,
        start,
        lava_decay_y,
        lava_impulses[1],
    )
    n_fired = 0
    for post in range(synapses.ty.shape[0]):
        if synapses.ty[post] > 0:
            synapses.fired[n_fired] = post
            n_fired += 1
    any_pre = False
    for pre in range(synapses.tx.shape[0]):
        any_pre = any_pre or synapses.tx[pre] > 0
    has_epochs = False
    for p in range(program.dependency.shape[0]):
        has_epochs = has_epochs or program.dependency[p] == EPOCH
    is_due = has_epochs and now // program.epoch % program.period == 0
    changes_tags = program.first_product[TAG] < program.first_product[TAG + 1]
    visits_all = is_due or (changes_tags and synapses.n_lowest[0] > 0)
    n_visited = 0
    if visits_all or any_pre or n_fired > 0:
        fill_side(program, X0, synapses.tx, synapses.x_history, synapses.source, True)
        fill_side(program, Y0, synapses.ty, synapses.y_history, synapses.target, False)
        fill_live(program, synapses)
        for pre in range(synapses.tx.shape[0]):
            posts, n_posts = synapses.everyone, synapses.everyone.shape[0]
            if not visits_all and synapses.tx[pre] == 0:
                posts, n_posts = synapses.fired, n_fired
                if not synapses.live[pre]:
                    continue
            for target in range(3):
                if program.first_product[target] < program.first_product[target + 1]:
                    add_products(program, synapses, target, pre, posts, n_posts, n_fired, is_due)
            for target in range(3):
                if program.first_product[target] < program.first_product[target + 1]:
                    write_row(program, synapses, target, pre, posts, n_posts, now, lava_rounding)
            n_visited += n_posts
    for pre in range(synapses.tx.shape[0]):
        synapses.tx[pre] = 0
    for post in range(synapses.ty.shape[0]):
        synapses.ty[post] = 0
    return n_visited


@lean_kernel
def run_steps(program, synapses, pre, post, sent, draws, now):
    """Advance from step ``now`` by the steps of ``pre``, bool (T, n_pre); returns visits.

    ``post`` is bool (T, n_post), ``sent`` int64 (T, 3, n_post) or of no step.
    """
    n_visited = 0
    n_epochs = 0
    for step in range(pre.shape[0]):
        within = (now + step) % program.epoch + 1
        start = now + step + 1 - within
        note_spikes(program, pre[step], synapses.tx, synapses.x, 0, start, within, -1)
        burst = draws.burst[step] if program.is_lava else np.int64(0)
        note_spikes(
            program, post[step], synapses.ty, synapses.y, FIRST_POST_TRACE, start, within, burst
        )
        if program.is_sent:
            for k in range(3):
                for neuron in range(synapses.ty.shape[0]):
                    synapses.y[k, neuron] = sent[step, k, neuron] if sent.shape[0] > 0 else 0
        if within < program.epoch:
            continue
        decay_x = draws.decay[0, step] if program.is_lava else 0.0
        decay_y = draws.decay[1, step] if program.is_lava else 0.0
        place = step if program.is_lava else 0
        rounding = draws.rounding[n_epochs] if program.is_lava else np.int64(0)
        impulses = draws.impulse[:, place]
        n_visited += end_epoch(
            program, synapses, now + step + 1, decay_x, decay_y, impulses, rounding
        )
        n_epochs += 1
    return n_visited
