"""What options and files of ``ssdp-neuro convert`` say about a network's input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import InputError

if TYPE_CHECKING:
    from conversions.real_network.bit_planes import BitPlanes


def read_calibration(path: Path, *, real: bool = False) -> Any:
    """Spikes (or real values) and labels (or None) of an NPZ file; nothing is unpickled.

    Raises
    ------
    InputError
        If the file cannot be read or has no ``spikes`` (or ``values``).
    """
    name = "values" if real else "spikes"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            unknown = sorted(set(arrays.files) - {name, "labels"})
            if name not in arrays.files or unknown:
                raise InputError(
                    f"{path}: arrays {', '.join(arrays.files) or 'none'}; {name!r} is needed"
                    " and 'labels' may be there"
                )
            labels = arrays["labels"] if "labels" in arrays.files else None
            return arrays[name], labels
    except InputError:
        raise
    except Exception as error:  # zipfile and numpy report damage by errors of many kinds
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: not a readable NPZ file: {reason}") from None


def bit_planes_of(option: str) -> BitPlanes:
    """Bounds and bits of ``--real-input LOW,HIGH[,BITS]``.

    Raises
    ------
    InputError, RangeError
        If it says something else.
    """
    from conversions.real_network.bit_planes import BitPlanes

    try:
        low, high, *bits = option.split(",")
        settings: dict[str, Any] = {"low": float(low), "high": float(high)}
        if bits:
            (settings["bits"],) = map(int, bits)
    except ValueError:
        raise InputError(
            f"--real-input {option}: two numbers, and the number of bits if it is not 8, with"
            " commas between are needed, as 0,1 or -1,1,6"
        ) from None
    return BitPlanes(**settings)
