"""Spikes from NumPy files, for commands."""

from __future__ import annotations

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
        name (under any name, as ``spikes``, if there is one population). Labels and what else
        is said about samples may be there and is not read. Nothing is unpickled.
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
    from ssdp_neuro.data.formats.array_file import ABOUT_SAMPLES, read_array_or_arrays

    arrays = read_array_or_arrays(path)
    if isinstance(arrays, np.ndarray):
        return arrays
    names = [population.name for population in network.inputs]
    about = ABOUT_SAMPLES - set(names)
    spikes = {name: array for name, array in arrays.items() if name not in about}
    if len(names) == 1 and len(spikes) == 1:
        return {names[0]: next(iter(spikes.values()))}
    if not spikes or not set(spikes) <= set(names):
        raise InputError(
            f"{path}: arrays {sorted(arrays)}; input populations are {names} (beside them"
            f" {', '.join(sorted(about))} are allowed and not read)"
        )
    return spikes
