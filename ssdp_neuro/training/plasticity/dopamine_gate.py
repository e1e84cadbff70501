"""The dopamine gate: how much a sample counts, by how synchronous it was.

During warm-up the synchrony ``S`` and the loss ``L`` of every sample go into running sums.
Their fit is kept from then on:

    k = -Pearson(S, L),   gate = clip(1 + k (S - mu) / sd, 0, 2)

So where synchrony came with a low loss, samples more synchronous than usual count more.

References
----------
DA-SSDP, arXiv 2512.07194.
"""

from __future__ import annotations

import math
import warnings
from statistics import NormalDist
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hw_models import ExecutorError, RangeError, ShapeError, TypeMismatchError
from ssdp_neuro.training.plasticity.ranks import sum_over_ranks

VARIANCE_NOISE = 1e-13


class SaturationWarning(UserWarning):
    """Synchrony hardly varied, so it says nothing about the loss; the gate stays at one."""


class GateFit(NamedTuple):
    """What the warm-up showed.

    ``pearson`` and ``n_samples`` are what was seen, ``k`` what the gate uses: 0 if the
    correlation was not significant or the spread too small.
    """

    k: float
    mu: float
    sd: float
    pearson: float
    n_samples: int


class DopamineGate(nn.Module):
    """Gate of one connection; one until it is fitted, frozen from then on.

    It has buffers only, all float64, all in the ``state_dict``. Under torch.distributed
    what is recorded is summed over the ranks at once, so every rank holds the same sums at
    any time, and the state of one rank is that of all.

    Parameters
    ----------
    significance
        Largest probability that unrelated S and L show such a correlation (Fisher's z,
        two-sided, samples taken as independent) at which it is believed; else ``k = 0``.
        ``None``: it is always believed.
    minimum_spread
        Standard deviation of S, as a share of ``mu``, that must be exceeded to be believed;
        else ``k = 0``, with a :class:`SaturationWarning`. 0: no guard.
    process_group
        As in torch.distributed; the default group if not given.

    Notes
    -----
    :meth:`end_block` ends a stretch of training. The fit is made within blocks, about each
    block's own means, so that a trend of training that both S and L follow is no
    correlation; ``mu`` is the mean of the last block. Never called, everything is one
    block, and the fit is the plain one over all samples.

    Examples
    --------
    >>> gate = DopamineGate()
    >>> spread = torch.linspace(0.1, 0.3, 100)
    >>> gate.record(spread, 1.0 - spread)
    >>> round(gate.fit().k, 6)
    1.0
    >>> [round(value, 6) for value in gate(torch.tensor([0.0, 0.2, 0.5])).tolist()]
    [0.0, 1.0, 2.0]
    """

    block: Tensor
    within: Tensor
    k: Tensor
    mu: Tensor
    sd: Tensor

    def __init__(
        self,
        *,
        significance: float | None = 1e-3,
        minimum_spread: float = 1e-4,
        process_group: Any = None,
    ) -> None:
        super().__init__()
        if significance is not None and not 0 < significance < 1:
            raise RangeError(f"DopamineGate.significance: {significance}; allowed above 0, below 1")
        if not 0 <= minimum_spread < math.inf:
            raise RangeError(f"DopamineGate.minimum_spread: {minimum_spread}; allowed from 0")
        self.significance = significance
        self.minimum_spread = float(minimum_spread)
        self.process_group = process_group
        self.frozen = False
        # n, sum S, sum L, sum S^2, sum L^2, sum S L of the block that is under way
        self.register_buffer("block", torch.zeros(6, dtype=torch.float64))
        # n, blocks, centred sums S^2, L^2, S L of blocks that have ended, samples left out
        self.register_buffer("within", torch.zeros(6, dtype=torch.float64))
        for name, start in (("k", 0.0), ("mu", 0.0), ("sd", 1.0)):
            self.register_buffer(name, torch.tensor(start, dtype=torch.float64))

    def get_extra_state(self) -> dict[str, bool]:
        """What the ``state_dict`` holds beside the buffers."""
        return {"frozen": self.frozen}

    def set_extra_state(self, state: dict[str, bool]) -> None:
        """Restore it."""
        self.frozen = bool(state["frozen"])

    @torch.no_grad()
    def record(self, synchrony: Tensor, loss: Tensor) -> None:
        """Add samples of the warm-up; no synchronisation with the host.

        Samples whose loss is not finite are left out; :meth:`fit` warns of them.

        Parameters
        ----------
        synchrony, loss : real, shape (B,)

        Raises
        ------
        ShapeError, TypeMismatchError, ExecutorError
            If the shapes differ, the buffers were cast, or the gate is frozen.
        """
        if self.frozen:
            raise ExecutorError("DopamineGate.record: the gate was fitted, and is frozen since")
        if synchrony.ndim != 1 or synchrony.shape != loss.shape:
            raise ShapeError(
                f"DopamineGate.record: synchrony {tuple(synchrony.shape)} and loss"
                f" {tuple(loss.shape)}; (B,) is needed for both, one loss per sample"
            )
        if self.block.dtype != torch.float64:
            raise TypeMismatchError(
                f"DopamineGate: buffers cast to {self.block.dtype}; they must stay float64"
            )
        usable = torch.isfinite(loss)
        s, c = synchrony.double(), loss.double().masked_fill(~usable, 0.0)
        s = s.masked_fill(~usable, 0.0)
        sums = torch.stack([usable.double(), s, c, s * s, c * c, s * c, (~usable).double()]).sum(1)
        sums = sum_over_ranks(sums, self.process_group)
        self.block += sums[:6]
        self.within[5] += sums[6]

    @torch.no_grad()
    def end_block(self) -> None:
        """End a stretch of training; see the class."""
        n = self.block[0]
        count = n.clamp_min(1.0)
        s, c = self.block[1] / count, self.block[2] / count
        squares = self.block[3:] - n * torch.stack([s * s, c * c, s * c])
        # a variance this far below the mean square is rounding of the sums
        noise = VARIANCE_NOISE * self.block[3:5]
        squares[:2] = torch.where(squares[:2] > noise, squares[:2], 0.0)
        self.within[0] += n
        self.within[1] += (n > 0).double()
        self.within[2:5] += squares
        self.mu.copy_(torch.where(n > 0, s, self.mu))
        self.block.zero_()

    @torch.no_grad()
    def fit(self) -> GateFit:
        """Fit the gate to what was recorded, and freeze it.

        Raises
        ------
        ExecutorError
            If nothing usable was recorded, or the gate is frozen already.
        """
        if self.frozen:
            raise ExecutorError("DopamineGate.fit: the gate was fitted before, and is frozen")
        self.end_block()
        n, blocks, ss, cc, sc, left_out = self.within.tolist()
        if n == 0:
            raise ExecutorError("DopamineGate.fit: no sample with a finite loss was recorded")
        if left_out:
            warnings.warn(f"DopamineGate: {left_out:.0f} losses not finite, left out", stacklevel=2)
        sd = math.sqrt(ss / n)
        pearson = max(-1.0, min(1.0, sc / math.sqrt(ss * cc))) if ss > 0 and cc > 0 else 0.0
        believed = self._significant(pearson, n - blocks - 2)
        least = self.minimum_spread * float(self.mu)
        if self.minimum_spread > 0 and sd <= least:
            believed = False
            warnings.warn(
                f"DopamineGate: synchrony {float(self.mu):.4g} with a spread of {sd:.2g}, not above"
                f" {least:.2g}; the gate stays at one",
                SaturationWarning,
                stacklevel=2,
            )
        self.k.fill_(-pearson if believed else 0.0)
        self.sd.fill_(sd if sd > 0 else 1.0)
        self.frozen = True
        return GateFit(float(self.k), float(self.mu), sd, pearson, int(n))

    @torch.no_grad()
    def forward(self, synchrony: Tensor) -> Tensor:
        """The gate of each sample, 0..2, float64; same shape as ``synchrony``."""
        return (1.0 + self.k * (synchrony.double() - self.mu) / self.sd).clamp(0.0, 2.0)

    def _significant(self, pearson: float, freedom: float) -> bool:
        if self.significance is None:
            return True
        if freedom <= 0:  # as few samples as this always lie on a line
            return False
        if abs(pearson) == 1.0:
            return True
        z = math.atanh(abs(pearson)) * math.sqrt(freedom)
        return z > NormalDist().inv_cdf(1.0 - self.significance / 2)
