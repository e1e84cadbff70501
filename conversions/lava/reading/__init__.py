"""A connected Lava graph as the records of this distribution: the way back from Lava."""
