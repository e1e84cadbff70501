"""Data sets as spikes: readers, encoders and splits; NumPy only until a data set needs more."""
