"""The event-driven fixed-point engine."""
