"""What ``lava.proc.embedded_io`` is where Intel's extension of Lava for the chip is missing.

Lava searches this folder for models: nothing else may lie in it.
"""

from hw_models.lava_processes.embedded_io import spike

__all__ = ["spike"]
