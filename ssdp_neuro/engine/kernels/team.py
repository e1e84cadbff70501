"""Several threads on one network: the neurons of large populations in ranges, one for each.

The neurons of a range are updated, and spikes delivered to them, by one thread alone in a phase
of a step, so sums are the same whoever adds them. One thread leads: it announces a phase, and
whoever is awake takes a range, the leader the first and the others the last that is left. So
the leader waits for work that another has begun, never for one who is not on a processor.
"""

import platform
import sys

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.population_step import reset_if_due
from ssdp_neuro.engine.kernels.ranges import first_of
from ssdp_neuro.engine.kernels.rounding import TO_NEAREST, TOWARD_ZERO, set_rounding
from ssdp_neuro.engine.kernels.table_view import call_step, open_tables
from ssdp_neuro.engine.kernels.tables import OVER, SIGNAL, UPDATE

SPINS = 200  # looks before the thread lets others run
# of the word that announces a phase: its number, the first range that is left, and the end
NUMBER_BIT, FIRST_BIT, RANGE_MASK = 32, 16, (1 << 16) - 1


@intrinsic
def _load_word(typing_context, words, place):
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.load_atomic(builder.gep(array.data, [arguments[1]]), "acquire", 8)

    return types.int64(words, types.int64), generate


@intrinsic
def _store_word(typing_context, words, place, value):
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        builder.store_atomic(arguments[2], place, "release", 8)
        return context.get_dummy_value()

    return types.void(words, types.int64, types.int64), generate


@intrinsic
def _exchange_word(typing_context, words, place, old, new):
    """Put ``new`` where ``old`` is, as one act; whether it was."""

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        made = builder.cmpxchg(place, arguments[2], arguments[3], "acq_rel", "acquire")
        return builder.extract_value(made, 1)

    return types.boolean(words, types.int64, types.int64, types.int64), generate


@intrinsic
def _add_to_word(typing_context, words, place):
    """Add one, as one act."""

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        builder.atomic_rmw("add", place, ir.IntType(64)(1), "acq_rel")
        return context.get_dummy_value()

    return types.void(words, types.int64), generate


@intrinsic
def _rest(typing_context, spins):
    """A moment's rest of a thread that waits; of a longer one others may make use."""

    def generate(context, builder, signature, arguments):
        if platform.machine() in ("x86_64", "AMD64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(
                cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), []
            )
        if sys.platform != "win32":
            kind = ir.FunctionType(ir.IntType(32), [])
            give_way = cgutils.get_or_insert_function(builder.module, kind, "sched_yield")
            with builder.if_then(builder.icmp_signed(">", arguments[0], ir.IntType(64)(SPINS))):
                builder.call(give_way, [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _nothing(*arguments):
    """Interpreted kernels have no team."""
    return 0


if numba.config.DISABLE_JIT:
    load_word = store_word = exchange_word = add_to_word = rest = _nothing
else:
    load_word, store_word, rest = _load_word, _store_word, _rest
    exchange_word, add_to_word = _exchange_word, _add_to_word


@part
def do_share(phase, step, number, tables, handle):
    """The work of a phase on one range of every shared population, of as many as members."""
    populations, projections, state = tables.populations, tables.projections, tables.state
    team = tables.team
    n_members = team.member[1]
    if phase == UPDATE:
        for p in range(populations.kind.shape[0]):
            if team.shared[p]:
                grain = populations.grain[p]
                low = first_of(number, n_members, populations.size[p], grain)
                high = first_of(number + 1, n_members, populations.size[p], grain)
                call_step(populations.update[p], p, step, low, high, handle)
    else:
        for q in range(projections.kind.shape[0]):
            target, lag = projections.target[q], projections.lag[q]
            if not team.shared[target]:
                continue
            source = projections.source[q]
            n_sent = state.n_fired[source]
            if lag >= 0:
                slot = (step - lag) % populations.depth[source]
                n_sent = state.n_past[populations.past_count_row[source] + slot]
            size, ranges = populations.size[target], populations.ranges[target]
            grain = populations.grain[target]
            low = first_of(ranges * number // n_members, ranges, size, grain)
            high = first_of(ranges * (number + 1) // n_members, ranges, size, grain)
            if n_sent and low < high:
                done = call_step(projections.deliver[q], q, step, low, high, handle)
                if lag < 0:
                    tables.tally.operations[projections.owner[q]] += done


@step_kernel
def lead(phase, step, low, high, handle):
    """Lead a phase, if there is something to share; whether no other member has failed."""
    tables = open_tables(handle)
    populations, state, team = tables.populations, tables.state, tables.team
    n_shared = 0
    for p in range(populations.kind.shape[0]):
        is_shared = populations.ranges[p] != 0 and state.sweep[p] != 0
        team.shared[p] = is_shared
        n_shared += is_shared
        if is_shared and phase == UPDATE:
            reset_if_due(p, step, populations, state)
    if n_shared == 0:
        return 1
    signal, n_members = team.signal, team.member[1]
    signal[1], signal[2] = phase, step
    signal[SIGNAL * n_members] = 0
    number = (signal[0] >> NUMBER_BIT) + 1
    store_word(signal, 0, number << NUMBER_BIT | n_members)
    n_done = 0
    while True:
        word = load_word(signal, 0)
        first = word >> FIRST_BIT & RANGE_MASK
        if first >= word & RANGE_MASK:
            break
        if exchange_word(signal, 0, word, word + (1 << FIRST_BIT)):
            do_share(phase, step, first, tables, handle)
            n_done += 1
    spins = 0
    while n_done + load_word(signal, SIGNAL * n_members) < n_members:
        for member in range(1, n_members):
            if load_word(signal, member * SIGNAL) == OVER:
                return 0
        spins += 1
        rest(spins)
    return 1


@step_kernel
def assist(index, step, low, high, handle):
    """Take ranges of the phases that are announced, until the leader says that it is over."""
    tables = open_tables(handle)
    team = tables.team
    signal, n_members = team.signal, team.member[1]
    spins = 0
    set_rounding(TOWARD_ZERO)
    while True:
        word = load_word(signal, 0)
        if word == OVER:
            break
        last = (word & RANGE_MASK) - 1
        is_left = (word >> FIRST_BIT & RANGE_MASK) <= last
        # who has taken a range holds the phase: what is said of it is not changed meanwhile
        if is_left and exchange_word(signal, 0, word, word - 1):
            do_share(signal[1], signal[2], last, tables, handle)
            add_to_word(signal, SIGNAL * n_members)
            spins = 0
        else:
            spins += 1
            rest(spins)
    set_rounding(TO_NEAREST)
    return 0
