"""Where a run takes place: device, ranks and random state; all decided once."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist

from hw_models import InputError, SsdpError
from hw_models.random_bits import random_bits
from ssdp_neuro.training.plasticity.ranks import in_ranks, sum_over_ranks
from ssdp_neuro.training.run.choices import DeviceKind
from ssdp_neuro.training.run.errors import TrainingError

STEP = 0x57E9  # key of the random numbers of a step, apart from other uses of the seed
WAIT = datetime.timedelta(minutes=10)  # for other ranks: they read data at their own speed


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
    TrainingError
        If another rank ends, or does not answer for ten minutes.
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
        with _others_needed():
            dist.init_process_group("nccl" if on_gpu else "gloo", timeout=WAIT)
    try:
        if in_ranks():
            with _others_needed():
                yield Place(device, dist.get_rank(), dist.get_world_size())
        else:
            yield Place(device)
    finally:
        if starts_group:
            dist.destroy_process_group()


@contextlib.contextmanager
def _others_needed() -> Iterator[None]:
    """Say in our words that another rank is gone."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        own = isinstance(error, SsdpError)
        if own or not (isinstance(error, dist.DistError) or "gloo" in reason.lower()):
            raise
        # what the frames hold may need the group, which is about to go
        traceback.clear_frames(error.__traceback__)
        who = os.environ.get("RANK", dist.get_rank() if in_ranks() else "?")
        raise TrainingError(
            f"rank {who}: another rank has ended, or has not answered for"
            f" {WAIT.seconds // 60} minutes; its own message says why, and --resume with as many"
            f" ranks goes on from the last checkpoint ({reason})"
        ) from None


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


def refuse_apart(step: int, place: Place) -> None:
    """Refuse ranks that are at different steps, as where only some see the run's folder.

    Raises
    ------
    TrainingError
        On every rank.
    """
    steps = [0] * place.n_ranks
    if place.n_ranks > 1:
        dist.all_gather_object(steps, step)
        if len(set(steps)) > 1:
            raise TrainingError(
                f"ranks would go on from steps {steps}; the folder of the run has to be one that"
                " all of them see"
            )


def summed(values: list[float], place: Place) -> list[float]:
    """Sums over the ranks, in float64."""
    if place.n_ranks == 1:
        return values
    own = torch.tensor(values, dtype=torch.float64, device=place.device)
    return sum_over_ranks(own).tolist()


def on_device(values: np.ndarray, device: torch.device) -> Tensor:
    """An array as a tensor of the device; a GPU fetches it when it is there, not now."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
