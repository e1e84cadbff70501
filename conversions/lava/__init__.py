"""Lava programs in the engine: read, run, and record as their own Processes would."""
