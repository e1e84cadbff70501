"""A Process as users write them, for ``bench_from_lava``."""
