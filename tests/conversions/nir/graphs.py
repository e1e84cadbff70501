"""Small NIR graphs for the tests of reading and writing."""

import itertools

import nir
import numpy as np


def lif(n, kept=0.9, threshold=1.0, dt=1e-4, **fields):
    """LIF neurons whose input counts as it is, as snnTorch writes them."""
    tau = dt / (1.0 - kept)
    values = {"tau": tau, "r": tau / dt, "v_leak": 0.0, "v_threshold": threshold, **fields}
    shape = n if isinstance(n, tuple) else (n,)
    return nir.LIF(**{name: np.full(shape, value) for name, value in values.items()})


def li(n, tau=1e-3):
    return nir.LI(tau=np.full(n, tau), r=np.ones(n), v_leak=np.zeros(n))


def chain(*nodes):
    """Nodes in a row, as ``(name, node)``."""
    names = [name for name, _ in nodes]
    edges = list(itertools.pairwise(names))
    return graph(dict(nodes), edges)


def graph(nodes, edges):
    """A NIR graph as a writer makes it, whatever its types."""
    import inspect

    checked = "type_check" in inspect.signature(nir.NIRGraph.__init__).parameters
    return nir.NIRGraph(nodes=nodes, edges=edges, **({"type_check": False} if checked else {}))
