"""Ask for a row of weights before it is needed: a large matrix lies beyond the near caches."""

from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.engine.kernels.spike_list import ONE_BY_ONE

LINE = 32  # numbers of 16 bits in a line of the cache
INTEGER = cgutils.ir.IntType(32)


@intrinsic
def _prefetch(typing_context, values, place):
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.gep(array.data, [arguments[1]])
        address = builder.bitcast(address, cgutils.voidptr_t)
        kind = cgutils.ir.FunctionType(
            cgutils.ir.VoidType(), [cgutils.voidptr_t, INTEGER, INTEGER, INTEGER]
        )
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        # to be written, kept near, of data
        builder.call(function, [address, INTEGER(1), INTEGER(3), INTEGER(1)])
        return context.get_dummy_value()

    return types.void(values, types.int64), generate


@part
def _nothing(values, place):
    """Interpreted kernels have no caches."""


prefetch = _nothing if ONE_BY_ONE else _prefetch


@part
def prefetch_row(row):
    """Ask for all lines of a row of int16."""
    for place in range(0, row.shape[0], LINE):
        prefetch(row, place)
