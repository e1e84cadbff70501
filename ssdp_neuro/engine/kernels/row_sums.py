"""Rows of weights, int8 or int16, or a range of their columns, added to sums of int16.

As vectors, which Numba does not have. LLVM makes the same of a plain loop, but has to check first
that none of the rows overlaps the sums: for 1000 targets that takes as long as two rows of eight.
"""

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.engine.kernels.tables import LANES


@intrinsic(prefer_literal=True)
def _add_vectors(typing_context, sums, weights, base, stride, fired, place, count):
    def generate(context, builder, signature, arguments):
        sums_array, weights_array, fired_array = (
            context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 1, 4)
        )
        base_value, stride_value, place_value = arguments[2], arguments[3], arguments[5]
        row = builder.extract_value(sums_array.shape, 0)
        starts = []
        for k in range(count.literal_value):
            at = builder.add(place_value, place_value.type(k))
            source = builder.load(builder.gep(fired_array.data, [at]))
            source = builder.zext(source, base_value.type)
            first = builder.add(base_value, builder.mul(source, stride_value))
            starts.append(builder.gep(weights_array.data, [first]))
        bits = signature.args[1].dtype.bitwidth
        narrow = cgutils.ir.VectorType(cgutils.ir.IntType(bits), LANES)
        wide = cgutils.ir.VectorType(cgutils.ir.IntType(16), LANES)
        steps = cgutils.for_range_slice(builder, row.type(0), row, row.type(LANES), row.type)
        with steps as (column, _):
            place_of_sums = builder.bitcast(
                builder.gep(sums_array.data, [column]), wide.as_pointer()
            )
            terms = [builder.load(place_of_sums, align=2)]
            for start in starts:
                place_of_row = builder.bitcast(builder.gep(start, [column]), narrow.as_pointer())
                term = builder.load(place_of_row, align=bits // 8)
                terms.append(term if bits == 16 else builder.sext(term, wide))
            while len(terms) > 1:  # in pairs: no sum waits for all that came before
                terms = [
                    builder.add(*terms[k : k + 2]) if k + 1 < len(terms) else terms[k]
                    for k in range(0, len(terms), 2)
                ]
            builder.store(terms[0], place_of_sums, align=2)
        return context.get_dummy_value()

    return types.void(sums, weights, base, stride, fired, place, count), generate


@part
def _add_one_by_one(sums, weights, base, stride, fired, place, count):
    """The same, as an interpreter or a check of bounds can follow it."""
    for k in range(place, place + count):
        start = base + fired[k] * stride
        for j in range(sums.shape[0]):
            sums[j] = np.int16(sums[j] + np.int16(weights[start + j]))


add_rows = _add_one_by_one if numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK else _add_vectors
