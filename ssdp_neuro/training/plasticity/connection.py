"""One weight under a synchrony rule: which spikes cross it, and how it changes."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from hw_models import ConversionError, InputError, RangeError
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.layers.fake_quant import OnGrid
from ssdp_neuro.training.plasticity.rule_settings import Positions, RuleSettings, SpikeChoice
from ssdp_neuro.training.plasticity.spike_tap import InputOf, Reading, SpikePattern
from ssdp_neuro.training.plasticity.synchrony_update import da_ssdp_update, synchrony

POSITION_ELEMENTS = 2**22  # of the patterns of patches at a time
# layers that do nothing with their weight but multiply
FORWARDS = (nn.Linear.forward, nn.Conv2d.forward, DelayedLinear.forward)


class Connection:
    """A Linear or Conv2d between two modules that spike.

    Times are those at which neurons fire. The step that a spike takes to its target is not
    counted, as it is the same for all; a :class:`DelayedLinear`'s delays are.

    Parameters
    ----------
    pre
        Module whose output the layer reads, or :class:`InputOf` the network. The same as
        ``post`` for recurrent weights.
    layer
        ``nn.Linear``, ``DelayedLinear`` or ``nn.Conv2d`` (``groups=1``, zeros as padding, in
        pixels); also quantized, or pruned by ``torch.nn.utils.prune``: then only the kept
        weights change, and only their pairs count as synchronous.
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
        if not isinstance(layer, (nn.Linear, nn.Conv2d)) or type(layer).forward not in FORWARDS:
            raise ConversionError(
                f"{type(layer).__name__}: a rule needs nn.Linear, DelayedLinear or nn.Conv2d, with"
                " the forward pass that they have"
            )
        is_conv = isinstance(layer, nn.Conv2d)
        if isinstance(layer, nn.Conv2d):
            n_pre, n_post = layer.in_channels, layer.out_channels
            if layer.groups != 1 or isinstance(layer.padding, str) or layer.padding_mode != "zeros":
                raise RangeError(
                    f"Conv2d: groups {layer.groups}, padding {layer.padding!r} of"
                    f" {layer.padding_mode}; one group and padding in pixels, of zeros, are needed"
                )
        else:
            n_pre, n_post = layer.in_features, layer.out_features
        if isinstance(layer, DelayedLinear) and settings.spike is not SpikeChoice.FIRST:
            raise RangeError("DelayedLinear: SpikeChoice.FIRST is needed, other spikes may be late")
        parameter_of(layer)
        choices = (settings.positions, settings.spike)
        self.pre_reading = Reading(n_pre, is_conv, *choices)
        self.post_reading = Reading(n_post, is_conv, *choices)

    @property
    def weight(self) -> Tensor:
        """The parameter itself, also under a grid or a mask."""
        return parameter_of(self.layer)[0]

    def synchrony(self, pre: SpikePattern, post: SpikePattern) -> Tensor:
        """Share of pairs that both fired, float64 ``(B,)``; the mean over positions."""
        if isinstance(self.layer, DelayedLinear) or parameter_of(self.layer)[1] is not None:
            return self._listed_synchrony(pre, post)
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
        weight, mask = parameter_of(self.layer)
        shape, n_samples = weight.shape, gate.shape[0]
        if n_samples == 0:
            return torch.zeros(shape, device=gate.device)
        if pre.flag.ndim == 2 and post.flag.ndim == 2:
            change = self._change(pre, post, gate)
            if len(shape) == 4 and self.settings.positions is Positions.FIRST_ARRIVAL:
                change = change[:, :, None, None].expand(shape)
            change = change.view(shape)
            return change if mask is None else change * mask
        total = torch.zeros((), device=gate.device)
        per_sample = self.weight[0].numel() * max(1, post.flag[0, 0].numel())
        at_once = max(1, POSITION_ELEMENTS // per_sample)
        for start in range(0, n_samples, at_once):
            some = slice(start, start + at_once)
            here, there = self._aligned(pre.of(some), post.of(some))
            n_here = gate[some].shape[0]
            each = gate[some].repeat_interleave(here.flag.shape[0] // n_here)
            total = total + self._change(here, there, each) * (n_here / n_samples)
        return total.view(shape) if mask is None else total.view(shape) * mask

    def _delays(self) -> list[tuple[Any, Tensor | None]]:
        """Delays, a number or ``(n_pre,)``, each with the synapses that have it (None: all)."""
        if not isinstance(self.layer, DelayedLinear):
            return [(0, None)]
        delays = self.layer.delays
        if bool((delays == delays[:1]).all()):
            return [(delays[0].long(), None)]
        return [(int(delay), delays == delay) for delay in delays.unique()]

    def _listed_synchrony(self, pre: SpikePattern, post: SpikePattern) -> Tensor:
        """The same over the synapses that are kept, by the spikes that come in time."""
        weight, mask = parameter_of(self.layer)
        kept = torch.ones_like(weight) if mask is None else mask
        after = _by_position(post.flag.double())
        both: Any = 0.0
        for delay, chosen in self._delays():
            exists = (kept if chosen is None else kept * chosen).double().flatten(1)
            before = pre.delayed(delay).flag.double()
            if isinstance(self.layer, nn.Conv2d) and before.ndim > 2:
                before = self._unfold(before)
            elif isinstance(self.layer, nn.Conv2d):
                exists = exists.view(*weight.shape[:2], -1).sum(2)
            before = _by_position(before)
            self._check_positions(before[:, 0], after[:, 0])
            both = both + ((exists @ before) * after).sum((1, 2)) / after.shape[2]
        return both / kept.double().sum().clamp_min(1.0)

    def _change(self, pre: SpikePattern, post: SpikePattern, gate: Tensor) -> Tensor:
        total: Any = 0.0
        for delay, chosen in self._delays():
            change = self._change_at_once(pre.delayed(delay), post, gate)
            total = total + (change if chosen is None else change * chosen)
        return total

    def _change_at_once(self, pre: SpikePattern, post: SpikePattern, gate: Tensor) -> Tensor:
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
        before, after = (math.prod(side.shape[1:]) for side in (pre, post))
        if before != after:
            raise InputError(
                f"{before} positions before the layer, {after} after; Positions.EACH needs as many"
            )


def _by_position(values: Tensor) -> Tensor:
    """``(B, n)`` or ``(B, n, *positions)`` to ``(B, n, L)``."""
    return values.reshape(*values.shape[:2], math.prod(values.shape[2:]))


def _as_samples(values: Tensor) -> Tensor:
    """``(B, n, *positions)`` to ``(B * L, n)``."""
    return values.reshape(*values.shape[:2], -1).transpose(1, 2).flatten(0, 1)


def parameter_of(layer: Any) -> tuple[Tensor, Tensor | None]:
    """The parameter that is changed to change a layer's weight, and the mask of a pruned one.

    Raises
    ------
    ConversionError
        If the weight is computed from something else before each pass.
    """
    kind = type(layer).__name__
    if parametrize.is_parametrized(layer, "weight"):
        chain = layer.parametrizations.weight
        if len(chain) == 1 and isinstance(chain[0], OnGrid):
            return chain.original, None
        names = ", ".join(type(step).__name__ for step in chain)
        raise ConversionError(
            f"{kind}.weight: parametrized by {names}; a rule changes a parameter, one under"
            " quantize(), or one pruned by torch.nn.utils.prune"
        )
    if "weight" in layer._parameters:
        return layer.weight, None
    mask = layer._buffers.get("weight_mask")
    if mask is not None and "weight_orig" in layer._parameters:
        return layer.weight_orig, mask
    raise ConversionError(
        f"{kind}.weight: no parameter, but computed before each pass (by weight_norm or"
        " spectral_norm?), which would undo what a rule changes"
    )
