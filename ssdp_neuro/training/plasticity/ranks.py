"""Sums over the ranks of torch.distributed; of one process without it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist


def in_ranks() -> bool:
    """Whether a process group is set up."""
    return dist.is_available() and dist.is_initialized()


def rank(process_group: Any = None) -> int:
    """Number of this rank, 0 without torch.distributed."""
    return dist.get_rank(process_group) if in_ranks() else 0


def sum_over_ranks(values: Tensor, process_group: Any = None) -> Tensor:
    """The sum, the same on every rank; ``values`` may be overwritten."""
    if in_ranks():
        dist.all_reduce(values, group=process_group)
    return values


def mean_over_samples(updates: list[Tensor], n_samples: int, process_group: Any) -> list[Tensor]:
    """Means over the samples of all ranks from each rank's own means, in one reduction.

    Ranks may hold different numbers of samples, and none. Returned are the same bits on every rank.

    Parameters
    ----------
    updates
        Real, of one dtype and device, any shapes.
    n_samples
        Of this rank.
    process_group
        As in torch.distributed.
    """
    if not in_ranks() or not updates:
        return updates
    flat = torch.cat([update.flatten() for update in updates] + [updates[0].new_ones(1)])
    flat = sum_over_ranks(flat * n_samples, process_group)
    parts = (flat[:-1] / flat[-1].clamp_min(1.0)).split([update.numel() for update in updates])
    return [part.view_as(update) for part, update in zip(parts, updates, strict=True)]
