"""Codes: from values to spikes, and spikes that are disturbed."""
