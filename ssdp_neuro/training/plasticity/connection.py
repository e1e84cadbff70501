"""One weight under a synchrony rule: which spikes cross it, and how it changes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from hw_models import ConversionError, InputError, RangeError
from ssdp_neuro.training.plasticity.rule_settings import Positions, RuleSettings
from ssdp_neuro.training.plasticity.spike_tap import InputOf, Reading, SpikePattern
from ssdp_neuro.training.plasticity.synchrony_update import da_ssdp_update, synchrony

POSITION_ELEMENTS = 2**22  # of the patterns of patches at a time


class Connection:
    """A Linear or Conv2d between two modules that spike.

    Parameters
    ----------
    pre
        Module whose output the layer reads, or :class:`InputOf` the network. The same as
        ``post`` for recurrent weights: then a spike arrives one step later.
    layer
        ``nn.Linear`` or ``nn.Conv2d`` (``groups=1``, numbers as padding), also quantized.
    post
        Module that the layer drives; its output are spikes.
    settings
        Of the rule.

    Raises
    ------
    ConversionError, RangeError
        If the layer is not supported.
    """

    def __init__(
        self, pre: nn.Module | InputOf, layer: nn.Module, post: nn.Module, settings: RuleSettings
    ) -> None:
        self.pre, self.layer, self.post, self.settings = pre, layer, post, settings
        is_conv = isinstance(layer, nn.Conv2d)
        if isinstance(layer, nn.Conv2d):
            n_pre, n_post = layer.in_channels, layer.out_channels
            if layer.groups != 1 or isinstance(layer.padding, str):
                raise RangeError(
                    f"Conv2d: groups {layer.groups} and padding {layer.padding!r};"
                    " one group and padding in pixels are needed"
                )
        elif isinstance(layer, nn.Linear):
            n_pre, n_post = layer.in_features, layer.out_features
        else:
            raise ConversionError(f"{type(layer).__name__}: a rule needs nn.Linear or nn.Conv2d")
        choices = (settings.positions, settings.spike)
        self.pre_reading = Reading(n_pre, is_conv, int(pre is post), *choices)
        self.post_reading = Reading(n_post, is_conv, 0, *choices)

    @property
    def weight(self) -> Tensor:
        """The parameter itself, also under a grid."""
        layer: Any = self.layer
        if parametrize.is_parametrized(layer, "weight"):
            return layer.parametrizations.weight.original
        return layer.weight

    def synchrony(self, pre: SpikePattern, post: SpikePattern) -> Tensor:
        """Share of pairs that both fired, float64 ``(B,)``; the mean over positions."""
        if pre.flag.ndim == 2 and post.flag.ndim == 2:
            return synchrony(pre.flag, post.flag)
        # means of the channels first: nothing of the size of the patches is made
        before, after = (p.flag.double().mean(1, keepdim=True) for p in (pre, post))
        if isinstance(self.layer, nn.Conv2d):
            before = self._unfold(before).mean(1)
        self._check_positions(before, after)
        return (before.flatten(1) * after.flatten(1)).mean(1)

    def update(self, pre: SpikePattern, post: SpikePattern, gate: Tensor) -> Tensor:
        """Mean change over the batch, in the shape of the weight.

        Parameters
        ----------
        pre, post
            Patterns of the same ``B`` samples.
        gate : real, shape (B,)
        """
        if pre.n_steps != post.n_steps:
            raise InputError(
                f"{pre.n_steps} steps before the layer, {post.n_steps} after; as many are needed"
            )
        shape = self.weight.shape
        if pre.flag.ndim == 2 and post.flag.ndim == 2:
            change = self._change(pre, post, gate)
            if len(shape) == 4 and self.settings.positions is Positions.FIRST_ARRIVAL:
                return change[:, :, None, None].expand(shape)
            return change.view(shape)
        n_samples = gate.shape[0]
        total = torch.zeros((), device=gate.device)
        per_sample = self.weight[0].numel() * max(1, post.flag[0, 0].numel())
        at_once = max(1, POSITION_ELEMENTS // per_sample)
        for start in range(0, n_samples, at_once):
            some = slice(start, start + at_once)
            here, there = self._aligned(pre.of(some), post.of(some))
            n_here = gate[some].shape[0]
            each = gate[some].repeat_interleave(here.flag.shape[0] // n_here)
            total = total + self._change(here, there, each) * (n_here / n_samples)
        return total.view(shape)

    def _change(self, pre: SpikePattern, post: SpikePattern, gate: Tensor) -> Tensor:
        return da_ssdp_update(
            pre.flag,
            pre.latency,
            post.flag,
            post.latency,
            gate=gate.float(),
            a_plus=self.settings.a_plus,
            a_baseline=self.settings.a_baseline,
            sigma=self.settings.sigma,
            n_steps=pre.n_steps,
        )

    def _aligned(self, pre: SpikePattern, post: SpikePattern) -> tuple[SpikePattern, SpikePattern]:
        """Both as ``(B * L, n)``: at each of L positions what the weight reads and drives."""
        if isinstance(self.layer, nn.Conv2d):
            # padding by 0 is silent
            before_end = self._unfold((pre.n_steps - pre.latency).float()).long()
            pre = SpikePattern(before_end > 0, pre.n_steps - before_end, pre.n_steps)
        self._check_positions(pre.flag[:, 0], post.flag[:, 0])
        here, there = (
            SpikePattern(_as_samples(p.flag), _as_samples(p.latency), p.n_steps)
            for p in (pre, post)
        )
        return here, there

    def _unfold(self, image: Tensor) -> Tensor:
        layer: Any = self.layer
        return functional.unfold(
            image,
            layer.kernel_size,
            dilation=layer.dilation,
            padding=layer.padding,
            stride=layer.stride,
        )

    @staticmethod
    def _check_positions(pre: Tensor, post: Tensor) -> None:
        before, after = pre[0].numel(), post[0].numel()
        if before != after:
            raise InputError(
                f"{before} positions before the layer, {after} after; Positions.EACH needs as many"
            )


def _as_samples(values: Tensor) -> Tensor:
    """``(B, n, *positions)`` to ``(B * L, n)``."""
    return values.reshape(*values.shape[:2], -1).transpose(1, 2).flatten(0, 1)
