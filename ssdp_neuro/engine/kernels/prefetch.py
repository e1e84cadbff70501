"""Ask the processor for a cache line ahead of its use; Numba has no call for it."""

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic

LINE_BYTES = 64


@intrinsic
def _prefetch(typing_context, array, index):
    def generate(context, builder, signature, arguments):
        array_type, _ = signature.args
        struct = context.make_array(array_type)(context, builder, arguments[0])
        pointer = builder.gep(struct.data, [arguments[1]])
        byte = builder.bitcast(pointer, cgutils.voidptr_t)
        number = cgutils.ir.IntType(32)
        kind = cgutils.ir.FunctionType(
            cgutils.ir.VoidType(), [cgutils.voidptr_t, number, number, number]
        )
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # to be read, kept in all levels, as data
        builder.call(function, [byte, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


def _nothing(array, index):
    """Interpreted kernels run without it."""


prefetch = _nothing if numba.config.DISABLE_JIT else _prefetch
