"""Readers that do not learn on the chip: nearest prototype, and a readout trained offline."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.few_shot_study.extractor import Extractor
from conversions.pytorch.conversion import from_torch
from ssdp_neuro import simulate
from ssdp_neuro.data.spike_data import SpikeSamples
from ssdp_neuro.decision import decide
from ssdp_neuro.training import SpikingNetwork, feed_forward, fit_arrays, quantize

OUTPUT = "output"
OFFLINE_STEPS = 300  # of the optimizer, at least
LEARNING_RATE = 3e-3
FINE_TUNING_RATE = 1e-3
BATCH = 32


def nearest_prototype(lesson: SpikeSamples, samples: SpikeSamples) -> np.ndarray:
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
    counts = lesson.spikes.sum(axis=1)
    means = np.stack([_unit(counts[lesson.labels == c].mean(axis=0)) for c in classes])
    return classes[(_unit(samples.spikes.sum(axis=1)) @ means.T).argmax(axis=1)]


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def offline_readout(
    extractor: Extractor, lesson: SpikeSamples, n_classes: int, *, seed: int
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
        (lesson.spikes.shape[2], n_classes),
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


def offline_decisions(network: Any, samples: SpikeSamples) -> np.ndarray:
    """Decisions of an offline readout in the engine, int64 ``(B,)``."""
    run = simulate(network, samples.spikes, n_steps=samples.n_steps, n_threads=1)
    return decide(run.raster(OUTPUT))


def _fit(
    model: SpikingNetwork, lesson: SpikeSamples, *, epochs: int, learning_rate: float, seed: int
) -> None:
    fit_arrays(
        model,
        lesson.spikes,
        lesson.labels,
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=learning_rate,
        seed=seed,
        n_threads=1,
        show_progress=False,
    )
