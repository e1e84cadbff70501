"""When each neuron fired first: all that the synchrony rules keep of a sample.

Time is dimension 1, as everywhere in :mod:`ssdp_neuro.training`: spikes are ``(B, T, ...)``.
A value that is not zero is a spike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hw_models import ShapeError


@torch.no_grad()
def first_spike(spikes: Tensor, *, dim: int = 1) -> tuple[Tensor, Tensor]:
    """Whether each neuron fired, and the step of its first spike.

    Parameters
    ----------
    spikes : any dtype, shape (B, T, ...)
        Not zero where a neuron fired.
    dim
        Dimension of time; 0 for ``(T, B, ...)``.

    Returns
    -------
    flag : bool, the shape of ``spikes`` without ``dim``
    latency : int64, same shape
        0..T-1, and T for a neuron that did not fire. No gradient flows through either.

    Raises
    ------
    ShapeError
        If there is no such dimension, or no step in it.

    Examples
    --------
    >>> flag, latency = first_spike(torch.tensor([[[0, 0], [1, 0], [1, 0]]]))
    >>> flag.tolist(), latency.tolist()
    ([[True, False]], [[1, 3]])
    """
    score, n_steps = _highest(spikes, dim, earliest=True)
    return score > 0, n_steps - score.long()


@torch.no_grad()
def last_spike(spikes: Tensor, *, dim: int = 1) -> tuple[Tensor, Tensor]:
    """As :func:`first_spike`, of the last one; the published code takes this for the first."""
    score, n_steps = _highest(spikes, dim, earliest=False)
    flag = score > 0
    return flag, (score.long() - 1).masked_fill_(~flag, n_steps)


def _highest(spikes: Tensor, dim: int, *, earliest: bool) -> tuple[Tensor, int]:
    """Largest score of a spike, 1..T and 0 without one; much faster than argmax on a CPU."""
    if not -spikes.ndim <= dim < spikes.ndim or spikes.shape[dim] == 0:
        raise ShapeError(
            f"first_spike: spikes of shape {tuple(spikes.shape)} and dim {dim};"
            " (B, T, ...) with dim 1 is usual, at least one step is needed"
        )
    dim %= spikes.ndim
    n_steps = spikes.shape[dim]
    dtype = torch.int16 if n_steps < 2**15 else torch.int32
    score = torch.arange(1, n_steps + 1, dtype=dtype, device=spikes.device)
    if earliest:
        score = score.flip(0)
    score = score.view(-1, *[1] * (spikes.ndim - dim - 1))
    return ((spikes != 0) * score).amax(dim), n_steps
