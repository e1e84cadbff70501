"""What kernels that read a run's output, and make lists of rasters, are given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ssdp_neuro.engine.kernels.tables import Bytes, Int32s, Int64s, Table, Uint64s


def _none(dtype: Any) -> Callable[[], np.ndarray]:
    nothing = np.zeros(0, dtype=dtype)
    return lambda: nothing


@dataclass(frozen=True, eq=False, kw_only=True)
class ReadingTable(Table):
    """What a window wrote down, and the one of its forms that is asked for; all flat."""

    # samples, steps, P; neurons and all steps of what is asked for, channels if kept as an image
    shape: Int64s
    counts: Int32s  # (n_samples, n_steps, P)
    fired: Int32s
    most_listed: Int64s  # (P,), as in WindowTable
    crowd: Int32s  # scratch: neurons of one step that are bits, and SPARE more
    totals: Int64s = field(default_factory=_none(np.int64))  # (n_samples, n_neurons): spikes
    first: Int32s = field(default_factory=_none(np.int32))  # (n_samples, n_neurons): first steps
    raster: Bytes = field(default_factory=_none(np.uint8))  # (n_samples, all steps, n_neurons)
    events: Int32s = field(default_factory=_none(np.int32))  # (n_events, 3): sample, step, neuron


@dataclass(frozen=True, eq=False)
class RasterTable(Table):
    """Rows of bytes 0 and 1, and the lists made of them."""

    flat: Bytes  # the rows one after the other
    words: Uint64s  # the same bytes, eight at a time, without a last incomplete word
    starts: Int64s  # (n_rows + 1): first index of each row
    marked: Int64s  # scratch, one for each word of a row and two more
    indices: Int32s  # columns of the ones, and one entry more
