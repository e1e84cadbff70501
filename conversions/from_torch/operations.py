"""What PyTorch's operations do to cells: a table from name to function.

Names are those of ATen, to which every way of writing an operation comes down.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map

from conversions.from_torch.linear_maps import Conv, Dense, Map, conv, per_channel, sparse
from conversions.from_torch.linear_maps import Sparse as SparseMap
from conversions.from_torch.tape import Tape
from conversions.from_torch.values import (
    Combination,
    Constants,
    Largest,
    Mapped,
    Opaque,
    Spikes,
    Total,
)
from conversions.real_network import RealConv

Handler = Callable[..., "Tensor | None"]
"""``(tape, out, *args, **kwargs) -> cells of out``; None if it can't be followed."""


def prepare(tape: Tape, func: Any, args: Any, kwargs: Any) -> None:
    """Before an operation writes something traced over numbers that are not, remember these."""
    if not func._schema.is_mutable or not args or not isinstance(args[0], Tensor):
        return
    given = [a for a in tree_flatten((args, kwargs))[0] if isinstance(a, Tensor)]
    if tape.cells(args[0]) is None and any(tape.cells(a) is not None for a in given):
        tape.write(args[0], tape.constants(args[0]))


def follow(tape: Tape, func: Any, args: Any, kwargs: Any, out: Any) -> None:
    """Record what an operation made, if it was given anything traced.

    Parameters
    ----------
    func
        The ATen operation, which has run.
    out
        What it returned.
    """
    given = [a for a in tree_flatten((args, kwargs))[0] if isinstance(a, Tensor)]
    traced = [c for c in (tape.cells(tensor) for tensor in given) if c is not None]
    if not traced:
        return
    name = func._schema.name.removeprefix("aten::")
    in_place = func._schema.is_mutable and name.endswith("_")
    if in_place:
        made = [args[0]]
        name = name[:-1]
    else:
        flat = [t for t in tree_flatten(out)[0] if isinstance(t, Tensor)]
        made = [t for t in flat if t.numel() and tape.cells(t) is None]
        if not made:
            return  # a view: it shares its memory's cells
    cells = None
    handler = HANDLERS.get(name)
    if handler is not None:
        cells = handler(tape, made[0], *args, **kwargs)
    elif len(traced) == 1 and len(made) == 1:
        cells = _unchanged_spikes(tape, made[0], args[0])
    if cells is not None:
        tape.write(made[0], cells)
        made = made[1:]
    for tensor in made:
        tape.write(tensor, opaque(tape, tensor, name, traced))


def opaque(tape: Tape, tensor: Tensor, operation: str, given: list[Tensor]) -> Tensor:
    """Cells of something that is not followed."""
    flat = np.unique(np.concatenate([c.reshape(-1).numpy() for c in given] or [np.zeros(0)]))
    cells = tape.add(Opaque, tensor.numel(), operation=operation, given=flat.astype(np.int64))
    return torch.from_numpy(cells).reshape(tensor.shape)


def _unchanged_spikes(tape: Tape, out: Tensor, given: Any) -> Tensor | None:
    """Of an operation on spikes that leaves 0 and 1 as they are."""
    cells = tape.cells(given) if isinstance(given, Tensor) else None
    if cells is None or out.shape != given.shape or not tape.all_are((Spikes,), cells):
        return None
    values = given.to(torch.float64)
    both = bool((values == 0).any()) and bool((values == 1).any())
    same = torch.equal(values, out.to(torch.float64))
    return cells.clone() if both and same else None


def _moved(func: Callable[..., Tensor], *positions: int) -> Handler:
    """An operation that only moves numbers, done to the cells in its data arguments."""

    def handler(tape: Tape, out: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        def of(tensor: Any) -> Any:
            if not isinstance(tensor, Tensor):
                return tensor
            cells = tape.cells(tensor)
            return tape.constants(tensor) if cells is None else cells

        swapped = [tree_map(of, a) if i in positions else a for i, a in enumerate(args)]
        return func(*swapped, **kwargs)

    return handler


def _copied(tape: Tape, out: Tensor, given: Tensor, **kwargs: Any) -> Tensor | None:
    """A copy, perhaps of another type; rounded to whole numbers it's only a copy for spikes."""
    cells = tape.cells(given)
    if cells is not None and not out.dtype.is_floating_point and given.dtype.is_floating_point:
        return _unchanged_spikes(tape, out, given)
    return None if cells is None else cells.clone()


def _written(tape: Tape, out: Tensor, target: Tensor, source: Tensor, *rest: Any) -> Tensor:
    cells = tape.cells(source)
    return tape.constants(source) if cells is None else cells


def _filled(tape: Tape, out: Tensor, given: Tensor, value: Any = 0) -> Tensor:
    cells = tape.cells(value) if isinstance(value, Tensor) else None
    return tape.constants(out) if cells is None else cells


def _padded(
    tape: Tape, out: Tensor, given: Tensor, pad: list[int], value: float = 0
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None:
        return None
    edge = tape.constants(torch.tensor(float(value)))
    return torch.constant_pad_nd(cells, pad, int(edge))


def _masked(tape: Tape, out: Tensor, given: Tensor, mask: Tensor, value: Any) -> Tensor | None:
    if tape.cells(mask) is not None:
        return None
    return _moved(torch.where, 1, 2)(tape, out, mask, torch.as_tensor(value), given)


def _where(tape: Tape, out: Tensor, condition: Tensor, *args: Tensor) -> Tensor | None:
    if tape.cells(condition) is not None or len(args) != 2:
        return None
    return _moved(torch.where, 1, 2)(tape, out, condition, *args)


def _indexed(tape: Tape, out: Tensor, given: Tensor, indices: list[Any]) -> Tensor | None:
    if tape.cells(given) is None or any(
        isinstance(i, Tensor) and tape.cells(i) is not None for i in indices
    ):
        return None
    return _moved(torch.ops.aten.index, 0)(tape, out, given, indices)


def _put(
    tape: Tape, out: Tensor, given: Tensor, indices: Any, values: Tensor, accumulate: bool = False
) -> Tensor | None:
    cells = tape.cells(given)
    known = [i for i in indices if isinstance(i, Tensor)]
    if cells is None or accumulate or any(tape.cells(i) is not None for i in known):
        return None
    added = tape.cells(values)
    added = tape.constants(values) if added is None else added
    return torch.ops.aten.index_put(cells, indices, added)


# element by element


def _combined(
    tape: Tape, out: Tensor, parts: list[tuple[Any, Tensor]], constant: Any = 0.0
) -> Tensor:
    """Cells of a sum of factor times cells plus a constant, all broadcast to ``out``."""

    def flat(number: Any) -> Any:
        array = np.asarray(number, dtype=np.float64)
        if array.size == 1:
            return float(array.reshape(()))
        return np.broadcast_to(array, out.shape).reshape(-1)

    flat_parts = tuple(
        (flat(factor), cells.expand(out.shape).reshape(-1).numpy().copy())
        for factor, cells in parts
    )
    made = tape.add(Combination, out.numel(), parts=flat_parts, constant=flat(constant))
    return torch.from_numpy(made).reshape(out.shape)


def _operand(tape: Tape, given: Any) -> tuple[Tensor | None, np.ndarray]:
    """Cells of an operand, or the numbers of one that depends on no spike."""
    if not isinstance(given, Tensor):
        return None, np.float64(given)
    cells = tape.cells(given)
    if cells is None:
        return None, given.detach().to(torch.float64).numpy()
    if tape.all_are((Constants,), cells):
        return None, tape.numbers(cells)
    return cells, np.zeros(())


def _added(tape: Tape, out: Tensor, one: Any, other: Any, alpha: float = 1, sign: int = 1) -> Any:
    parts: list[tuple[Any, Tensor]] = []
    constant: Any = 0.0
    for factor, given in ((1.0, one), (float(alpha * sign), other)):
        cells, numbers = _operand(tape, given)
        if cells is None:
            constant = constant + factor * numbers
        else:
            parts.append((factor, cells))
    return _combined(tape, out, parts, constant)


def _subtracted(tape: Tape, out: Tensor, one: Any, other: Any, alpha: float = 1) -> Any:
    return _added(tape, out, one, other, alpha, -1)


def _subtracted_from(tape: Tape, out: Tensor, one: Any, other: Any, alpha: float = 1) -> Any:
    if alpha != 1:
        return None
    return _added(tape, out, other, one, 1, -1)


def _times(tape: Tape, out: Tensor, one: Any, other: Any) -> Tensor | None:
    (cells, numbers), (others, factor) = _operand(tape, one), _operand(tape, other)
    if cells is not None and others is not None:
        return None
    if cells is not None:
        return _combined(tape, out, [(factor, cells)])
    return _combined(tape, out, [(numbers, others)] if others is not None else [], numbers * factor)


def _divided(tape: Tape, out: Tensor, one: Any, other: Any, **kwargs: Any) -> Tensor | None:
    (cells, _), (others, factor) = _operand(tape, one), _operand(tape, other)
    if cells is None or others is not None or kwargs.get("rounding_mode") is not None:
        return None
    return _combined(tape, out, [(1.0 / factor, cells)])


def _negated(tape: Tape, out: Tensor, given: Tensor) -> Tensor | None:
    cells = tape.cells(given)
    return None if cells is None else _combined(tape, out, [(-1.0, cells)])


def _normalized(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    *rest: Any,
) -> Tensor | None:
    """BatchNorm by its running statistics: a factor and a constant for each channel."""
    *training, _, eps = rest
    cells = tape.cells(given)
    if cells is None or any(training) or not isinstance(mean, Tensor) or variance is None:
        return None
    parameters = [t for t in (weight, bias, mean, variance) if t is not None]
    if any(tape.cells(t) is not None for t in parameters):
        return None
    shape = (1, -1) + (1,) * (given.ndim - 2)
    numbers = [
        np.float64(default) if t is None else t.detach().double().numpy().reshape(shape)
        for t, default in ((weight, 1.0), (bias, 0.0), (mean, 0.0), (variance, 1.0))
    ]
    factor = numbers[0] / np.sqrt(numbers[3] + eps)
    return _combined(tape, out, [(factor, cells)], numbers[1] - factor * numbers[2])


def _summed(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    mean: bool = False,
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None:
        return None
    axes = range(given.ndim) if not dim and dim != 0 else ([dim] if isinstance(dim, int) else dim)
    gone = sorted(axis % given.ndim for axis in axes)
    kept = [axis for axis in range(given.ndim) if axis not in gone]
    rows = cells.permute(*kept, *gone).reshape(out.numel(), -1).numpy().copy()
    factor = 1.0 / rows.shape[1] if mean else 1.0
    made = tape.add(Total, out.numel(), given=rows, factor=factor)
    return torch.from_numpy(made).reshape(out.shape)


# synapses


def _mapped(
    tape: Tape,
    rows: Tensor,
    linear: Map,
    bias: Any,
    *,
    is_synapses: bool = True,
) -> Tensor:
    """Cells ``(L, n_post)`` of a map of cells ``(L, n_pre)``."""
    given = rows.reshape(len(rows), -1).numpy().copy()
    made = tape.add(
        Mapped,
        len(given) * linear.n_post,
        given=given,
        map=linear,
        bias=bias,
        is_synapses=is_synapses,
    )
    return torch.from_numpy(made).reshape(len(given), linear.n_post)


def _product(tape: Tape, out: Tensor, one: Tensor, other: Tensor) -> Tensor | None:
    """``one @ other`` of matrices, of which one depends on no spike."""
    (cells, numbers), (others, weights) = _operand(tape, one), _operand(tape, other)
    if cells is not None and others is None:
        return _mapped(tape, cells, Dense(np.ascontiguousarray(weights.T)), 0.0)
    if cells is None and others is not None:
        return _mapped(tape, others.T, Dense(np.ascontiguousarray(numbers)), 0.0).T
    return None


def _affine(
    tape: Tape, out: Tensor, bias: Tensor, one: Tensor, other: Tensor, beta: Any = 1, alpha: Any = 1
) -> Tensor | None:
    (cells, _), (others, weights) = _operand(tape, one), _operand(tape, other)
    added, numbers = _operand(tape, bias)
    if cells is None or others is not None or added is not None or numbers.ndim != 1:
        return None
    return _mapped(
        tape, cells, Dense(np.ascontiguousarray(weights.T) * float(alpha)), numbers * float(beta)
    )


def _products(tape: Tape, out: Tensor, one: Tensor, other: Tensor) -> Tensor | None:
    """Matrix products of a batch, if all have the same weights."""
    (cells, _), (others, weights) = _operand(tape, one), _operand(tape, other)
    if cells is None or others is not None or not (weights == weights[:1]).all():
        return None
    made = _mapped(tape, cells.flatten(0, 1), Dense(np.ascontiguousarray(weights[0].T)), 0.0)
    return made.reshape(out.shape)


def _vector_product(tape: Tape, out: Tensor, one: Tensor, other: Tensor) -> Tensor | None:
    made = _product(tape, out, one, other.unsqueeze(1))
    return None if made is None else made.reshape(out.shape)


def _convolved(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Tensor | None:
    (cells, _), (others, weights) = _operand(tape, given), _operand(tape, weight)
    if cells is None or others is not None or weights.ndim > 4:
        return None
    if bias is not None and tape.cells(bias) is not None:
        return None
    if weights.ndim == 3:
        weights = weights[:, :, None]
        stride, padding, dilation = [1, *stride], [0, *padding], [1, *dilation]
    in_shape, out_shape = _image(given.shape[1:]), _image(out.shape[1:])
    kernel = RealConv(
        weights=weights,
        stride=tuple(stride),
        padding=tuple(padding),
        dilation=tuple(dilation),
        groups=groups,
    )
    linear: Map
    if transposed:
        forth = sparse(Conv(kernel, out_shape, in_shape))
        linear = SparseMap(forth.pre, forth.post, forth.weights, forth.shape[::-1])
    else:
        linear = conv(kernel, in_shape)
    each = math.prod(out_shape[1:])
    numbers = 0.0 if bias is None else np.repeat(bias.detach().double().numpy(), each)
    return _mapped(tape, cells, linear, numbers).reshape(out.shape)


def _image(shape: Any) -> tuple[int, int, int]:
    channels, *sizes = shape
    return (channels, 1, *sizes) if len(sizes) == 1 else (channels, *sizes)


def _pair(value: Any) -> tuple[int, int]:
    """(rows, columns) of a setting that is one integer or two."""
    given = [value] if isinstance(value, int) else list(value)
    return (given[0], given[-1])


def _averaged(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or given.ndim != 4:
        return None
    size, pad = _pair(kernel_size), _pair(padding)
    step = _pair(stride) if stride else size
    in_shape, out_shape = _image(given.shape[1:]), _image(out.shape[1:])
    divisor = divisor_override or size[0] * size[1]
    kernel = RealConv(
        weights=np.full((in_shape[0], 1, *size), 1.0 / divisor),
        stride=step,
        padding=pad,
        groups=in_shape[0],
    )
    linear: Map
    whole = kernel.output_shape(in_shape) == out_shape
    if whole and (count_include_pad or pad == (0, 0) or divisor_override):
        linear = conv(kernel, in_shape)
    else:
        pooling = functools.partial(
            nnf.avg_pool2d,
            kernel_size=size,
            stride=step,
            padding=pad,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            divisor_override=divisor_override,
        )
        linear = per_channel(pooling, in_shape, out_shape)
    return _mapped(tape, cells, linear, 0.0, is_synapses=False).reshape(out.shape)


def _adapted(tape: Tape, out: Tensor, given: Tensor, size: Any) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or given.ndim != 4:
        return None
    in_shape, out_shape = _image(given.shape[1:]), _image(out.shape[1:])
    if in_shape[1] % out_shape[1] == 0 and in_shape[2] % out_shape[2] == 0:
        window = [in_shape[1] // out_shape[1], in_shape[2] // out_shape[2]]
        return _averaged(tape, out, given, window)
    pooling = functools.partial(nnf.adaptive_avg_pool2d, output_size=out_shape[1:])
    linear = per_channel(pooling, in_shape, out_shape)
    return _mapped(tape, cells, linear, 0.0, is_synapses=False).reshape(out.shape)


def _repeated_pixels(tape: Tape, out: Tensor, given: Tensor, *args: Any, **kw: Any) -> Any:
    cells = tape.cells(given)
    if cells is None:
        return None
    index = torch.arange(given[0].numel(), dtype=torch.float64).reshape(1, *given.shape[1:])
    moved = nnf.interpolate(index, size=out.shape[2:], mode="nearest").long().reshape(-1)
    return cells.reshape(len(cells), -1)[:, moved].reshape(out.shape)


def _maximal(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or given.ndim != 4:
        return None
    size, pad, apart = _pair(kernel_size), _pair(padding), _pair(dilation)
    step = _pair(stride) if stride else size
    in_shape, out_shape = _image(given.shape[1:]), _image(out.shape[1:])
    kernel = RealConv(
        weights=np.ones((in_shape[0], 1, *size)),
        stride=step,
        padding=pad,
        dilation=apart,
        groups=in_shape[0],
    )
    windows: Map
    if kernel.output_shape(in_shape) == out_shape:
        windows = conv(kernel, in_shape)
    elif apart == (1, 1):
        windows = per_channel(
            functools.partial(
                nnf.avg_pool2d,
                kernel_size=size,
                stride=step,
                padding=pad,
                ceil_mode=ceil_mode,
                divisor_override=1,
            ),
            in_shape,
            out_shape,
        )
    else:
        return None
    rows = cells.reshape(len(cells), -1).numpy().copy()
    made = tape.add(Largest, out.numel(), given=rows, windows=windows)
    return torch.from_numpy(made).reshape(out.shape)


def _power(tape: Tape, out: Tensor, given: Tensor, exponent: Any) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or not isinstance(exponent, (int, float)):
        return None
    if exponent == 1:
        return cells.clone()
    return _unchanged_spikes(tape, out, given) if exponent > 0 else None


aten = torch.ops.aten
HANDLERS: dict[str, Handler] = {
    "clone": _copied,
    "_to_copy": _copied,
    "contiguous": _copied,
    "copy": _written,
    "fill": _filled,
    "zero": _filled,
    "cat": _moved(torch.cat, 0),
    "stack": _moved(torch.stack, 0),
    "flip": _moved(torch.flip, 0),
    "roll": _moved(torch.roll, 0),
    "repeat": _moved(aten.repeat, 0),
    "_reshape_copy": _moved(aten._reshape_copy, 0),
    "index_select": _moved(torch.index_select, 0),
    "index": _indexed,
    "index_put": _put,
    "_index_put_impl": _put,
    "where": _where,
    "masked_fill": _masked,
    "constant_pad_nd": _padded,
    "upsample_nearest1d": _repeated_pixels,
    "upsample_nearest2d": _repeated_pixels,
    "add": _added,
    "sub": _subtracted,
    "rsub": _subtracted_from,
    "mul": _times,
    "div": _divided,
    "neg": _negated,
    "pow": _power,
    "native_batch_norm": _normalized,
    "_native_batch_norm_legit": _normalized,
    "_native_batch_norm_legit_no_training": _normalized,
    "cudnn_batch_norm": _normalized,
    "sum": _summed,
    "mean": functools.partial(_summed, mean=True),
    "mm": _product,
    "mv": _vector_product,
    "bmm": _products,
    "addmm": _affine,
    "convolution": _convolved,
    "avg_pool2d": _averaged,
    "_adaptive_avg_pool2d": _adapted,
    "max_pool2d_with_indices": _maximal,
}
