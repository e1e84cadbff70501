"""Real data in which only the times of spikes tell the class, judged as the made task is."""
