"""The error of a run that cannot go on."""

from __future__ import annotations

from hw_models import SsdpError


class TrainingError(SsdpError, RuntimeError):
    """A run cannot go on: a loss that is no number, or a folder in use."""
