"""The same values in other arrays, and arrays of any values at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

INTEGERS = ("i1", "u1", ">i2", "u2", "i4", ">u4", "i8", ">i8", "u8", "q")
FLOATS = ("f2", "f4", ">f4", "f8", "g")
OTHERS = ("?", "c8", "O", "U3", "S2", "V5", "M8[s]", "m8[ms]")


class Heir(np.ndarray):
    """A subclass, as other libraries hand them out."""


def scribbled(flags: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same bools, true by any byte but 0."""
    return np.where(flags, rng.integers(1, 256, flags.shape), 0).astype(np.uint8).view(bool)


def _every_other(array: np.ndarray) -> np.ndarray:
    room = np.zeros(tuple(2 * size for size in array.shape), array.dtype)
    part = room[(*(slice(None, None, 2),) * array.ndim, ...)]
    part[...] = array
    return part


def _off_its_place(array: np.ndarray) -> np.ndarray:
    room = np.zeros(array.nbytes + 1, np.uint8)
    part = room[1:].view(array.dtype).reshape(array.shape)
    part[...] = array
    return part


def _read_only(array: np.ndarray) -> np.ndarray:
    kept = array.copy()
    kept.flags.writeable = False
    return kept


LAYOUTS = {
    "as it is": lambda array: array,
    "columns first": np.asfortranarray,
    "backwards": lambda array: np.flip(np.flip(array).copy()),
    "every other": _every_other,
    "off its place": _off_its_place,
    "read-only": _read_only,
    "subclass": lambda array: array.view(Heir),
    "masked by nothing": np.ma.masked_array,
}


def fitting_dtypes(values: np.ndarray, is_binary: bool) -> list[str]:
    """Dtypes that hold the values; of bools only bool, unless 0 and 1 are as good."""
    if values.dtype.kind == "b" and not is_binary:
        return ["?"]
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    fitting = [
        kind for kind in INTEGERS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max
    ]
    return ["?", *FLOATS, *fitting] if is_binary else fitting


@st.composite
def disguised(draw: st.DrawFn, values: np.ndarray, is_binary: bool) -> tuple[str, Any]:
    """``(description, array)`` with the values of an array of integers or bools."""
    dtype = draw(st.sampled_from(fitting_dtypes(values, is_binary)))
    layout = draw(st.sampled_from(sorted(LAYOUTS)))
    array = values.astype(dtype)
    if dtype == "?":
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        array = scribbled(array, rng)
    return f"dtype {dtype}, {layout}", LAYOUTS[layout](array)


@st.composite
def wild(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[str, Any]:
    """``(description, array)`` of any dtype and bytes, often of a shape that nearly fits."""
    shape = draw(
        st.one_of(
            st.just(shape),
            st.just(shape),
            st.sampled_from(((), (0,), (1,), (1, *shape), shape[1:], (0, *shape[1:]), shape[::-1])),
        )
    )
    dtype = draw(st.sampled_from((*INTEGERS, *FLOATS, *OTHERS)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    small = draw(st.booleans())
    kind = np.dtype(dtype)
    size = int(np.prod(shape))
    if kind.kind in "OUS" or (small and kind.kind in "iufbcMm"):
        array = rng.integers(-3 if kind.kind in "if" else 0, 4, size).astype(kind)
    elif kind.kind == "f" and kind.itemsize > 8:
        array = rng.choice([0.0, 1.0, 0.5, -1e300, np.inf, np.nan], size).astype(kind)
    else:
        array = rng.integers(0, 256, size * kind.itemsize, dtype=np.uint8).view(kind)
    layouts = sorted(set(LAYOUTS) - {"off its place"}) if shape else ["as it is"]
    layout = draw(st.sampled_from(layouts))
    return f"wild {dtype} {shape}, {layout}", LAYOUTS[layout](array.reshape(shape))
