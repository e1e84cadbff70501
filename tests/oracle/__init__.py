"""Slow and obvious twins of the executors: dense NumPy, clock-driven, no shared arithmetic.

The folder ships in the installed distribution as ``ssdp_neuro.oracle``, because the
``verify`` command runs it; its modules therefore import each other relatively.
"""

from .network import OracleRun, run_oracle
from .simulate import simulate

__all__ = ["OracleRun", "run_oracle", "simulate"]
