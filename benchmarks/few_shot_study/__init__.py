"""Few-shot, continual and drift experiments: rules of learning on the chip, side by side."""
