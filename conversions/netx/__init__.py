"""lava-dl's network files (HDF5, read by its ``netx``): into networks and out of them."""

from conversions.netx.hdf5_layers import NetxMeaning
from conversions.netx.netx_conversion import from_netx, to_netx

__all__ = ["NetxMeaning", "from_netx", "to_netx"]
