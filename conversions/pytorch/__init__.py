"""PyTorch models of any spiking framework, read into a network in real numbers."""

from hw_models.extras import import_extra

import_extra("torch", "train", "reading a PyTorch model")
