"""Processes that make the third factor of a plastic projection, one message per step.

Lava's compiler executes every file of this folder when it looks for ProcessModels.
"""
