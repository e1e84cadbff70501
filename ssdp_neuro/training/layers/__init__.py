"""Layers of spiking neurons in PyTorch, and their synapses."""
