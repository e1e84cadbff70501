"""Tables as kernels see them: one address, and fields read through it.

A table of 20 arrays as an argument is 140 words, which every function that hands it on would
copy, and Numba and LLVM work through. So kernels are given the address of a list of addresses
and lengths, and make an array of a field where they read it. As the list does not change
while a kernel runs, LLVM need not read it again after every store.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models, register_default
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from ssdp_neuro.compilation.compiler import STEP
from ssdp_neuro.engine.kernels.native import INTERPRETED
from ssdp_neuro.engine.kernels.rule_tables import Learner
from ssdp_neuro.engine.kernels.tables import Table, Tables

WORD = ir.IntType(64)


class TableView(types.Type):  # Numba has no types of its own
    """Numba's type of a pointer to what a :class:`.tables.Table` lists."""

    def __init__(self, table: Any) -> None:
        self.table = table
        super().__init__(name=f"TableView({table.__name__})")

    def field(self, name: str) -> Any:
        """Type of a field, or None."""
        kept = self.table.fields().get(name)
        if kept is None:
            return None
        if kept.kind is int:
            return types.int64
        if kept.n_axes == 0:
            return TableView(kept.kind)
        return types.Array(from_dtype(kept.kind), kept.n_axes, "C")


register_default(TableView)(models.OpaqueModel)


@infer_getattr
class _Fields(AttributeTemplate):
    key = TableView

    def generic_resolve(self, view: Any, name: str) -> Any:
        return view.field(name)


def _load_word(builder: Any, pointer: Any, place: int) -> Any:
    words = builder.bitcast(pointer, WORD.as_pointer())
    word = builder.load(builder.gep(words, [WORD(place)]))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word


@lower_getattr_generic(TableView)
def _field(context: Any, builder: Any, view: Any, pointer: Any, name: str) -> Any:
    _, n_axes, place = view.table.fields()[name]
    kind = view.field(name)
    word = _load_word(builder, pointer, place)
    if kind is types.int64:
        return word
    if isinstance(kind, TableView):
        return builder.inttoptr(word, cgutils.voidptr_t)
    shape = [_load_word(builder, pointer, place + 1 + axis) for axis in range(n_axes)]
    return _array(context, builder, kind, word, shape)


def _array(context: Any, builder: Any, kind: Any, address: Any, shape: list[Any]) -> Any:
    array = context.make_array(kind)(context, builder)
    n_bytes = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    size = stride = context.get_constant(types.intp, n_bytes)
    strides: list[Any] = []
    for length in reversed(shape):
        strides.insert(0, stride)
        stride = builder.mul(stride, length)
    context.populate_array(
        array,
        data=builder.inttoptr(address, array.data.type),
        shape=shape,
        strides=strides,
        itemsize=size,
        meminfo=None,
        parent=None,
    )
    return array._getvalue()


def _given(handle):
    """Interpreted kernels are given the tables themselves ..."""
    return handle


def opener(table: type[Table]) -> Any:
    """A function for kernels: the table of a class at an address."""
    if INTERPRETED:
        return _given

    @intrinsic
    def _open(typing_context, handle):
        def generate(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], cgutils.voidptr_t)

        return TableView(table)(types.int64), generate

    return _open


@intrinsic
def _section(typing_context, array, start, stop):
    def generate(context, builder, signature, arguments):
        kind = signature.args[0]
        whole = context.make_array(kind)(context, builder, arguments[0])
        first = builder.gep(whole.data, [arguments[1]])
        length = builder.sub(arguments[2], arguments[1])
        return _array(context, builder, kind, builder.ptrtoint(first, WORD), [length])

    return array(array, types.int64, types.int64), generate


@intrinsic
def _call_step(typing_context, address, index, step, low, high, handle):
    def generate(context, builder, signature, arguments):
        kind = context.call_conv.get_function_type(STEP.return_type, STEP.args)
        callee = builder.inttoptr(arguments[0], kind.as_pointer())
        status, result = context.call_conv.call_function(
            builder, callee, STEP.return_type, STEP.args, arguments[1:]
        )
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return result

    return STEP.return_type(types.int64, *STEP.args), generate


def _sliced(array, start, stop):
    return array[start:stop]


def _called(step, index, now, low, high, handle):
    """... and steps as they are."""
    return step(index, now, low, high, handle)


open_tables = opener(Tables)
open_learner = opener(Learner)
section = _sliced if INTERPRETED else _section
call_step = _called if INTERPRETED else _call_step
