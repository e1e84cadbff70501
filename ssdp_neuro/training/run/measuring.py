"""How many samples a network decides rightly, counted over all ranks."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ssdp_neuro.data import SpikeDataset
from ssdp_neuro.training.run.device import Place, on_device, summed
from ssdp_neuro.training.run.losses import decisions
from ssdp_neuro.training.torch_settings import real_type

MOST_AT_ONCE = 256


def measured(model: nn.Module, data: SpikeDataset, place: Place, batch_size: int) -> float:
    """Share of the samples that are decided as labelled; each rank takes a part of them.

    The model is in evaluation mode meanwhile, and in training mode afterwards. It is given no
    more samples at once than in a step of training, which need the memory of ``batch_size``
    on all ranks.
    """
    at_once = min(MOST_AT_ONCE, -(-batch_size // place.n_ranks))
    model.eval()
    places = np.array_split(np.arange(len(data)), place.n_ranks)[place.rank]
    right = 0
    with torch.no_grad():
        for start in range(0, len(places), at_once):
            some = places[start : start + at_once]
            decided = decisions(model(as_input(data.spikes(some), place, real_type(model))))
            right += int((decided == data.labels[some]).sum())
    model.train()
    return summed([float(right)], place)[0] / len(data)


def as_input(spikes: np.ndarray, place: Place, dtype: torch.dtype) -> Tensor:
    """Spikes as 0 and 1 of the model's type on the device; they travel as single bytes."""
    return on_device(spikes, place.device).to(dtype)
