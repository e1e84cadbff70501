import copy
from dataclasses import dataclass

import numpy as np
import pytest

from hw_models.random_bits import random_bits
from ssdp_neuro.training import config_of, feed_forward, fit, quantize, save_model
from tests.digits_parts import digits_parts


@dataclass
class DrawnDigits:
    """Digits whose pixels fire at random, drawn anew for every epoch."""

    images: np.ndarray
    labels: np.ndarray
    n_steps: int = 6
    input_shape: tuple = (64,)
    n_classes: int = 10

    def __len__(self):
        return len(self.labels)

    def spikes(self, indices, *, epoch=0):
        words = np.stack(
            [
                random_bits(7, epoch, int(i), np.arange(self.n_steps * 64)).reshape(-1, 64)
                for i in indices
            ]
        )
        rates = self.images[indices].reshape(len(indices), 1, 64)
        return words * 2.0**-32 < rates


@pytest.fixture(scope="session")
def digits():
    """Validation and test part of the digits."""
    split = digits_parts()
    return tuple(
        DrawnDigits(part.images.reshape(len(part), 64), part.labels)
        for part in (split.validation, split.held_out)
    )


@pytest.fixture(scope="session")
def trained(digits):
    """A small network trained on drawn digits."""
    train = digits_parts().train
    data = DrawnDigits(train.images.reshape(len(train), 64), train.labels)
    model = feed_forward(
        (64, 24, 10), current_decay=2047, voltage_decay=512, threshold=1.0, gain=1.5
    )
    tables = {
        "optimizer": {"learning_rate": 6e-3},
        "training": {"epochs": 8, "batch_size": 32, "dropped_spikes": 0.2, "threads": 1},
    }
    return fit(config_of(tables), model=model, data=data, show_progress=False).model


@pytest.fixture(scope="session")
def model_file(trained, tmp_path_factory):
    """The network as trained, in real numbers."""
    path = tmp_path_factory.mktemp("models") / "real.safetensors"
    save_model(trained, path)
    return path


@pytest.fixture(scope="session")
def integer_file(trained, tmp_path_factory):
    """The same network on the chip's integers."""
    path = tmp_path_factory.mktemp("models") / "integer.safetensors"
    model = copy.deepcopy(trained)
    quantize(model)
    save_model(model, path)
    return path
