import shlex
from typing import NamedTuple

import numpy as np
import pytest

from conversions.cli.main import main
from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation, save


class Ran(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Run ``ssdp-neuro`` in a folder with net.h5, spikes.npy (20 steps, 8 inputs), digits.h5."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    rng = np.random.default_rng(0)
    save(small_network(rng), "net.h5")
    save(digits_network(np.random.default_rng(1)), "digits.h5")
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


def digits_network(rng):
    """Reads 8 x 8 digits, of eight classes, badly."""
    lif = {"current_decay": 1023, "voltage_decay": 256}
    hidden = rng.integers(-30, 36, size=(80, 64)) * 2
    output = rng.integers(-20, 21, size=(8, 80)) * 2
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="input", shape=(64,)),
            LifPopulation(name="hidden", shape=(80,), threshold=300, **lif),
            LifPopulation(name="output", shape=(8,), threshold=600, **lif),
        ],
        projections=[
            DenseProjection(source="input", target="hidden", weights=hidden),
            DenseProjection(source="hidden", target="output", weights=output, name="to_output"),
        ],
    )
