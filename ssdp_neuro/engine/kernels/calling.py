"""Calls of compiled kernels by their address: the kernel called is not compiled again."""

from __future__ import annotations

from typing import Any

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic

_ADDRESSES: dict[Any, int] = {}


def address_of(kernel: Any, arguments: tuple[Any, ...]) -> Any:
    """Where the machine code of a kernel for such arguments is; interpreted, the kernel itself."""
    if numba.config.DISABLE_JIT:
        return kernel
    key = (kernel, _form(arguments))
    if key not in _ADDRESSES:
        kinds = tuple(map(numba.typeof, arguments))
        kernel.compile(kinds)
        made = kernel.overloads[kinds]
        _ADDRESSES[key] = made.library.get_pointer_to_function(made.fndesc.llvm_func_name)
    return _ADDRESSES[key]


def _form(argument: Any) -> Any:
    """What Numba's type of tuples of arrays depends on; to ask Numba takes milliseconds."""
    if isinstance(argument, tuple):
        return type(argument), *map(_form, argument)
    flags = argument.flags
    return argument.dtype, argument.ndim, flags.c_contiguous, flags.writeable, flags.aligned


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
