"""What a workload is timed on: this engine and its peers, one file for each family."""
