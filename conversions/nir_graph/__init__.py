"""NIR graphs and files: read into networks, and networks written as them."""

from conversions.nir_graph.conversion import from_nir
from conversions.nir_graph.discretization import (
    NORSE,
    SINABS,
    SINABS_UNSCALED,
    SNNTORCH,
    SPIKINGJELLY,
    Discretization,
    InputScale,
    Method,
)
from conversions.nir_graph.spike_reset import SpikeReset

__all__ = [
    "NORSE",
    "SINABS",
    "SINABS_UNSCALED",
    "SNNTORCH",
    "SPIKINGJELLY",
    "Discretization",
    "InputScale",
    "Method",
    "SpikeReset",
    "from_nir",
]
