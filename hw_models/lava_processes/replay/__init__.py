"""Processes around Lava's LearningDense that replay a sample to it after the sample.

Lava's compiler executes every file of this folder when it looks for ProcessModels.
"""
