"""The command line ``ssdp-neuro``."""
