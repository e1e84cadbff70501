"""The commands that need converters: demo, convert and verify."""
