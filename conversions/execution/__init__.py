"""What runs a network, or the PyTorch model that it was made of: one file for each executor."""

from conversions.execution.executable import Executable, ModelRun, decisions_of
from conversions.execution.executor import Executor

__all__ = ["Executable", "Executor", "ModelRun", "decisions_of"]
