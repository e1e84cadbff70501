"""PyTorch models of any spiking framework, read into a network in real numbers."""
