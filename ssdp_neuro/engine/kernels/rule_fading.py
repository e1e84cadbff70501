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

from ssdp_neuro.compilation.compiler import inner_kernel, part, step_kernel
from ssdp_neuro.engine.kernels.fading_rows import (
    LARGEST,
    fade_fired,
    fade_marked,
    fade_narrow,
    fade_other_wide,
    fade_own_wide,
    fill_terms,
    highest,
    highest_marked,
    largest_number,
    lowest_marked,
    narrow_numbers,
    reach,
    row_of,
    scale_factors,
    scale_narrow,
    scale_numbers,
)
from ssdp_neuro.engine.kernels.random_planes import draw_row
from ssdp_neuro.engine.kernels.rule_rows import (
    change_variable,
    count_lowest,
    gather,
    round_entries,
    scaled,
    scatter,
    whole_vectors,
    widen,
)
from ssdp_neuro.engine.kernels.rule_tables import (
    ENTRY_ADDED,
    ENTRY_CHANGE,
    ENTRY_EPOCH,
    ENTRY_FADING,
    ENTRY_OWN,
    ENTRY_VALUE,
    OWN,
    TAG,
    UNKNOWN,
    W,
)
from ssdp_neuro.engine.kernels.rule_traces import fill
from ssdp_neuro.engine.kernels.table_view import open_learner


@part
def reaches(synapses, target, pre, row, most):
    """Whether a value of a row may be larger than ``most``; found anew if need be."""
    if synapses.reach[target, pre] > most:
        synapses.reach[target, pre] = reach(row)
    return synapses.reach[target, pre] > most


@part
def grow(synapses, target, pre, size):
    """Note that accumulators have been changed by so much, and rounded."""
    found = np.int64(synapses.reach[target, pre]) + ((size + 127) >> 7)
    synapses.reach[target, pre] = min(found, UNKNOWN)


@part
def can_add_all(program, synapses, target, pre, row, size):
    """Whether the changes of a source's spike, too, can be added before anything is clipped."""
    size += synapses.most_change[target]
    p = program.fading_post[target]
    if p >= 0 and synapses.n_fired[1] > 0:
        size += abs(np.int64(marked_change(program, synapses, p, pre)))
    return size + 127 <= LARGEST and not reaches(synapses, target, pre, row, (LARGEST - size) >> 7)


@part
def can_add_once(program, synapses, target, pre, row):
    """Whether the changes of both products can be added before anything is clipped."""
    p, u = program.fading_post[target], program.fading[target]
    change = np.int64(marked_change(program, synapses, p, pre))
    most_change = synapses.most_change[target]
    if abs(change) + most_change + 127 > LARGEST:
        return False
    below, above = (min(change, 0), max(change, 0)) if p < u else (-most_change, most_change)
    if not reaches(synapses, target, pre, row, (LARGEST - max(above, -below)) >> 7):
        return True
    if not program.is_lava and target == TAG:  # one that is not marked may become -257
        return False
    if above > 0 and highest_marked(row, synapses.marks) > (LARGEST - above) >> 7:
        return False
    return below == 0 or lowest_marked(row, synapses.marks) >= -((LARGEST + 1 + below) >> 7)


@part
def marked_change(program, synapses, p, pre):
    """What a spike of a target does by a product without factors of the target."""
    right, left = np.int32(program.right[p]), np.int32(program.left[p])
    return scaled(synapses.source[p, 1, pre], right, left)


@part
def draw_numbers_of_row(program, synapses, target, pre):
    """Fill ``narrow_added``, where Lava's one number is already."""
    if not program.is_lava:
        word = synapses.pre_words[target, pre]
        draw_row(synapses, target, word, program.first_plane[target], False)


@inner_kernel
def prepare_fading(program, synapses):
    """Find which variables can be changed in 16 bits in this epoch, and the numbers for it."""
    for target in range(3):
        synapses.is_narrow[target] = False
        p = program.fading[target]
        if p < 0 or program.reads_source[p] or synapses.is_null[p]:
            continue
        if program.is_lava and target == TAG and synapses.added[0] == 0:
            continue  # then a tag may become -257
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
            fill_terms(program, synapses, target)
            synapses.is_narrow[target] = True
            synapses.most_change[target] = ((largest >> right) + 1) << left
            shrinks = program.constant[f] == 0 and highest(synapses.narrow[target]) == 0
            shrinks = shrinks and left <= 6 and number << left <= 64 << right
            synapses.growth[target] = 0 if shrinks else synapses.most_change[target]


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
def fade_values(program, synapses, target, pre, number, is_narrow):
    """Change a row by the ``u`` product alone."""
    u = program.fading[target]
    f = program.first_synaptic[u]
    place, own_place = program.place[program.variable[f] - W], program.place[target]
    if is_narrow:
        fade_narrow(program, synapses, target, pre, place)
        return
    constant, bound = program.constant[f], program.bound[f]
    right, left = np.int32(program.right[u]), np.int32(program.left[u])
    low, high = program.low[target], program.high[target]
    numbers, added = synapses.target[u, program.epoch], synapses.added
    floor, ceiling = program.accumulator_low[target], program.accumulator_high[target]
    row = row_of(synapses, program.place[target], pre)
    if place == own_place:
        fade_own_wide(
            row, numbers, number, constant, bound, right, left, added, floor, ceiling, low, high
        )
    else:
        start, stop = synapses.first[pre], synapses.first[pre + 1]
        factors = synapses.variables[place, start:stop]
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


@inner_kernel
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
    for pre in range(synapses.n_pre):
        row = row_of(synapses, own_place, pre)
        if of_pre and synapses.tx[pre] != 0:
            size = np.int64(LARGEST)
            if is_simple and has_marks == of_post and x >= 0:
                size = scale_narrow(program, synapses, x, pre)
            if can_add_all(program, synapses, target, pre, row, size):
                change = marked_change(program, synapses, p, pre) if has_marks else np.int32(0)
                draw_numbers_of_row(program, synapses, target, pre)
                fade_fired(program, synapses, target, pre, change)
                grow(synapses, target, pre, size + synapses.growth[target] + abs(np.int64(change)))
            else:
                change_variable(program, synapses, target, pre)
                synapses.reach[target, pre] = UNKNOWN
            continue
        number = synapses.source[u, program.epoch, pre] if fades else np.int32(0)
        has_entries = of_post and (program.epoch > 1 or synapses.source[p, 1, pre] != 0)
        if number == 0 and not has_entries:
            continue
        if has_marks and has_entries and can_add_once(program, synapses, target, pre, row):
            change = marked_change(program, synapses, p, pre)
            draw_numbers_of_row(program, synapses, target, pre)
            fade_marked(program, synapses, target, pre, change)
            grow(synapses, target, pre, synapses.growth[target] + abs(np.int64(change)))
            continue
        start, stop = synapses.first[pre], synapses.first[pre + 1]
        draw_numbers_of_row(program, synapses, target, pre)
        is_narrow = synapses.is_narrow[target]
        if is_narrow and not program.is_lava and target == TAG:
            most = (LARGEST - synapses.most_change[target]) >> 7
            is_narrow = not reaches(synapses, target, pre, row, most)
        if not program.is_lava and (has_entries or not is_narrow):
            widen(synapses.narrow_added, synapses.added)
        if has_entries:
            factors = synapses.variables[place, start:stop]
            fill_entries(program, synapses, target, pre, row, factors, number)
        if number != 0:
            fade_values(program, synapses, target, pre, number, is_narrow)
        if has_entries:
            scatter(synapses.entries[ENTRY_VALUE], synapses.post_fired, row, n_fired)
        if is_simple and is_narrow and not has_entries:
            grow(synapses, target, pre, synapses.growth[target])
        else:
            synapses.reach[target, pre] = UNKNOWN
        if target == TAG and (not is_narrow or (has_entries and not program.is_lava)):
            synapses.n_lowest[0] += count_lowest(row, synapses.n_post)


@step_kernel
def fade_rows(index, step, low, high, handle):
    """Change all synapses in an epoch of ``u`` products; returns their number."""
    learner = open_learner(handle)
    program, synapses = learner.program, learner.synapses
    prepare_fading(program, synapses)
    if not synapses.knows_reach[0]:
        for target in range(3):
            fill(synapses.reach[target], np.int32(UNKNOWN))
    synapses.knows_reach[0] = True
    for target in range(3):
        if program.first_product[target] < program.first_product[target + 1]:
            fade_variable(program, synapses, target)
    return synapses.n_pre * synapses.n_post
