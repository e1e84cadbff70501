"""Entries of an array made zero: a call of the system's own function.

A loop in its place would be compiled, in vectors, wherever something is cleared; that was a
quarter of the time of the first run.
"""

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part


@intrinsic
def _clear_words(typing_context, words, low, high):
    def generate(context, builder, signature, arguments):
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, arguments[0])
        n_bytes = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        size = builder.mul(builder.sub(arguments[2], arguments[1]), ir.IntType(64)(n_bytes))
        cgutils.memset(builder, builder.gep(array.data, [arguments[1]]), size, 0)
        return context.get_dummy_value()

    return types.void(words, types.int64, types.int64), generate


@part
def _clear_one_by_one(words, low, high):
    """The same, as an interpreter or a check of bounds can follow it."""
    for i in range(low, high):
        words[i] = 0


ONE_BY_ONE = numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK
clear_words = _clear_one_by_one if ONE_BY_ONE else _clear_words  # entries low..high - 1
