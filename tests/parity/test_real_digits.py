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
from ssdp_neuro.data.codes.encoding import latency_code
from ssdp_neuro.data.formats.idx_file import read_labelled_images
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.training import feed_forward, fit_arrays, load_digits

pytestmark = pytest.mark.lava

PROJECT = Path(__file__).parents[2]
MNIST = Path(os.environ.get("SSDP_NEURO_DATA", PROJECT.parent / "shared" / "data")) / "mnist"
N_TRAINED, N_TESTED, N_STEPS = 800, 60, 12


def real_digits():
    """Brightness ``(B, pixels)`` and labels, to train on and to test."""
    if MNIST.is_dir():
        parts = [
            [array[:count] for array in read_labelled_images(MNIST, part)]
            for part, count in (("train", N_TRAINED), ("test", N_TESTED))
        ]
        return [(images.reshape(len(images), -1) / 255, labels) for images, labels in parts]
    split = load_digits()
    parts = [split.train.take(slice(N_TRAINED)), split.held_out.take(slice(N_TESTED))]
    return [(part.images.reshape(len(part), -1), part.labels) for part in parts]


@pytest.fixture(scope="module")
def trained():
    """A converted network, and test spikes with their labels."""
    (bright, labels), (test_bright, test_labels) = real_digits()
    spikes = latency_code(bright, N_STEPS, window=8, darkest=0.2)
    model = feed_forward((spikes.shape[2], 96, 10), current_decay=1023, voltage_decay=256)
    fit_arrays(model, spikes, labels, epochs=3, learning_rate=6e-3, show_progress=False)
    network, _ = from_torch(model, calibration=(spikes[:100], labels[:100]))
    return network, latency_code(test_bright, N_STEPS, window=8, darkest=0.2), test_labels


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
    assert np.all(spikes[:2].any(axis=(1, 2)))
