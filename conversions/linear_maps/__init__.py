"""Linear maps between populations in float64, and what becomes of them one after another.

Knows NumPy only; every framework's chains of linear layers are composed here.
"""
