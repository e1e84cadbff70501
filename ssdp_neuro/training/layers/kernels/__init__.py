"""Compiled kernels of a layer of LIF neurons in training: rows of neurons, and all their steps."""
