"""Epochs of ``u`` products, which visit every synapse.

Along a row one product changes all synapses, such as a tag that fades, and those of targets
that fired are changed by one more. So the row is passed over once, and the few others are
computed before and written after, or marked. Where the source fired, too, and something might
be clipped between two changes, the row is left to rule_rows. Where Lava's one random number
rounds all and the numbers are small, whole changes are added in 16 bits: the accumulator's ends do
not show beside a variable's.

This holds of all-to-all rules whose every equation has at most one ``u`` product, with one factor
of the synapse, and at most one y0 product without any, and reads nothing that an equation
before it has changed (``Program.fades``).
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.fading_rows import (
    LARGEST,
    fade_fired,
    fade_marked,
    fade_other,
    fade_other_wide,
    fade_own,
    fade_own_wide,
    highest_marked,
    largest_number,
    lowest_marked,
    narrow_numbers,
    reach,
    scale_factors,
    scale_narrow,
    scale_numbers,
)
from ssdp_neuro.engine.kernels.rule_rows import (
    change_variable,
    count_lowest,
    fill_added,
    gather,
    round_entries,
    scaled,
    scatter,
    whole_vectors,
)
from ssdp_neuro.engine.kernels.rule_tables import (
    ENTRY_ADDED,
    ENTRY_CHANGE,
    ENTRY_EPOCH,
    ENTRY_FADING,
    ENTRY_OWN,
    ENTRY_VALUE,
    LOWEST_TAG,
    OWN,
    TAG,
    W,
)
from ssdp_neuro.engine.kernels.rule_traces import fill


@part
def narrow_power(program, p):
    """The power of two of a product that is shifted back and further to the left."""
    return np.int64(1) << (program.left[p] - program.right[p])


@part
def can_add_all(program, synapses, target, pre, row):
    """Whether the changes of a source's spike, too, can be added before anything is clipped.

    If so, they are in ``changes``.
    """
    p, x = program.fading_post[target], program.fading_pre[target]
    right, left = np.int32(program.right[x]), np.int32(program.left[x])
    changes, numbers = synapses.changes[: row.shape[0]], synapses.target[x, 1]
    size = scale_narrow(changes, numbers, synapses.source[x, 1, pre], right, left)
    size += synapses.most_change[target]
    if p >= 0 and synapses.n_fired[1] > 0:
        size += abs(np.int64(marked_change(program, synapses, p, pre)))
    return size + 127 <= LARGEST and reach(row) <= (LARGEST - size) >> 7


@part
def can_add_once(program, synapses, target, pre, row):
    """Whether the changes of both products can be added before anything is clipped."""
    p, u = program.fading_post[target], program.fading[target]
    change = np.int64(marked_change(program, synapses, p, pre))
    most_change = synapses.most_change[target]
    if abs(change) + most_change + 127 > LARGEST:
        return False
    below, above = (min(change, 0), max(change, 0)) if p < u else (-most_change, most_change)
    if above > 0 and highest_marked(row, synapses.marks) > (LARGEST - above) >> 7:
        return False
    return below == 0 or lowest_marked(row, synapses.marks) >= -((LARGEST + 1 + below) >> 7)


@part
def marked_change(program, synapses, p, pre):
    """What a spike of a target does by a product without factors of the target."""
    right, left = np.int32(program.right[p]), np.int32(program.left[p])
    return scaled(synapses.source[p, 1, pre], right, left)


@lean_kernel
def prepare_fading(program, synapses):
    """Find which variables can be changed in 16 bits in this epoch, and the numbers for it."""
    for target in range(3):
        synapses.is_narrow[target] = False
        p = program.fading[target]
        if p < 0 or not program.is_lava or program.reads_source[p] or synapses.is_null[p]:
            continue
        if target == TAG and synapses.added[0] == 0:  # then a tag may become -257
            continue
        f = program.first_synaptic[p]
        bound, right, left = program.bound[f], program.right[p], program.left[p]
        if max(abs(program.constant[f]), bound) > LARGEST >> 1 or right > left:
            continue
        numbers = synapses.target[p, program.epoch]
        number = largest_number(numbers, program.mantissa[p])
        largest = number * bound
        if (((largest >> right) + 1) << left) + 127 > LARGEST:  # then what the synapses hold now
            place = program.place[program.variable[f] - W]
            values = synapses.variables[place, : synapses.first[synapses.n_pre]]
            largest = number * min(bound, reach(values) + abs(program.constant[f]))
        if largest <= LARGEST and (((largest >> right) + 1) << left) + 127 <= LARGEST:
            narrow_numbers(numbers, program.mantissa[p], synapses.narrow[target])
            synapses.is_narrow[target] = True
            synapses.most_change[target] = ((largest >> right) + 1) << left


@part
def fill_entries(program, synapses, target, pre, row, factors, number):
    """Values of the synapses whose targets fired, by both products."""
    p, u = program.fading_post[target], program.fading[target]
    n_fired = synapses.n_fired[1]
    places, size = synapses.post_fired, whole_vectors(n_fired)
    entries = synapses.entries
    own, of_epoch = entries[ENTRY_OWN, :size], entries[ENTRY_EPOCH, :size]
    change, fading = entries[ENTRY_CHANGE, :size], entries[ENTRY_FADING, :size]
    values, added = entries[ENTRY_VALUE, :size], entries[ENTRY_ADDED, :size]
    gather(row, places, values, n_fired)
    of_source = synapses.source[p, 1, pre]
    if program.epoch > 1:
        of_source = np.int32(1)
        for k in range(n_fired):
            post = places[k]
            step_number = np.int64(synapses.source[p, synapses.ty[post], pre])
            own[k] = np.int32(step_number * synapses.target[p, OWN, post])
    right, left = np.int32(program.right[p]), np.int32(program.left[p])
    scale_numbers(change, own, of_source, right, left)
    if number != 0:
        f = program.first_synaptic[u]
        gather(factors, places, fading, n_fired)
        right, left = np.int32(program.right[u]), np.int32(program.left[u])
        constant, bound = program.constant[f], program.bound[f]
        scale_factors(fading, of_epoch, number, constant, bound, right, left)
    else:
        fill(fading, np.int32(0))
    if not program.is_lava:
        gather(synapses.added, places, added, n_fired)
    first, second = (change, fading) if p < u else (fading, change)
    floor, ceiling = program.accumulator_low[target], program.accumulator_high[target]
    low, high = program.low[target], program.high[target]
    round_entries(values, first, second, added, floor, ceiling, low, high)


@part
def fade_values(program, synapses, target, row, factors, is_own, number):
    """Change a row by the ``u`` product alone."""
    u = program.fading[target]
    f = program.first_synaptic[u]
    constant, bound = program.constant[f], program.bound[f]
    right, left = np.int32(program.right[u]), np.int32(program.left[u])
    low, high = program.low[target], program.high[target]
    numbers, added = synapses.target[u, program.epoch], synapses.added
    floor, ceiling = program.accumulator_low[target], program.accumulator_high[target]
    if synapses.is_narrow[target]:
        narrow, rounding = synapses.narrow[target], added[0]
        mask, power = -(np.int64(1) << program.right[u]), narrow_power(program, u)
        low = max(low, np.int64(LOWEST_TAG + 1))
        if is_own:
            fade_own(row, narrow, constant, bound, mask, power, rounding, low, high)
        else:
            fade_other(row, factors, narrow, constant, bound, mask, power, rounding, low, high)
    elif is_own:
        fade_own_wide(
            row, numbers, number, constant, bound, right, left, added, floor, ceiling, low, high
        )
    else:
        fade_other_wide(
            row,
            factors,
            numbers,
            number,
            constant,
            bound,
            right,
            left,
            added,
            floor,
            ceiling,
            low,
            high,
        )


@lean_kernel
def fade_variable(program, synapses, target):
    """Change one variable in all rows."""
    u, p = program.fading[target], program.fading_post[target]
    n_fired = synapses.n_fired[1]
    fades = u >= 0 and not synapses.is_null[u]
    of_post = p >= 0 and n_fired > 0
    x = program.fading_pre[target]
    of_pre = x != -1 and synapses.n_fired[0] > 0
    if not (fades or of_post or of_pre):
        return
    place = own_place = program.place[target]
    if u >= 0:
        place = program.place[program.variable[program.first_synaptic[u]] - W]
    if of_post:
        gather(synapses.target[p, OWN], synapses.post_fired, synapses.entries[ENTRY_OWN], n_fired)
        fill(synapses.entries[ENTRY_ADDED], synapses.added[0])
        if fades:
            numbers = synapses.target[u, program.epoch]
            gather(numbers, synapses.post_fired, synapses.entries[ENTRY_EPOCH], n_fired)
    is_simple = fades and synapses.is_narrow[target] and place == own_place
    is_simple = is_simple and program.epoch == 1
    has_marks = is_simple and of_post and not program.reads_target[p]
    if is_simple:
        fill(synapses.marks, np.int16(0))
    if has_marks:
        for k in range(n_fired):
            synapses.marks[synapses.post_fired[k]] = np.int16(-1)
    counts = target == TAG and not synapses.is_narrow[target]
    for pre in range(synapses.n_pre):
        row = synapses.variables[own_place, synapses.first[pre] : synapses.first[pre + 1]]
        if of_pre and synapses.tx[pre] != 0:
            can_add = is_simple and has_marks == of_post and x >= 0
            if can_add and can_add_all(program, synapses, target, pre, row):
                f = program.first_synaptic[u]
                change = np.int32(0)
                if has_marks:
                    change = marked_change(program, synapses, p, pre)
                fade_fired(
                    row,
                    synapses.narrow[target],
                    synapses.marks,
                    change,
                    synapses.changes,
                    program.constant[f],
                    program.bound[f],
                    -(np.int64(1) << program.right[u]),
                    narrow_power(program, u),
                    synapses.added[0],
                    max(program.low[target], np.int64(LOWEST_TAG + 1)),
                    program.high[target],
                )
            else:
                change_variable(program, synapses, target, pre)
            continue
        number = synapses.source[u, program.epoch, pre] if fades else np.int32(0)
        has_entries = of_post and (program.epoch > 1 or synapses.source[p, 1, pre] != 0)
        if number == 0 and not has_entries:
            continue
        start, stop = synapses.first[pre], synapses.first[pre + 1]
        factors = synapses.variables[place, start:stop]
        if not program.is_lava:
            word, words = synapses.pre_words[target, pre], synapses.post_words[target]
            fill_added(synapses.added, words, word, stop - start)
        if has_marks and has_entries and can_add_once(program, synapses, target, pre, row):
            f = program.first_synaptic[u]
            low = max(program.low[target], np.int64(LOWEST_TAG + 1))
            fade_marked(
                row,
                synapses.narrow[target],
                synapses.marks,
                marked_change(program, synapses, p, pre),
                program.constant[f],
                program.bound[f],
                -(np.int64(1) << program.right[u]),
                narrow_power(program, u),
                synapses.added[0],
                low,
                program.high[target],
            )
            continue
        if has_entries:
            fill_entries(program, synapses, target, pre, row, factors, number)
        if number != 0:
            fade_values(program, synapses, target, row, factors, place == own_place, number)
        if has_entries:
            scatter(synapses.entries[ENTRY_VALUE], synapses.post_fired, row, n_fired)
        if counts:
            synapses.n_lowest[0] += count_lowest(row, synapses.n_post)


@part
def fade_rows(program, synapses):
    """All synapses; returns their number."""
    prepare_fading(program, synapses)
    for target in range(3):
        if program.first_product[target] < program.first_product[target + 1]:
            fade_variable(program, synapses, target)
    return synapses.n_pre * synapses.n_post
