"""Average and sum pooling as depthwise convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from conversions.real_network import RealConv
from hw_models.integers import pair_of


def pooling(
    n_channels: int, kernel_size: Any, stride: Any = None, padding: Any = 0, *, average: bool
) -> RealConv:
    """Sum or average every channel by itself, padding counted as zeros.

    Parameters
    ----------
    n_channels
        Of source and target.
    kernel_size, stride, padding
        One integer or (rows, columns); the stride is the kernel size if None.
    average
        Whether the sum is divided by the size of the kernel.
    """
    rows, columns = pair_of("pooling.kernel_size", kernel_size, 1, 127)
    weight = 1.0 / (rows * columns) if average else 1.0
    return RealConv(
        weights=np.full((n_channels, 1, rows, columns), weight),
        stride=(rows, columns) if stride is None else stride,
        padding=padding,
        groups=n_channels,
    )
