"""Controls for DA-SSDP: rules of the same interface that leave out one of its claims.

A gain that a control also shows does not come from what the control leaves out. Random
numbers are a pure function of seed, step, connection and rank, so a resumed run goes on
as it would have, and nothing but the number of steps has to be kept.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hw_models.integers import integer
from hw_models.random_bits import random_bits
from ssdp_neuro.training.plasticity.da_ssdp_rule import DASSDP
from ssdp_neuro.training.plasticity.ranks import rank
from ssdp_neuro.training.plasticity.spike_tap import SpikePattern


class GateAtOne(DASSDP):
    """The same warm-up, but every sample counts alike; shows what the gate adds."""

    def _gates(
        self, sides: list[tuple[SpikePattern, SpikePattern]], loss: Tensor | None
    ) -> list[Tensor] | None:
        gates = super()._gates(sides, loss)
        return None if gates is None else [torch.ones_like(gate) for gate in gates]


class ConstantUpdate(DASSDP):
    """Every weight changes by the mean of the rule's change; shows what the pattern adds."""

    def _shaped(self, index: int, update: Tensor) -> Tensor:
        return update.mean().expand(update.shape)


class _Seeded(DASSDP):
    def __init__(self, *arguments: Any, seed: int = 0, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.seed = integer(f"{type(self).__name__}.seed", seed, 0, 2**32 - 1)

    def _generator(self, *key: int) -> torch.Generator:
        """On the CPU, so that every device gives the same numbers."""
        return torch.Generator().manual_seed(int(random_bits(self.seed, self.steps, *key)))


class RandomUpdate(_Seeded):
    """Normal noise of the norm of the rule's change; shows what is more than disturbance."""

    def _shaped(self, index: int, update: Tensor) -> Tensor:
        # the same on every rank, as the change it replaces
        noise = torch.randn(update.shape, generator=self._generator(index), dtype=update.dtype)
        noise = noise.to(update.device)
        return noise * (update.norm() / noise.norm())


class ShuffledLatencies(_Seeded):
    """Latencies change hands among the neurons that fired in a sample; shows timing.

    Flags, synchrony, gates and the distribution of latencies stay as they are. Each end of
    a connection is shuffled on its own; with ``Positions.EACH`` at each position.
    """

    def _update(self, index: int, pre: SpikePattern, post: SpikePattern, gate: Tensor) -> Tensor:
        generator = self._generator(index, rank(self.process_group))
        pre, post = (_shuffled(side, generator) for side in (pre, post))
        return super()._update(index, pre, post, gate)


def _shuffled(pattern: SpikePattern, generator: torch.Generator) -> SpikePattern:
    keys = torch.rand(pattern.flag.shape, generator=generator).to(pattern.flag.device)
    silent = (~pattern.flag).float()
    # neurons that fired, in order and in random order; the silent ones after them
    places = silent.argsort(dim=1, stable=True)
    drawn = (silent + keys).argsort(dim=1, stable=True)
    latency = torch.empty_like(pattern.latency)
    latency.scatter_(1, drawn, pattern.latency.gather(1, places))
    return pattern._replace(latency=latency)
