"""Plasticity rules in real numbers, and the bridge to their integer form."""

from ssdp_neuro.rules.da_ssdp import DaSsdp, DaSsdpReport

__all__ = ["DaSsdp", "DaSsdpReport"]
