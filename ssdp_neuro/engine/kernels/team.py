"""Several threads on one network: each has a range of the neurons of the large populations.

Its neurons are updated, and spikes delivered to them, by one thread alone, so sums are the
same whoever adds them. One thread leads: it announces a phase of work by a rising number and
does its own share; the others are done when they have written that number down.
"""

import platform
import sys

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.engine.kernels.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.population_step import reset_if_due
from ssdp_neuro.engine.kernels.rounding import TO_NEAREST, TOWARD_ZERO, set_rounding
from ssdp_neuro.engine.kernels.table_view import call_step, open_tables
from ssdp_neuro.engine.kernels.tables import BLOCK, OVER, SIGNAL, UPDATE

SPINS = 200  # looks before the thread lets others run


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


load_word, store_word, rest = (
    (_nothing, _nothing, _nothing) if numba.config.DISABLE_JIT else (_load_word, _store_word, _rest)
)


@part
def first_of(member, n_members, size):
    """Where the range of a member begins, and that of the one before ends."""
    return size if member == n_members else (size // BLOCK * member // n_members) * BLOCK


@part
def do_share(phase, step, tables, handle):
    """The share of one member in a phase."""
    populations, projections, state = tables.populations, tables.projections, tables.state
    team = tables.team
    member, n_members = team.member[0], team.member[1]
    if phase == UPDATE:
        for p in range(populations.kind.shape[0]):
            if team.shared[p]:
                low = first_of(member, n_members, populations.size[p])
                high = first_of(member + 1, n_members, populations.size[p])
                call_step(populations.update[p], p, step, low, high, handle)
    else:
        for q in range(projections.kind.shape[0]):
            target = projections.target[q]
            if team.shared[target] and state.n_fired[projections.source[q]]:
                low = first_of(member, n_members, populations.size[target])
                high = first_of(member + 1, n_members, populations.size[target])
                tables.tally.operations[projections.owner[q]] += call_step(
                    projections.deliver[q], q, step, low, high, handle
                )


@step_kernel
def lead(phase, step, low, high, handle):
    """Lead a phase, if there is something to share; whether no other member has failed."""
    tables = open_tables(handle)
    populations, state, team = tables.populations, tables.state, tables.team
    n_shared = 0
    for p in range(populations.kind.shape[0]):
        is_shared = populations.divided[p] != 0 and state.sweep[p] != 0
        team.shared[p] = is_shared
        n_shared += is_shared
        if is_shared and phase == UPDATE:
            reset_if_due(p, step, populations, state)
    if n_shared == 0:
        return 1
    signal = team.signal
    number = signal[0] + 1
    signal[1], signal[2] = phase, step
    store_word(signal, 0, number)
    do_share(phase, step, tables, handle)
    for member in range(1, team.member[1]):
        spins = 0
        at = load_word(signal, member * SIGNAL)
        while at != number:
            if at == OVER:
                return 0
            spins += 1
            rest(spins)
            at = load_word(signal, member * SIGNAL)
    return 1


@step_kernel
def assist(index, step, low, high, handle):
    """Do the shares of one member until the leader says that it is over."""
    tables = open_tables(handle)
    team = tables.team
    signal = team.signal
    seen = spins = 0
    set_rounding(TOWARD_ZERO)
    while seen != OVER:
        number = load_word(signal, 0)
        spins += 1
        if number == seen:
            rest(spins)
        else:
            if number != OVER:
                do_share(signal[1], signal[2], tables, handle)
                store_word(signal, team.member[0] * SIGNAL, number)
            seen = number
            spins = 0
    set_rounding(TO_NEAREST)
    return 0
