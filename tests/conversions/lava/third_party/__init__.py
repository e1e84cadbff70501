"""Programs as users of Lava write them, alone: Lava executes all files beside a Process."""
