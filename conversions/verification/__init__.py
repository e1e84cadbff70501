"""One network in several executors: equal, or where they first differ."""
