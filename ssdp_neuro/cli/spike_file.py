"""Spikes from NumPy files, for commands."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError


def load_spikes(path: Path, network: FixedPointNetwork) -> Any:
    """Read spikes in one of the forms of :func:`ssdp_neuro.engine.spike_input.spike_input`.

    Parameters
    ----------
    path
        ``.npy`` with one array, or ``.npz`` with one array per input population under its
        name (under any name if there is one population and one array). Nothing is unpickled.
    network
        Its input populations name the arrays.

    Returns
    -------
    array, or dict of arrays by input population

    Raises
    ------
    InputError
        If it is not such a file.
    OSError
        If it cannot be opened.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise InputError(
            f"{path}: not a NumPy file of plain arrays (.npy or .npz, nothing pickled): {error}"
        ) from None
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise InputError(f"{path}: an entry of the archive is not a .npy array")
    names = [population.name for population in network.inputs]
    if len(arrays) == len(names) == 1:
        return {names[0]: next(iter(arrays.values()))}
    unknown = sorted(set(arrays) - set(names))
    if unknown or not arrays:
        raise InputError(f"{path}: arrays {sorted(arrays)}; input populations are {names}")
    return arrays
