"""Lava programs in one operating-system process: every Process by its own Python model."""
