"""Where a run takes place: device, ranks and random state; all decided once."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist

from hw_models import InputError
from hw_models.random_bits import random_bits
from ssdp_neuro.training.ranks import in_ranks
from ssdp_neuro.training.run.choices import DeviceKind

STEP = 0x57E9  # key of the random numbers of a step, apart from other uses of the seed


@dataclass(frozen=True)
class Place:
    """One process of a run.

    Parameters
    ----------
    device
        Of all tensors.
    rank, n_ranks
        Of torch.distributed; 0 and 1 without it.
    """

    device: torch.device
    rank: int = 0
    n_ranks: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it writes and prints."""
        return self.rank == 0


@contextlib.contextmanager
def chosen_place(kind: DeviceKind) -> Iterator[Place]:
    """The device and, under ``torchrun``, the process group; gloo on CPUs, NCCL on GPUs.

    A group that is set up already is used as it is.

    Raises
    ------
    InputError
        If there is no GPU and one is asked for.
    """
    has_gpu = torch.cuda.is_available()
    if kind is DeviceKind.CUDA and not has_gpu:
        raise InputError("[training] device: 'cuda', but PyTorch finds no GPU; 'cpu' or 'auto'")
    on_gpu = has_gpu and kind is not DeviceKind.CPU
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if on_gpu:
        torch.cuda.set_device(local)
    device = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    starts_group = not in_ranks() and int(os.environ.get("WORLD_SIZE", "1")) > 1
    if starts_group:
        dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        if in_ranks():
            yield Place(device, dist.get_rank(), dist.get_world_size())
        else:
            yield Place(device)
    finally:
        if starts_group:
            dist.destroy_process_group()


def seed_step(seed: int, step: int, rank: int) -> None:
    """Set all random states to what this step has, whatever came before.

    So they need not be stored: a resumed run draws what the whole one would have drawn.
    """
    key = int(random_bits(seed, STEP, step, rank))
    torch.manual_seed(key)  # of every device
    random.seed(key)
    np.random.seed(key)  # noqa: NPY002  a user's own data set may draw from it


@contextlib.contextmanager
def random_states_kept(device: torch.device) -> Iterator[None]:
    """Leave the random states as they were before."""
    own, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[device.index] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(own)
            np.random.set_state(numpys)  # noqa: NPY002


def as_first_rank(model: nn.Module, place: Place, *, parameters: bool = True) -> None:
    """Give every rank the first one's buffers, and parameters if asked for.

    Mutates
    -------
    model
    """
    if place.n_ranks == 1:
        return
    tensors: list[Any] = list(model.buffers())
    if parameters:
        tensors += list(model.parameters())
    for tensor in tensors:
        dist.broadcast(tensor.data, 0)


def summed(values: list[float], place: Place) -> list[float]:
    """Sums over the ranks, in float64."""
    if place.n_ranks == 1:
        return values
    total: Tensor = torch.tensor(values, dtype=torch.float64, device=place.device)
    dist.all_reduce(total)
    return total.tolist()
