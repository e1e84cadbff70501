"""lava-dl's network files (HDF5, read by its ``netx``): into networks and out of them."""

from conversions.netx_file.conversion import from_netx, to_netx
from conversions.netx_file.meaning import NetxMeaning

__all__ = ["NetxMeaning", "from_netx", "to_netx"]
