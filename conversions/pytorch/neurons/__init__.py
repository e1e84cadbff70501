"""Readers of neurons: one file for each framework."""
