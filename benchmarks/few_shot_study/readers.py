"""Readers that do not learn on the chip: nearest prototype, and a readout trained offline."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from benchmarks.few_shot_study.extractor import BATCH, Extractor
from conversions.pytorch.model_conversion import from_torch
from ssdp_neuro.data import SpikeDataset, to_arrays
from ssdp_neuro.dataset_run import decisions
from ssdp_neuro.training import SpikingNetwork, config_of, feed_forward, fit, quantize
from ssdp_neuro.training.silence import SilenceWarning

OUTPUT = "output"
OFFLINE_STEPS = 300  # of the optimizer, at least
LEARNING_RATE = 3e-3
FINE_TUNING_RATE = 1e-3


def nearest_prototype(lesson: SpikeDataset, samples: SpikeDataset) -> np.ndarray:
    """Class of the nearest mean of hidden spike counts, int64 ``(B,)``.

    Counts and means are scaled to length one, so that a sample's total activity does not
    matter; a silent sample is nearest to the first class.

    Parameters
    ----------
    lesson
        Hidden spikes that give one mean per class.
    samples
        Those to decide.
    """
    classes = np.unique(lesson.labels)
    counts = to_arrays(lesson)[0].sum(axis=1)
    means = np.stack([_unit(counts[lesson.labels == c].mean(axis=0)) for c in classes])
    return classes[(_unit(to_arrays(samples)[0].sum(axis=1)) @ means.T).argmax(axis=1)]


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def offline_readout(
    extractor: Extractor, lesson: SpikeDataset, n_classes: int, *, seed: int
) -> Any:
    """A readout trained by gradients from the trained one on, then put in 8 bits.

    Parameters
    ----------
    extractor
        Its readout is where training begins, for the classes it has.
    lesson
        Hidden spikes and labels.
    n_classes
        Output neurons.
    seed
        Of the new neurons' weights and the order of the samples.

    Returns
    -------
    FixedPointNetwork
        Hidden neurons as ``input``, and the output.
    """
    trained = extractor.model
    neurons: Any = trained.output
    model = feed_forward(
        (*lesson.input_shape, n_classes),
        seed=seed,
        gain=0.1,
        current_decay=neurons.current_decay,
        voltage_decay=neurons.voltage_decay,
    )
    old: Any = trained.to_output
    new: Any = model.to_output
    new.weight.data[: old.weight.shape[0]] = old.weight.data
    epochs = max(2, -(-OFFLINE_STEPS * BATCH // len(lesson)) if len(lesson) > BATCH else 60)
    _fit(model, lesson, epochs=min(epochs, 60), learning_rate=LEARNING_RATE, seed=seed)
    quantize(model)
    _fit(model, lesson, epochs=5, learning_rate=FINE_TUNING_RATE, seed=seed)
    network, _ = from_torch(model)
    return network


def offline_decisions(network: Any, samples: SpikeDataset) -> np.ndarray:
    """Decisions of an offline readout in the engine, int64 ``(B,)``."""
    return decisions(network, samples, OUTPUT)


def _fit(
    model: SpikingNetwork, lesson: SpikeDataset, *, epochs: int, learning_rate: float, seed: int
) -> None:
    config = config_of(
        {
            "optimizer": {"learning_rate": learning_rate, "weight_decay": 0.3},
            "training": {
                "epochs": epochs,
                "batch_size": BATCH,
                "dropped_spikes": 0.2,
                "seed": seed,
                "threads": 1,
            },
        }
    )
    with warnings.catch_warnings():
        # a few samples that lose a share of their spikes may leave an epoch without output
        warnings.simplefilter("ignore", SilenceWarning)
        fit(config, model=model, data=lesson, show_progress=False)
