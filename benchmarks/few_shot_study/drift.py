"""Inputs that change after training: noise, a shift, dead inputs."""

from __future__ import annotations

import numpy as np

from benchmarks.few_shot_study.settings import Drift, StudyData
from ssdp_neuro.data import SpikeDataset, from_arrays, to_arrays

LOST_SPIKES = 0.3
ADDED_SPIKES = 0.3  # so many times the share of spikes there were
SHIFTED_PIXELS = 2
DEAD_INPUTS = 0.4


def drifted(samples: SpikeDataset, drift: Drift, data: StudyData, seed: int) -> SpikeDataset:
    """The samples as a changed sensor gives them.

    Parameters
    ----------
    samples
        Input spikes.
    drift
        Noise: a share of the spikes is lost, and as many appear anywhere. Shift: the image
        moves right and down, what leaves it is lost. Dead inputs: a share of the inputs,
        drawn once, stays silent.
    data
        Shape of the input.
    seed
        Of the draws.
    """
    rng = np.random.default_rng([seed, len(samples)])
    given, labels = to_arrays(samples)
    spikes = given.reshape(*given.shape[:2], -1)
    if drift is Drift.NOISE:
        kept = spikes & (rng.random(spikes.shape, dtype=np.float32) >= LOST_SPIKES)
        added = rng.random(spikes.shape, dtype=np.float32) < ADDED_SPIKES * spikes.mean()
        changed = kept | added
    elif drift is Drift.SHIFT:
        image = spikes.reshape(*spikes.shape[:2], data.n_channels, data.side, data.side)
        moved = np.zeros_like(image)
        by = SHIFTED_PIXELS
        moved[..., by:, by:] = image[..., :-by, :-by]
        changed = moved.reshape(spikes.shape)
    else:
        dead = np.random.default_rng(seed).random(data.n_inputs) < DEAD_INPUTS
        changed = spikes & ~dead
    return from_arrays(changed.reshape(given.shape), labels, n_classes=samples.n_classes)
