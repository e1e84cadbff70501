"""A network trained on real digits, in engine, oracle and Lava: every spike, u and v.

On MNIST where its idx files lie in SSDP_NEURO_DATA (or beside the project), else on the
digits that scikit-learn brings along.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from conversions import Executor, from_torch, verify
from ssdp_neuro import simulate
from ssdp_neuro.data import DataSettings, load, to_arrays
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.training import config_of, fit

pytestmark = pytest.mark.lava

PROJECT = Path(__file__).parents[2]
MNIST = Path(os.environ.get("SSDP_NEURO_DATA", PROJECT.parent / "shared" / "data")) / "mnist"
N_TRAINED, N_TESTED, N_STEPS = 800, 60, 12


def real_digits():
    """MNIST or the digits in latency code, to train on and to test."""
    settings = {"n_steps": N_STEPS, "window": 8, "darkest": 0.2, "validation": 0}
    limits = {"train_limit": N_TRAINED, "test_limit": N_TESTED}
    where = {"name": "mnist", "folder": str(MNIST)} if MNIST.is_dir() else {"name": "digits"}
    return load(DataSettings(**settings, **limits, **where))


@pytest.fixture(scope="module")
def trained():
    """A converted network, and test spikes with their labels."""
    data = real_digits()
    tables = {
        "model": {"hidden": [96], "current_decay": 1023, "reset": "zero"},
        "optimizer": {"learning_rate": 6e-3, "weight_decay": 0.3},
        "training": {"epochs": 3, "batch_size": 32, "dropped_spikes": 0.2},
    }
    model = fit(config_of(tables), data=data, show_progress=False).model
    spikes, labels = to_arrays(data.train)
    network, _ = from_torch(model, calibration=(spikes[:100], labels[:100]))
    return network, *to_arrays(data.test)


def test_trained_network__reads_digits(trained):
    network, spikes, labels = trained
    result = simulate(network, spikes, n_steps=N_STEPS)
    assert accuracy(decide(result.raster("output")), labels) > 0.6
    assert 0.005 < result.raster("hidden").mean() < 0.5


def test_trained_network__engine_equals_oracle_and_lava(trained):
    network, spikes, _ = trained
    executors = (Executor.ENGINE, Executor.ORACLE, Executor.LAVA)
    outcome = verify(network, spikes, N_STEPS, executors=executors)
    assert outcome.equal, str(outcome)
    neurons = sum(lif.n_neurons for lif in network.neurons)
    assert outcome.n_values == spikes.size + 3 * neurons * N_STEPS * len(spikes)
    assert len(set(outcome.spikes.values())) == 1


def test_trained_network__engine_equals_lava_runtime(trained):
    network, spikes, _ = trained
    outcome = verify(
        network, spikes[:2], N_STEPS, executors=(Executor.ENGINE, Executor.LAVA_RUNTIME)
    )
    assert outcome.equal, str(outcome)
    assert np.all(spikes[:2].any(axis=(1, 2, 3, 4)))
