"""How kernels are compiled and where their code is kept, for the engine and for training."""
