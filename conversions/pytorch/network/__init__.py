"""What was traced of a model, as a network in real numbers."""
