"""lava-dl's network files (HDF5, read by its ``netx``): into networks and out of them."""

from conversions.netx.conversion import from_netx, to_netx
from conversions.netx.hdf5_layers import NetxMeaning

__all__ = ["NetxMeaning", "from_netx", "to_netx"]
