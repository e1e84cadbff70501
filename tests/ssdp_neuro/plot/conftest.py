import numpy as np
import pytest

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
)
from ssdp_neuro.oracle.simulate import simulate

N_STEPS = 12


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def lif(name, shape, **fields):
    fields = {"current_decay": 900, "voltage_decay": 100, "threshold": 60} | fields
    return LifPopulation(name=name, shape=shape, **fields)


@pytest.fixture(scope="session")
def network():
    """Images, a loop, and a way past a layer."""
    rng = np.random.default_rng(3)
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="eye", shape=(1, 6, 6)),
            lif("seen", (2, 4, 4)),
            lif("pooled", (2, 2, 2), threshold=40),
            lif("out", 4, threshold=[60, 60, 90, 60]),
        ],
        projections=[
            ConvProjection(source="eye", target="seen", weights=rng.integers(0, 40, (2, 1, 3, 3))),
            PoolProjection(source="seen", target="pooled", kernel_size=2, weight=40),
            DenseProjection(source="pooled", target="out", weights=rng.integers(-20, 60, (4, 8))),
            DenseProjection(source="out", target="out", weights=-np.eye(4, dtype=int)),
            DenseProjection(
                source="seen", target="out", weights=rng.integers(-9, 20, (4, 32)), name="past"
            ),
        ],
    )


@pytest.fixture(scope="session")
def run(network):
    spikes = np.random.default_rng(5).random((3, N_STEPS, 36)) < 0.2
    probes = [("out", "u"), ("out", "v")]
    return simulate(network, spikes, n_steps=N_STEPS, probes=probes, seed=7)


@pytest.fixture(scope="session")
def single(network):
    spikes = np.random.default_rng(6).random((N_STEPS, 36)) < 0.2
    return simulate(network, spikes, n_steps=N_STEPS, probes=[("out", "v")])
