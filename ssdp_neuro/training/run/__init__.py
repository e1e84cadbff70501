"""One training run: from a config file to checkpoints, a best model and a test result."""
