"""What options and files of ``ssdp-neuro convert`` say about a network's input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw_models import InputError
from ssdp_neuro.data.formats.array_file import ABOUT_SAMPLES, SPIKES, read_arrays

if TYPE_CHECKING:
    from conversions.real_network.bit_planes import BitPlanes


def read_calibration(path: Path, *, real: bool = False) -> Any:
    """Spikes (or real values) and labels (or None) of an NPZ file; nothing is unpickled.

    Raises
    ------
    InputError
        If the file is no archive of arrays, or has no ``spikes`` (or ``values``).
    OSError
        If it cannot be opened.
    """
    name = "values" if real else SPIKES
    arrays = read_arrays(path)
    unknown = sorted(set(arrays) - ABOUT_SAMPLES - {name})
    if name not in arrays or unknown:
        raise InputError(
            f"{path}: arrays {', '.join(arrays) or 'none'}; {name!r} is needed and"
            f" {', '.join(sorted(ABOUT_SAMPLES))} may be there"
        )
    return arrays[name], arrays.get("labels")


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
