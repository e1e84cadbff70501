"""Where lava-dl does two things with one file: which of them is meant."""

from __future__ import annotations

import enum


class NetxMeaning(enum.Enum):
    """Whose reading of a file is kept.

    ``AS_TRAINED``: what the blocks of lava-dl's SLAYER compute, that wrote the file.
    ``AS_LOADED``: what lava-dl's ``netx.hdf5.Network`` computes with it in Lava. That drops
    delays of convolutions, refractory delays and powers of two of a normalization, and
    clamps other delays to 62 steps.
    """

    AS_TRAINED = "as SLAYER trained it"
    AS_LOADED = "as netx loads it"
