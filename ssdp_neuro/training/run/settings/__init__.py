"""Settings of a training run, by section of its config file. Knows no PyTorch."""
