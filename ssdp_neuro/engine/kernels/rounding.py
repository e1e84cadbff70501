"""Float32 products rounded toward zero, for decays of 24-bit numbers.

``trunc(x * k / 4096)`` of a 24-bit integer has to be exact. A float32 product rounded to
the nearest number may reach the next integer; rounded toward zero it cannot, since the
integer below is a float32 itself. So kernels turn the processor's rounding while they run
and take decays in float32, two thirds the work of float64, whose products are exact.
"""

import platform

import numba
import numpy as np
from llvmlite import binding
from numba.core import cgutils, types
from numba.extending import intrinsic

TURNS = (
    platform.machine() in ("x86_64", "AMD64")
    and binding.llvm_version_info >= (16,)
    and not (numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK)
)
REAL = np.float32 if TURNS else np.float64  # type of decays of 24-bit numbers
TOWARD_ZERO, TO_NEAREST = 0, 1  # as LLVM counts them


@intrinsic
def _set_rounding(typing_context, mode):
    def generate(context, builder, signature, arguments):
        number = cgutils.ir.IntType(32)
        kind = cgutils.ir.FunctionType(cgutils.ir.VoidType(), [number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.set.rounding")
        builder.call(function, [builder.trunc(arguments[0], number)])
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _nothing(mode):
    """Decays in float64 are exact in any mode."""


set_rounding = _set_rounding if TURNS else numba.njit(_nothing)
