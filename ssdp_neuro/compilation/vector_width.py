"""Ask for vectors of 512 bits where the processor has them; Numba has no call for it.

LLVM keeps to 256 bits on many processors that have 512: the first ones ran slower for
it. Whole sums of rows and steps of neurons take 10 to 25 % longer so. Without effect on
other processors.
"""

import numba
from numba.core import types
from numba.extending import intrinsic

PREFERENCE = '"prefer-vector-width"="512"'


@intrinsic
def _wide_vectors(typing_context):
    def generate(context, builder, signature, arguments):
        attributes = builder.function.attributes
        if isinstance(attributes, set):
            set.add(attributes, PREFERENCE)  # its own add knows only attributes without value
        return context.get_dummy_value()

    return types.void(), generate


def _nothing():
    """Interpreted kernels run without it."""


wide_vectors = _nothing if numba.config.DISABLE_JIT else _wide_vectors
