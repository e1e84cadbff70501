"""Synapses under a learning rule, step by step and epoch by epoch.

docs/explanation/learning_engine.md says what is computed. At the end of an epoch are visited:
rows of sources that fired, columns of targets that fired (not of sources whose number is 0), and
everything in epochs of ``u`` products.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import inner_kernel, part, step_kernel
from ssdp_neuro.engine.kernels.random_planes import fill_plane_words
from ssdp_neuro.engine.kernels.random_words import fill_words
from ssdp_neuro.engine.kernels.rule_rows import change_column, change_row
from ssdp_neuro.engine.kernels.rule_tables import (
    OF_POST,
    OF_PRE,
    POST_SPIKE,
    ROUNDING_KEY,
    TAG,
)
from ssdp_neuro.engine.kernels.rule_traces import (
    fill,
    fill_history,
    fill_products,
    place_offset,
)
from ssdp_neuro.engine.kernels.table_view import call_step, open_learner


@part
def fill_draws(program, synapses, now, lava_rounding):
    """The epoch's random numbers of synapses: Lava's one, or words of both ends."""
    if program.is_lava:
        fill(synapses.added, np.int32(127 - lava_rounding))
        return
    for target in range(3):
        if program.first_product[target] < program.first_product[target + 1]:
            key = ROUNDING_KEY + target
            fill_words(synapses.pre_words[target], place_offset(program.seed, key, now, OF_PRE))
            offset = place_offset(program.seed, key, now, OF_POST)
            fill_plane_words(synapses.post_words[target], synapses.stride, offset)


@inner_kernel
def mark_live(is_live, numbers):
    """Mark sources whose number of a product is not 0."""
    for pre in range(is_live.shape[0]):
        is_live[pre] |= numbers[pre] != 0


@part
def list_live(program, synapses):
    """Sources that did not fire, but for which a target's spike can do something."""
    is_live = synapses.is_live
    fill(is_live, False)
    for p in range(program.dependency.shape[0]):
        if program.dependency[p] != POST_SPIKE:
            continue
        for within in range(1, program.epoch + 1):
            mark_live(is_live, synapses.source[p, within])
    n_live = np.int64(0)
    for pre in range(synapses.n_pre):
        is_live[pre] &= synapses.tx[pre] == 0
        synapses.live[n_live] = pre
        n_live += np.int64(is_live[pre])
    return n_live


@step_kernel
def change_reached(index, step, low, high, handle):
    """Change all synapses that the epoch reaches that ends with ``step``; returns their number.

    ``low`` is Lava's random number of the epoch.
    """
    learner = open_learner(handle)
    program, synapses = learner.program, learner.synapses
    is_due = program.has_epochs != 0 and step // program.epoch % program.period == 0
    n_pre_fired, n_post_fired = synapses.n_fired[0], synapses.n_fired[1]
    n_visited = np.int64(0)
    if not (is_due or n_pre_fired > 0 or n_post_fired > 0 or synapses.n_lowest[0] > 0):
        return n_visited
    fill_products(program, synapses, is_due)
    fill_draws(program, synapses, step, low)
    changes_tags = program.first_product[TAG] < program.first_product[TAG + 1]
    visits_all = is_due or (changes_tags and synapses.n_lowest[0] > 0)
    if visits_all and program.fades and synapses.n_lowest[0] == 0 and synapses.post.shape[0] == 0:
        return call_step(learner.changes[1], index, step, low, high, handle)
    synapses.knows_reach[0] = False
    n_rows = synapses.n_pre if visits_all else n_pre_fired
    for k in range(n_rows):
        pre = k if visits_all else synapses.pre_fired[k]
        n_visited += change_row(program, synapses, pre, is_due)
    if not visits_all and n_post_fired > 0:
        n_live = list_live(program, synapses)
        if n_live > 0:
            for k in range(n_post_fired):
                post = synapses.post_fired[k]
                n_visited += change_column(program, synapses, post, n_live, is_due)
    return n_visited


@inner_kernel
def advance_traces(program, synapses, draws, place, now):
    """Traces after each step of the epoch that ends now; draws are those of ``place``."""
    start = now - program.epoch
    fill_history(program, synapses, draws, place, OF_PRE, start)
    fill_history(program, synapses, draws, place, OF_POST, start)


@part
def forget_spikes(synapses):
    """Begin an epoch."""
    for k in range(synapses.n_fired[0]):
        synapses.tx[synapses.pre_fired[k]] = 0
    for k in range(synapses.n_fired[1]):
        synapses.ty[synapses.post_fired[k]] = 0
    synapses.n_fired[0] = 0
    synapses.n_fired[1] = 0


@part
def end_step(learner, handle, at, now, is_last):
    """What follows the spikes of step ``at`` of a run; returns the number of synapses visited."""
    program, synapses, steps = learner.program, learner.synapses, learner.steps
    sent, draws = steps.sent, steps.draws
    if program.is_sent:
        for k in range(3):
            for neuron in range(synapses.n_post):
                synapses.y[k, neuron] = sent[at, k, neuron] if sent.shape[0] > 0 else 0
    n_visited = np.int64(0)
    if now % program.epoch == 0:
        place = at if program.is_lava else 0
        epochs = now // program.epoch - steps.clock // program.epoch - 1
        rounding = draws.rounding[epochs] if program.is_lava else np.int64(0)
        advance_traces(program, synapses, draws, place, now)
        n_visited = call_step(learner.changes[0], 0, now, rounding, np.int64(is_last), handle)
        forget_spikes(synapses)
    return n_visited
