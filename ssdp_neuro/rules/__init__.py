"""Plasticity rules in real numbers, and the bridge to their integer form."""

from ssdp_neuro.rules.da_ssdp import DaSsdp, DaSsdpReport
from ssdp_neuro.rules.sadp import Sadp, SadpParams

__all__ = ["DaSsdp", "DaSsdpReport", "Sadp", "SadpParams"]
