"""Slow and obvious twins of the executors: dense NumPy, clock-driven, no shared arithmetic.

A part of the distribution, because ``verify`` runs it.
"""

from ssdp_neuro.oracle.dense_network import OracleRun, run_oracle
from ssdp_neuro.oracle.simulate import simulate

__all__ = ["OracleRun", "run_oracle", "simulate"]
