"""Synapses whose spikes are under way for some steps more."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from hw_models import RangeError, ShapeError, TypeMismatchError
from hw_models.arrays import integer_array, plain_array
from hw_models.choices import member
from hw_models.integers import integer
from hw_models.projections import MAX_DELAY
from ssdp_neuro.training.layers.delay_windows import DelayWindow, held_within, rounded_through


class DelayedLinear(nn.Linear):
    """A Linear without bias whose synapses have delays, as a DenseProjection has them.

    Unlike other layers it is given whole samples, ``(B, T, n_in)``; what spikes of step
    ``t`` send over a synapse of delay ``d`` comes out in step ``t + d`` (and is felt one
    step later still, as always on the chip). :meth:`step` does one step.

    Learned delays are real numbers. In training mode a spike is spread over the steps around
    its delay by a window of :attr:`width`, so that the delay has a gradient; in evaluation it
    comes after the nearest whole number of steps, as on the chip. Once
    :func:`ssdp_neuro.training.quantize` has put the weights on the chip's grid, that is so in
    training too, and only the gradient is the window's.

    Parameters
    ----------
    in_features, out_features
        As of :class:`torch.nn.Linear`.
    delays
        Integers 0..63 that broadcast to ``(out_features, in_features)``: one per synapse,
        ``(n_in,)`` for one per axon, ``(n_out, 1)`` for one per target. Learned ones are real
        numbers 0..longest to begin with, and of this shape.
    learned
        Whether training moves them.
    longest
        To which delays are learned, in steps, 1..63.
    window
        By which they are learned.

    Attributes
    ----------
    width
        Of the window, in steps, a tensor of one number; at its narrowest to begin with. See
        :func:`narrow_delay_windows`.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
        If the delays do not fit.

    Examples
    --------
    >>> synapses = DelayedLinear(1, 1, delays=2)
    >>> _ = nn.init.ones_(synapses.weight)
    >>> synapses(torch.tensor([1.0, 0.0, 0.0, 0.0]).reshape(1, 4, 1)).flatten().tolist()
    [0.0, 0.0, 1.0, 0.0]
    >>> learned = DelayedLinear(4, 3, delays=[0.4, 1.6, 7.0, 2.0], learned=True)
    >>> learned.delays[0].tolist()
    [0, 2, 7, 2]
    """

    width: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        delays: Any,
        learned: bool = False,
        longest: int = MAX_DELAY,
        window: DelayWindow = DelayWindow.GAUSSIAN,
        bias: Any = False,
    ):
        if bias is not False:
            raise RangeError("DelayedLinear.bias: not False; delayed synapses have none")
        super().__init__(in_features, out_features, bias=False)
        self.learned = bool(learned)
        self.longest = integer("DelayedLinear.longest", longest, 1, MAX_DELAY)
        self.window = member("DelayedLinear.window", window, DelayWindow)
        if self.learned:
            given = _real_delays(delays, self.longest)
            _broadcast(given, (out_features, in_features))
            shaped = given.reshape(*[1] * (2 - given.ndim), *given.shape)
            self.delay = nn.Parameter(torch.from_numpy(shaped.astype(np.float32)))
            width = torch.tensor(self.window.narrowest)
            self.register_buffer("width", width, persistent=False)
            return
        codes = integer_array("DelayedLinear.delays", delays, 0, MAX_DELAY, np.int16)
        codes = _broadcast(codes, (out_features, in_features))
        self.register_buffer("given", torch.from_numpy(codes.copy()), persistent=False)
        self._distinct = np.unique(codes).tolist()
        self._one_per_axon = bool((codes == codes[:1]).all())

    @property
    def delays(self) -> Tensor:
        """Of every synapse in whole steps, int16 ``(n_out, n_in)``."""
        if not self.learned:
            return self.given  # type: ignore[return-value]
        whole = self.delay.detach().clamp(0.0, float(self.longest)).round().to(torch.int16)
        return whole.expand(self.out_features, self.in_features)

    def forward(self, spikes: Tensor) -> Tensor:
        """What arrives of whole samples; ``(B, T, n_in)`` to ``(B, T, n_out)``."""
        if self.learned and self.training:
            return self._spread(spikes)
        weight, delays = self.weight, self.delays
        distinct, one_per_axon = self._kinds(delays)
        if one_per_axon:  # one product does it
            delayed = torch.zeros_like(spikes)
            for delay in distinct:
                axons = (delays[0] == delay).nonzero().flatten()
                kept = max(spikes.shape[1] - delay, 0)
                delayed[:, delay:, axons] = spikes[:, :kept, axons]
            return functional.linear(delayed, weight)
        arriving: Any = 0.0
        for delay in distinct:
            kept = max(spikes.shape[1] - delay, 0)
            sent = functional.linear(spikes[:, :kept], weight * (delays == delay))
            arriving = arriving + functional.pad(sent, (0, 0, spikes.shape[1] - kept, 0))
        return arriving

    def step(self, spikes: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What arrives in one step; ``(B, n_in)`` to ``(B, n_out)``.

        Parameters
        ----------
        spikes : shape (B, n_in)
        before
            What the last call returned with it; None at the beginning.

        Returns
        -------
        what arrives, and the spikes that are still under way
        """
        recent = spikes[:, None] if before is None else torch.cat([before, spikes[:, None]], 1)
        recent = recent[:, -1 - (self.longest if self.learned else self._distinct[-1]) :]
        return self(recent)[:, -1], recent

    def extra_repr(self) -> str:
        """What ``print(model)`` shows."""
        shown = f"{super().extra_repr()}, delays={int(self.delays.min())}..{int(self.delays.max())}"
        return shown + (f" (learned, {self.window.value})" if self.learned else "")

    def _kinds(self, delays: Tensor) -> tuple[list[int], bool]:
        """The delays that there are, and whether all synapses of an axon have one."""
        if not self.learned:
            return self._distinct, self._one_per_axon
        return delays.unique().tolist(), len(self.delay) == 1

    def _spread(self, spikes: Tensor) -> Tensor:
        """What arrives while delays are learned: by the window, or rounded with its gradient."""
        held = held_within(self.delay, self.longest)
        shares = self.window.shares(held, self.width, self.longest)
        if parametrize.is_parametrized(self):  # weights on the chip's grid: all is whole
            shares = rounded_through(shares, held)
        weight = self.weight
        shares = shares.to(weight.dtype)
        n_post, n_pre = self.delay.shape
        if n_post == 1:
            return functional.linear(_late(spikes, shares[0].expand(self.in_features, -1)), weight)
        if n_pre == 1:
            return _late(functional.linear(spikes, weight), shares[:, 0])
        kernel = (weight[:, :, None] * shares).flip(-1)
        return _convolved(spikes, kernel, groups=1)


def narrow_delay_windows(model: nn.Module, share: float) -> None:
    """Give the windows of all learned delays the width that belongs to a moment of training.

    It falls exponentially from half the longest delay to the narrowest over the first half of
    training, and stays there. Delays that an optimizer's momentum has carried beyond an end are
    put back to it. To be called before every step of training; ``fit`` does.

    Parameters
    ----------
    model
        Any, with or without such layers.
    share
        Of training that is over, 0..1.

    Mutates
    -------
    model
    """
    for layer in model.modules():
        if isinstance(layer, DelayedLinear) and layer.learned:
            narrowest = layer.window.narrowest
            widest = max(0.5 * layer.longest, narrowest)
            left = 1.0 - min(2.0 * share, 1.0)
            layer.width.fill_(narrowest * (widest / narrowest) ** left)
            with torch.no_grad():
                layer.delay.clamp_(0.0, float(layer.longest))


def _late(values: Tensor, shares: Tensor) -> Tensor:
    """Values ``(B, T, n)``, each channel by its own shares ``(n, longest + 1)``."""
    return _convolved(values, shares[:, None].flip(-1), groups=values.shape[2])


def _convolved(values: Tensor, kernel: Tensor, *, groups: int) -> Tensor:
    """Over time, from what was before; ``(B, T, n)`` to ``(B, T, n_out)``."""
    padded = functional.pad(values.transpose(1, 2), (kernel.shape[-1] - 1, 0))
    return functional.conv1d(padded, kernel, groups=groups).transpose(1, 2)


def _real_delays(delays: Any, longest: int) -> np.ndarray:
    given = plain_array("DelayedLinear.delays", delays)
    if given.dtype.kind not in "iuf":
        raise TypeMismatchError(f"DelayedLinear.delays: {given.dtype}; real numbers are needed")
    if given.size and not (given.min() >= 0 and given.max() <= longest):
        raise RangeError(
            f"DelayedLinear.delays: {given.min():g}..{given.max():g}; allowed 0..{longest}"
        )
    return given


def _broadcast(delays: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    try:
        return np.broadcast_to(delays, shape)
    except ValueError:
        raise ShapeError(
            f"DelayedLinear.delays: shape {delays.shape}; one that broadcasts to {shape} is needed"
        ) from None
