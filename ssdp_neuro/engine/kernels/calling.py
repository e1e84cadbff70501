"""Calls of compiled kernels by their address: the kernel called is not compiled again."""

from __future__ import annotations

from typing import Any

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic


def address_of(kernel: Any, arguments: tuple[Any, ...]) -> Any:
    """Where the machine code of a kernel for such arguments is; interpreted, the kernel itself."""
    if numba.config.DISABLE_JIT:
        return kernel
    kinds = tuple(map(numba.typeof, arguments))
    kernel.compile(kinds)
    made = kernel.overloads[kinds]
    return made.library.get_pointer_to_function(made.fndesc.llvm_func_name)


@intrinsic
def _call_at(typing_context, address, arguments):
    def generate(context, builder, signature, given):
        kinds = tuple(arguments)
        form = context.call_conv.get_function_type(types.boolean, kinds)
        callee = builder.inttoptr(given[0], form.as_pointer())
        values = cgutils.unpack_tuple(builder, given[1])
        status, result = context.call_conv.call_function(
            builder, callee, types.boolean, kinds, values
        )
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return result

    return types.boolean(types.int64, arguments), generate


def _call(kernel, arguments):
    """Interpreted kernels are called as they are."""
    return kernel(*arguments)


call_at = _call if numba.config.DISABLE_JIT else _call_at
