"""The Processes of projections that learn by integer e-prop.

Lava's compiler executes every file of this folder when it looks for ProcessModels.
"""
