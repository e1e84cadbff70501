"""Taps on modules: they keep when each neuron fired, of every forward pass in training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hw_models import InputError, ShapeError
from ssdp_neuro.training.plasticity.first_spike import first_spike, last_spike
from ssdp_neuro.training.plasticity.rule_settings import Positions, SpikeChoice


@dataclass(frozen=True, eq=False)
class InputOf:
    """The spikes that a module is given, instead of those that it gives.

    For a projection that reads the input of the network: ``InputOf(model)``.
    """

    module: nn.Module


class SpikePattern(NamedTuple):
    """Flags (bool) and latencies (int64), each ``(B, n)`` or ``(B, n, *positions)``."""

    flag: Tensor
    latency: Tensor
    n_steps: int

    def of(self, samples: slice) -> SpikePattern:
        """The pattern of some samples."""
        return SpikePattern(self.flag[samples], self.latency[samples], self.n_steps)

    def delayed(self, delay: int | Tensor) -> SpikePattern:
        """First spikes some steps later; those that leave the window never arrive.

        Parameters
        ----------
        delay
            Of all, or ``(n,)``.
        """
        if isinstance(delay, int) and delay == 0:
            return self
        if isinstance(delay, Tensor):
            delay = delay.view(-1, *[1] * (self.latency.ndim - 2))
        latency = (self.latency + delay).clamp_max(self.n_steps)
        return SpikePattern(self.flag & (latency < self.n_steps), latency, self.n_steps)


@dataclass(frozen=True)
class Reading:
    """How spikes ``(B, T, ...)`` become a pattern of ``n`` neurons.

    Parameters
    ----------
    n
        Neurons, or channels.
    channels_first
        ``(B, T, n, *positions)``; else ``(B, T, *positions, n)``, or any shape of ``n``
        neurons in all, which is flattened.
    positions, spike
        As in the settings.
    """

    n: int
    channels_first: bool
    positions: Positions
    spike: SpikeChoice

    def pattern(self, spikes: Tensor) -> SpikePattern:
        """Flags and latencies of one forward pass."""
        fired = self._by_channel(spikes)
        if self.positions is Positions.FIRST_ARRIVAL and fired.ndim > 3:
            fired = _anywhere(fired, tuple(range(3, fired.ndim)))
        pick = first_spike if self.spike is SpikeChoice.FIRST else last_spike
        return SpikePattern(*pick(fired), fired.shape[1])

    def _by_channel(self, spikes: Tensor) -> Tensor:
        """``(B, T, n)`` or ``(B, T, n, *positions)``."""
        shape = tuple(spikes.shape)
        if self.channels_first:
            if spikes.ndim > 3 and shape[2] == self.n:
                return spikes
        elif spikes.ndim > 2:
            if math.prod(shape[2:]) == self.n:
                return spikes.flatten(2)
            if shape[-1] == self.n:
                return spikes.movedim(-1, 2)
        wanted = "{n}, H, W" if self.channels_first else "..., {n}"
        raise ShapeError(
            f"spikes of shape {shape} (batch, time, ...); ({wanted.format(n=self.n)}) per step is"
            " needed: those that really cross the weight"
        )


def _anywhere(spikes: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Whether there is a spike along some dimensions; reads floats once, writes next to none."""
    somewhere = spikes.amax(dims) != 0
    return somewhere if spikes.dtype == torch.bool else somewhere | (spikes.amin(dims) != 0)


class SpikeTap:
    """Forward hook on one module that keeps a pattern of each pass.

    Passes in evaluation mode, and those while ``enabled`` is false, leave no trace.

    Parameters
    ----------
    source
        Module or :class:`InputOf`.
    reading
        How its spikes are read.
    time_dim
        0 or 1: dimension of time; the other one is the batch.
    stepwise
        The module is called once per step, ``(B, ...)``, and all calls since the last
        :meth:`take` are one batch; else every call is a batch of whole samples.
    """

    def __init__(
        self, source: nn.Module | InputOf, reading: Reading, time_dim: int, stepwise: bool
    ) -> None:
        self.reading, self.time_dim, self.stepwise = reading, time_dim, stepwise
        self.enabled = True
        self._kept: list[Any] = []
        inside = source.module if isinstance(source, InputOf) else source
        self._name = type(inside).__name__
        if isinstance(source, InputOf):
            self._handle = source.module.register_forward_pre_hook(self._before)
        else:
            self._handle = source.register_forward_hook(self._after)

    def remove(self) -> None:
        """Take the hook off the module."""
        self._handle.remove()
        self._kept.clear()

    def clear(self) -> None:
        """Forget what was kept."""
        self._kept.clear()

    def take(self) -> SpikePattern:
        """What was kept since the last time, as one batch; then forget it."""
        kept, self._kept = self._kept, []
        if not kept:
            raise InputError(
                f"{self._name}: not called in training mode since the last step; a rule also sees"
                " nothing of a module that torch.compile took before the rule was made"
            )
        if self.stepwise:
            return self.reading.pattern(torch.stack(kept, dim=1))
        if len({pattern.n_steps for pattern in kept}) > 1:
            raise InputError("forward passes of different numbers of time steps in one step")
        return SpikePattern(
            torch.cat([pattern.flag for pattern in kept]),
            torch.cat([pattern.latency for pattern in kept]),
            kept[0].n_steps,
        )

    def _before(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self._keep(module, args[0])

    def _after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self._keep(module, output[0] if isinstance(output, tuple) else output)

    @torch.no_grad()
    def _keep(self, module: nn.Module, spikes: Tensor) -> None:
        if not (self.enabled and module.training):
            return
        if self.stepwise:
            self._kept.append(spikes != 0)  # one byte a spike, until the sample is over
            return
        if spikes.ndim < 3:
            raise ShapeError(
                f"{type(module).__name__}: spikes of shape {tuple(spikes.shape)}; three or more"
                " dimensions with batch and time are needed, or stepwise=True"
            )
        whole = spikes.movedim(0, 1) if self.time_dim == 0 else spikes
        self._kept.append(self.reading.pattern(whole))
