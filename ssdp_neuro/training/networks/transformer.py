"""A spike-driven transformer block for training: attention without softmax, masks of spikes.

Everything but the membranes is computed for all time steps at once; linear layers only ever
read spikes. Residual streams are real-valued membrane currents, so a block is: fire, project,
add. Not for the chip yet: :mod:`conversions` has no such layer.

References
----------
Spike-driven attention by masking and adding: Yao et al., NeurIPS 2023 (arXiv 2307.01694).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hw_models import RangeError, ResetMode, ShapeError
from hw_models.integers import integer, shape_of
from ssdp_neuro.training.layers.lif_scan import ScanSettings, can_scan, real_of, scan
from ssdp_neuro.training.layers.surrogate import ArcTangent, Surrogate, spike
from ssdp_neuro.training.torch_settings import usual_torch


class TokenLif(nn.Module):
    """Leaky integrate-and-fire on ``(B, T, ...)`` without delay, with a reset to zero.

        v <- kept * v + x;  spike where v > threshold; then v <- 0

    Parameters
    ----------
    kept
        Share of the membrane potential that remains after a step, in [0, 1).
    threshold
        Positive; below one, so that a single coincidence of key and value makes a neuron fire.
    surrogate
        Slope that stands in for the step's when going back.
    """

    def __init__(
        self, *, kept: float = 0.5, threshold: float = 0.75, surrogate: Surrogate | None = None
    ) -> None:
        super().__init__()
        if not 0 <= kept < 1 or not threshold > 0:
            raise RangeError(f"TokenLif: kept {kept}, threshold {threshold}; [0, 1) and > 0")
        self.kept, self.threshold = float(kept), float(threshold)
        self.surrogate = surrogate or ArcTangent()

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes, 0 and 1, same shape and dtype."""
        if can_scan(currents, self.surrogate):
            return self._scan(currents)
        voltage = torch.zeros_like(currents[:, 0])
        fired = []
        for x in currents.unbind(1):
            voltage = self.kept * voltage + x
            now = spike((voltage - self.threshold) / self.threshold, self.surrogate)
            voltage = voltage * (1.0 - now.detach())
            fired.append(now)
        return torch.stack(fired, dim=1)

    def _scan(self, currents: Tensor) -> Tensor:
        given = currents.flatten(2)
        nothing = given.new_zeros(given.shape[2], dtype=real_of(given))
        settings = ScanSettings(
            threshold=self.threshold,
            latency=0,
            reset=ResetMode.ZERO,
            refractory=0,
            detach_reset=True,
            surrogate=self.surrogate,
            integers=False,
        )
        kept = torch.full_like(nothing, self.kept)
        return scan(given, nothing, kept, nothing, None, settings).view(currents.shape)


class SpikingBlock(nn.Module):
    """Spike-driven attention, then two layers per token, both beside a residual stream.

    Attention adds up, over the tokens of one step, which channels key and value fire in
    together; where that sum makes its neuron fire, the query passes. So its cost is linear
    in the tokens, and it needs additions and masks only.

    Parameters
    ----------
    channels
        Of a token.
    expansion
        Hidden channels of the second part, in ``channels``.
    lif
        Makes the neurons; :class:`TokenLif` if not given.

    Notes
    -----
    Spikes that cross each weight, for the rules of synchrony: ``fire`` -> ``to_query``,
    ``to_key``, ``to_value`` -> ``query``, ``key``, ``value``; ``attended`` -> ``project`` and
    ``fire_again`` (its residual sum is what that drives); ``fire_again`` -> ``expand`` ->
    ``hidden``.

    Examples
    --------
    >>> SpikingBlock(8)(torch.zeros(2, 4, 16, 8)).shape
    torch.Size([2, 4, 16, 8])
    """

    def __init__(self, channels: int, *, expansion: int = 4, lif: type = TokenLif) -> None:
        super().__init__()
        self.channels = integer("SpikingBlock.channels", channels, 1, 2**31 - 1)
        wide = self.channels * integer("SpikingBlock.expansion", expansion, 1, 2**16)
        self.fire = lif()
        self.to_query, self.to_key, self.to_value = (
            _NormedLinear(channels, channels) for _ in range(3)
        )
        self.query, self.key, self.value, self.together = (lif() for _ in range(4))
        self.attended = nn.Identity()
        self.project = _NormedLinear(channels, channels)
        self.fire_again = lif()
        self.expand = _NormedLinear(channels, wide)
        self.hidden = lif()
        self.contract = _NormedLinear(wide, channels)

    def forward(self, stream: Tensor) -> Tensor:
        """The residual stream after the block; ``(B, T, tokens, channels)`` as given."""
        if stream.ndim != 4 or stream.shape[-1] != self.channels:
            raise ShapeError(
                f"SpikingBlock: stream of shape {tuple(stream.shape)};"
                f" (B, T, tokens, {self.channels}) is needed"
            )
        fired = self.fire(stream)
        query = self.query(self.to_query(fired))
        key = self.key(self.to_key(fired))
        value = self.value(self.to_value(fired))
        together = self.together((key * value).sum(2, keepdim=True))
        stream = stream + self.project(self.attended(query * together))
        hidden = self.hidden(self.expand(self.fire_again(stream)))
        return stream + self.contract(hidden)


class SpikingTransformer(nn.Module):
    """Patches of an image as tokens, blocks of attention, and a readout of real numbers.

    For training; conversions refuse it.

    Parameters
    ----------
    input_shape
        ``(channels, height, width)`` of one step's spikes; other shapes are split into
        ``patch`` runs of equal length.
    n_classes
        Values of the readout.
    channels
        Of a token.
    blocks
        Of attention, in a row.
    patch
        Side of a square patch in pixels, or the number of runs.
    seed
        Of the initial weights; the random state of PyTorch is left as it is.
    lif
        Makes the neurons; :class:`TokenLif` if not given.

    Examples
    --------
    >>> SpikingTransformer((1, 28, 28), 10, channels=16)(torch.zeros(2, 4, 1, 28, 28)).shape
    torch.Size([2, 4, 10])
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_classes: int,
        *,
        channels: int = 64,
        blocks: int = 2,
        patch: int = 4,
        seed: int = 0,
        lif: type = TokenLif,
    ) -> None:
        super().__init__()
        self.input_shape = shape_of("SpikingTransformer.input_shape", tuple(input_shape))
        self.patch = integer("SpikingTransformer.patch", patch, 1, 2**16)
        sizes = self.input_shape[1:] if len(self.input_shape) == 3 else (self.n_values,)
        if any(size % patch for size in sizes):
            raise ShapeError(f"SpikingTransformer.patch: {patch} does not divide {sizes}")
        n_tokens = math.prod(size // patch for size in sizes) if len(sizes) == 2 else patch
        with usual_torch(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embed = _NormedLinear(self.n_values // n_tokens, channels)
            self.position = nn.Parameter(0.02 * torch.randn(n_tokens, channels))
            self.blocks = nn.Sequential(*(SpikingBlock(channels, lif=lif) for _ in range(blocks)))
            self.fire = lif()
            self.readout = nn.Linear(channels, n_classes)

    @property
    def n_values(self) -> int:
        """Of one step's input."""
        return math.prod(self.input_shape)

    def forward(self, spikes: Tensor) -> Tensor:
        """Evidence for each class in each step; ``(B, T, *input_shape)`` to ``(B, T, classes)``."""
        if spikes.shape[2:] != self.input_shape:
            raise ShapeError(
                f"SpikingTransformer: spikes of shape {tuple(spikes.shape)};"
                f" (B, T, {', '.join(map(str, self.input_shape))}) is needed"
            )
        stream = self.embed(self._tokens(spikes)) + self.position
        return self.readout(self.fire(self.blocks(stream)).mean(2))

    def _tokens(self, spikes: Tensor) -> Tensor:
        """``(B, T, tokens, values of a token)``."""
        if len(self.input_shape) != 3:
            return spikes.flatten(2).unflatten(2, (self.patch, -1))
        rows = spikes.unflatten(4, (-1, self.patch)).unflatten(3, (-1, self.patch))
        # (B, T, channel, row, inner row, column, inner column)
        return rows.permute(0, 1, 3, 5, 2, 4, 6).flatten(4).flatten(2, 3)


class _NormedLinear(nn.Module):
    """Linear and batch norm over samples, steps and tokens; can be merged after training."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out, bias=False)
        self.norm = nn.BatchNorm1d(n_out)

    def forward(self, spikes: Tensor) -> Tensor:
        """``(..., n_in)`` to ``(..., n_out)``."""
        made = self.linear(spikes)
        return self.norm(made.flatten(0, -2)).view_as(made)
