"""One model in all executors: accuracy, spikes, speed and energy beside each other."""
