import shlex
from typing import NamedTuple

import numpy as np
import pytest

from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation, save
from ssdp_neuro.cli.main import main


class Ran(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Run ``ssdp-neuro`` in a folder that holds net.h5 and spikes.npy (20 steps, 8 inputs)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    rng = np.random.default_rng(0)
    save(small_network(rng), "net.h5")
    np.save("spikes.npy", rng.random((3, 20, 8)) < 0.3)

    def run(line):
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(shlex.split(line))
        return Ran(stop.value.code or 0, *capsys.readouterr())

    return run


def small_network(rng):
    weights = rng.integers(-10, 45, size=(5, 8)) * 2  # even: on the grid of Loihi's weights
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="pixels", shape=(2, 4)),
            LifPopulation(
                name="hidden", shape=(5,), current_decay=2047, voltage_decay=300, threshold=60
            ),
        ],
        projections=[DenseProjection(source="pixels", target="hidden", weights=weights)],
    )
