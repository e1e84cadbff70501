"""Rules of synchrony beside an optimizer."""
