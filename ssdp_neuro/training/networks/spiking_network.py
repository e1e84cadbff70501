"""A feed-forward spiking network as a sequence of PyTorch modules."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw_models import ShapeError
from hw_models.arrays import spike_array
from hw_models.integers import shape_of
from ssdp_neuro.decision import decide
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.layers.neurons import CubaLif
from ssdp_neuro.training.torch_settings import real_type, usual_torch


class SpikingNetwork(nn.Sequential):
    """Layers in sequence, over spikes ``(B, T, *input_shape)``.

    Every module but :class:`CubaLif` and :class:`DelayedLinear` sees one step at a time,
    ``(B * T, ...)``. :meth:`step` does one step of the network. Modules may be given with
    names, as an OrderedDict: those of the neurons become the names of the populations on
    the chip. Weights are float32, whatever PyTorch's default is.

    Parameters
    ----------
    *modules
        As for :class:`torch.nn.Sequential`.
    input_shape
        Shape of one step's spikes; taken from a leading Linear if not given.

    Raises
    ------
    ShapeError
        If there is no input shape and the first module is not Linear.

    Examples
    --------
    >>> model = SpikingNetwork(
    ...     nn.Linear(4, 2, bias=False), CubaLif(current_decay=1023, voltage_decay=256))
    >>> model(torch.zeros(3, 10, 4)).shape
    torch.Size([3, 10, 2])
    """

    def __init__(self, *modules: Any, input_shape: Any = None) -> None:
        super().__init__(*modules)
        if input_shape is None:
            first = next(iter(self), None)
            if not isinstance(first, nn.Linear):
                raise ShapeError("SpikingNetwork.input_shape: needed, the first module has none")
            input_shape = (first.in_features,)
        self.input_shape = shape_of("SpikingNetwork.input_shape", input_shape)
        self.float()

    def forward(self, spikes: Tensor) -> Tensor:
        """Spikes of the last module; ``(B, T, *input_shape)`` to ``(B, T, ...)``."""
        *_, (_, _, last) = self._run(spikes)
        return last

    def step(
        self, spikes: Tensor, state: dict[str, Any] | None = None
    ) -> tuple[Tensor, dict[str, Any]]:
        """One step of the network, for spikes that come as time goes on.

        Parameters
        ----------
        spikes : shape (B, *input_shape)
            Of this step.
        state
            What the last call returned; None at the beginning. It is not changed.

        Returns
        -------
        spikes of the last module, ``(B, ...)``; and the state after this step
        """
        self._check(spikes, 1)
        after = dict(state or {})
        with self._exact():
            for name, module in self.named_children():
                if isinstance(module, CubaLif | DelayedLinear):
                    spikes, after[name] = module.step(spikes, after.get(name))
                else:
                    spikes = module(spikes)
        return spikes, after

    def record(self, spikes: Tensor) -> dict[str, Tensor]:
        """Spikes of every layer of neurons, by its name, each ``(B, T, ...)``."""
        return {
            name: fired for name, module, fired in self._run(spikes) if isinstance(module, CubaLif)
        }

    def decide(self, spikes: Any) -> np.ndarray:
        """Decisions by :func:`ssdp_neuro.decision.decide`, int64 ``(B,)``; no gradients."""
        was_training = self.training
        self.eval()
        device = next((p.device for p in self.parameters()), torch.device("cpu"))
        with usual_torch(real_type(self), device.type), torch.no_grad():
            fired = self(as_spikes(spikes).to(device, real_type(self)))
        self.train(was_training)
        return decide(fired.flatten(2).cpu().numpy())

    def _run(self, spikes: Tensor) -> Iterator[tuple[str, nn.Module, Tensor]]:
        self._check(spikes, 2)
        for name, module in self.named_children():
            with self._exact():
                if isinstance(module, CubaLif | DelayedLinear):
                    spikes = module(spikes)
                else:
                    spikes = module(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])
            yield name, module, spikes

    def _check(self, spikes: Tensor, n_before: int) -> None:
        if spikes.ndim <= n_before or spikes.shape[n_before:] != self.input_shape:
            raise ShapeError(
                f"SpikingNetwork: spikes of shape {tuple(spikes.shape)};"
                f" ({'B, T, '[: 3 * n_before]}{', '.join(map(str, self.input_shape))}) is needed"
            )

    @contextlib.contextmanager
    def _exact(self) -> Iterator[None]:
        """Products in full float32 once the weights are integers: no less would be exact."""
        quantized = any(isinstance(m, CubaLif) and m.grid is not None for m in self.children())
        if not quantized:
            yield
            return
        cudnn, precision = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        try:
            kind = next(self.parameters()).device.type
            with torch.autocast(kind, enabled=False):
                yield
        finally:
            torch.backends.cudnn.allow_tf32 = cudnn
            torch.set_float32_matmul_precision(precision)


def as_spikes(spikes: Any) -> Tensor:
    """A float32 tensor of 0 and 1 from an array of exact zeros and ones, copied."""
    return torch.from_numpy(spike_array("spikes", spikes).astype(np.float32))
