"""The Process of neurons that Lava's own LIF and LIFReset do not express.

Lava's compiler executes every file of this folder when it looks for ProcessModels.
"""
