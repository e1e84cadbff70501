"""Compiled integer loops; whoever wants speed starts here, everybody else in the simulator."""
