"""Small data and configs for the tests of training runs."""

import numpy as np
from torch import nn

from hw_models.random_bits import random_bits
from ssdp_neuro.data import DataSplit
from ssdp_neuro.training import config_of

N_STEPS, N_INPUTS, N_CLASSES = 6, 12, 3


class ToySpikes:
    """Three classes, each with its own four of twelve inputs busy; new spikes every epoch."""

    n_steps, input_shape, n_classes = N_STEPS, (N_INPUTS,), N_CLASSES

    def __init__(self, n_samples, key):
        self.labels = np.arange(n_samples, dtype=np.int64) % N_CLASSES
        self.key = key

    def __len__(self):
        return len(self.labels)

    def spikes(self, indices, *, epoch=0):
        places = np.asarray(indices).reshape(-1, 1, 1)
        steps, inputs = np.arange(N_STEPS)[:, None], np.arange(N_INPUTS)
        busy = inputs // 4 == self.labels[places]
        bits = random_bits(self.key, epoch, places, steps, inputs)
        return bits < np.where(busy, 0.6, 0.1) * 2**32


class UnseenSpikes(ToySpikes):
    """Counts the samples that are read."""

    reads = 0

    def spikes(self, indices, *, epoch=0):
        self.reads += len(indices)
        return super().spikes(indices, epoch=epoch)


def toy_split(n_train=90, *, validation=30, test=30):
    return DataSplit(
        train=ToySpikes(n_train, 1),
        validation=ToySpikes(validation, 2),
        test=UnseenSpikes(test, 3),
        class_names=tuple("abc"),
    )


def toy_config(**changes):
    """A config with every kind of state; ``training__epochs=3`` changes a field."""
    tables = {
        "model": {"hidden": [10], "quantize_from_epoch": 2, "current_decay": 2047},
        "rule": {"kind": "da-ssdp", "layers": ["all"], "warm_up_steps": 4},
        "optimizer": {"learning_rate": 2e-2},
        "training": {
            "epochs": 4,
            "batch_size": 16,
            "dropped_spikes": 0.2,
            "checkpoint_steps": 2,
            "threads": 1,
            "device": "cpu",
        },
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if value is None:
            del tables[section][name]
        else:
            tables[section][name] = value
    return config_of(tables)


class OwnNetwork(nn.Module):
    """A module that is none of ours: scores of the spike counts, with dropout and a norm."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(N_INPUTS)
        self.layer = nn.Linear(N_INPUTS, N_CLASSES)
        self.dropout = nn.Dropout(0.2)

    def forward(self, spikes):
        return self.layer(self.dropout(self.norm(spikes.sum(1))))


def weights(model):
    """Every tensor of a model as numbers, by name."""
    state = model.state_dict()
    return {name: state[name].tolist() for name in state if hasattr(state[name], "tolist")}
