"""The cortical microcircuit of Potjans and Diesmann (2014), in the integers of the chip."""
