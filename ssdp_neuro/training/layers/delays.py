"""Synapses whose spikes are under way for some steps more."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hw_models import RangeError, ShapeError
from hw_models.arrays import integer_array
from hw_models.projections import MAX_DELAY


class DelayedLinear(nn.Linear):
    """A Linear without bias whose synapses have delays, as a DenseProjection has them.

    Unlike other layers it is given whole samples, ``(B, T, n_in)``; what spikes of step
    ``t`` send over a synapse of delay ``d`` comes out in step ``t + d`` (and is felt one
    step later still, as always on the chip). :meth:`step` does one step.

    Parameters
    ----------
    in_features, out_features
        As of :class:`torch.nn.Linear`.
    delays
        Integers 0..63 that broadcast to ``(out_features, in_features)``: one per synapse,
        ``(n_in,)`` for one per axon, ``(n_out, 1)`` for one per target. They are not learned.

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
    """

    delays: Tensor

    def __init__(self, in_features: int, out_features: int, *, delays: Any, bias: Any = False):
        if bias is not False:
            raise RangeError("DelayedLinear.bias: not False; delayed synapses have none")
        super().__init__(in_features, out_features, bias=False)
        codes = integer_array("DelayedLinear.delays", delays, 0, MAX_DELAY, np.int16)
        try:
            codes = np.broadcast_to(codes, (out_features, in_features))
        except ValueError:
            raise ShapeError(
                f"DelayedLinear.delays: shape {codes.shape}; one that broadcasts to"
                f" {(out_features, in_features)} is needed"
            ) from None
        self.register_buffer("delays", torch.from_numpy(codes.copy()), persistent=False)
        self._distinct = np.unique(codes).tolist()
        self._one_per_axon = bool((codes == codes[:1]).all())

    def forward(self, spikes: Tensor) -> Tensor:
        """What arrives of whole samples; ``(B, T, n_in)`` to ``(B, T, n_out)``."""
        weight = self.weight
        if self._one_per_axon:  # one product does it
            delayed = torch.zeros_like(spikes)
            for delay in self._distinct:
                axons = (self.delays[0] == delay).nonzero().flatten()
                kept = max(spikes.shape[1] - delay, 0)
                delayed[:, delay:, axons] = spikes[:, :kept, axons]
            return functional.linear(delayed, weight)
        arriving: Any = 0.0
        for delay in self._distinct:
            kept = max(spikes.shape[1] - delay, 0)
            sent = functional.linear(spikes[:, :kept], weight * (self.delays == delay))
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
        recent = recent[:, -1 - self._distinct[-1] :]
        return self(recent)[:, -1], recent

    def extra_repr(self) -> str:
        """What ``print(model)`` shows."""
        return f"{super().extra_repr()}, delays={self._distinct[0]}..{self._distinct[-1]}"
