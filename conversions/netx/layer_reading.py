"""The layers of a file as a network, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conversions.netx.chain import Chain, Options
from conversions.netx.delays import delay_last_spikes
from conversions.netx.dense_layers import read_dense, read_flatten, read_input
from conversions.netx.hdf5_layers import FileLayer, NetxFile
from conversions.netx.image_layers import read_conv, read_pool
from hw_models import ConversionError, FixedPointNetwork, LifPopulation, SsdpError


def read_network(file: NetxFile, options: Options) -> tuple[FixedPointNetwork, dict, list[str]]:
    """Network, shifts of its populations, and notes.

    Raises
    ------
    ConversionError
        If a layer is not supported; names its number and type.
    """
    chain = Chain(options=options)
    for layer in file.layers:
        reader = READERS.get(layer.kind)
        if reader is None or any(name.startswith("weight/") for name in layer.values):
            kind = f"type {layer.kind!r}" if reader is None else "complex weights"
            raise ConversionError(f"layer {layer.place}: {kind}; supported are {_supported()}")
        try:
            reader(chain, layer)
        except ConversionError:
            raise
        except SsdpError as error:
            raise ConversionError(f"{layer.where}: {error}") from error
    if not chain.projections:
        raise ConversionError(f"{file.layers[-1].where}: no layer of synapses before the end")
    delay_last_spikes(chain)
    shifts = {
        p.name: int(chain.late and not chain.is_trained and isinstance(p, LifPopulation))
        for p in chain.populations
    }
    return _in_order(chain, file.own), shifts, chain.notes


def _supported() -> str:
    return f"{', '.join(READERS)} with CUBA neurons (pool only as SLAYER trained it)"


def _in_order(chain: Chain, own: Mapping[str, Any]) -> FixedPointNetwork:
    """Records in the order of the network that was written, if it was one of ours."""
    parts: list[list[Any]] = []
    for what, records in (("populations", chain.populations), ("projections", chain.projections)):
        names = [str(name) for name in np.atleast_1d(own.get(what, np.zeros(0, dtype=object)))]
        if sorted(names) == sorted(record.name for record in records):
            records = sorted(records, key=lambda record: names.index(record.name))
        parts.append(records)
    return FixedPointNetwork(populations=parts[0], projections=parts[1])


READERS: dict[str, Callable[[Chain, FileLayer], None]] = {
    "input": read_input,
    "flatten": read_flatten,
    "dense": read_dense,
    "dense_rec": read_dense,
    "conv": read_conv,
    "pool": read_pool,
}
