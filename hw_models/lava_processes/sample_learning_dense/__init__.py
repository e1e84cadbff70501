"""Lava's learning connection, on a clock of samples.

Lava's compiler executes every file of this folder when it looks for ProcessModels.
"""
