"""Networks of such layers, their architectures and their files."""
