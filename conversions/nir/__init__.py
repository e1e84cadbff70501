"""NIR graphs and files: read into networks, and networks written as them."""

from conversions.nir.discretization import (
    NORSE,
    SINABS,
    SINABS_UNSCALED,
    SNNTORCH,
    SPIKINGJELLY,
    Discretization,
    InputScale,
    Method,
)
from conversions.nir.files import write_graph
from conversions.nir.graph_writing import real_to_nir, to_nir
from conversions.nir.nir_conversion import from_nir, nir_to_real
from conversions.nir.spike_reset import SpikeReset

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
    "nir_to_real",
    "real_to_nir",
    "to_nir",
    "write_graph",
]
