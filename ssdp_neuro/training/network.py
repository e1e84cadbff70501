"""A feed-forward spiking network as a sequence of PyTorch modules."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from hw_models import ConversionError, ShapeError
from hw_models.chips import LOIHI2, Chip
from hw_models.integers import shape_of
from hw_models.weight_grid import WeightGrid, covering_grid
from ssdp_neuro.decision import decide
from ssdp_neuro.training.delays import DelayedLinear
from ssdp_neuro.training.fake_quant import OnGrid
from ssdp_neuro.training.neurons import CubaLif

SYNAPSES = (nn.Linear, nn.Conv2d)
SHAPERS = (nn.Flatten, nn.Dropout, nn.Identity)


class Stage(NamedTuple):
    """One projection and the neurons it ends at, each with its path in the model.

    ``modules`` holds both and what stands before them since the last neurons, by path.
    """

    synapses_path: str
    synapses: nn.Module
    neurons_path: str
    neurons: CubaLif
    modules: OrderedDict[str, nn.Module]


class SpikingNetwork(nn.Sequential):
    """Layers in sequence, over spikes ``(B, T, *input_shape)``.

    Every module but :class:`CubaLif` and :class:`DelayedLinear` sees one step at a time,
    ``(B * T, ...)``. :meth:`step` does one step of the network. Modules may be given with
    names, as an OrderedDict: those of the neurons become the names of the populations on
    the chip.

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
        with torch.no_grad():
            fired = self(as_spikes(spikes))
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
    """A float32 tensor of 0 and 1 from a bool or integer array, copied."""
    return torch.as_tensor(np.asarray(spikes), dtype=torch.float32)


def stages(model: nn.Sequential) -> list[Stage]:
    """Each projection of a model with the neurons it ends at, from input to output.

    Raises
    ------
    ConversionError
        If the modules do not alternate so, or one is not supported; names its path.
    """
    found: list[Stage] = []
    waiting: tuple[str, nn.Module] | None = None
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for path, module in model.named_children():
        modules[path] = module
        if isinstance(module, SHAPERS):
            continue
        if isinstance(module, CubaLif):
            if waiting is None:
                raise ConversionError(f"{path}: CubaLif without Linear or Conv2d before it")
            found.append(Stage(*waiting, path, module, modules))
            waiting, modules = None, OrderedDict()
        elif isinstance(module, SYNAPSES):
            if waiting is not None:
                raise ConversionError(f"{path}: no CubaLif between it and {waiting[0]}")
            waiting = (path, module)
        else:
            names = ", ".join(kind.__name__ for kind in (*SYNAPSES, CubaLif, *SHAPERS))
            raise ConversionError(f"{path}: {type(module).__name__}; supported are {names}")
    if waiting is not None:
        raise ConversionError(f"{waiting[0]}: no CubaLif after it")
    if not found:
        raise ConversionError("the model has no CubaLif")
    return found


def weight_of(synapses: nn.Module) -> np.ndarray:
    """Real weights of a Linear or Conv2d, float64; those under the grid of a quantized one."""
    weight: Any = (
        synapses.parametrizations.weight.original  # type: ignore[union-attr]
        if parametrize.is_parametrized(synapses)
        else synapses.weight
    )
    return weight.detach().cpu().double().numpy()


def weights_into(stage: Stage) -> np.ndarray:
    """All real weights that end at a stage's neurons, its own ones included, ``(n_post, -1)``."""
    parts = [stage.synapses]
    if stage.neurons.recurrent is not None:
        parts.append(stage.neurons.recurrent)
    rows = [weight_of(part) for part in parts]
    return np.concatenate([part.reshape(len(part), -1) for part in rows], axis=1)


def quantize(
    model: nn.Sequential, grids: dict[str, WeightGrid] | None = None, *, chip: Chip = LOIHI2
) -> dict[str, WeightGrid]:
    """Put a model on the chip's integers: every weight on a grid, every neuron exact.

    A layer's recurrent weights share its grid. It can be trained on from there
    (quantization-aware); its spikes are those of the converted network.

    Parameters
    ----------
    model
        Alternating Linear or Conv2d and CubaLif.
    grids
        By name of the neurons; those that cover the weights as they stand if not given.
    chip
        Registers, for grids that are not given.

    Returns
    -------
    dict
        The grids in use, by name of the neurons.

    Raises
    ------
    ConversionError
        If a layer has what the chip has not; names its path.

    Mutates
    -------
    model
    """
    chosen = {}
    refuse_off_chip(model)
    for stage in stages(model):
        neurons = stage.neurons
        grid = (grids or {}).get(stage.neurons_path) or covering_grid(
            weights_into(stage),
            real_threshold=neurons.threshold,
            current_decay=int(np.min(neurons.current_decay)),
            chip=chip,
        )
        for synapses in (stage.synapses, neurons.recurrent):
            if synapses is None:
                continue
            if parametrize.is_parametrized(synapses):
                # not removed and registered anew: that would break deep copies of the model
                synapses.parametrizations.weight[0].grid = grid  # type: ignore[union-attr,index]
            else:
                parametrize.register_parametrization(synapses, "weight", OnGrid(grid))
        neurons.grid = chosen[stage.neurons_path] = grid
    return chosen


def refuse_off_chip(model: nn.Sequential) -> None:
    """Refuse a model that :func:`quantize` cannot put on the chip's integers.

    Raises
    ------
    ConversionError
        Names the path of the first layer that the chip has not.
    """
    for stage in stages(model):
        _refuse_stage(stage)


def _refuse_stage(stage: Stage) -> None:
    if stage.neurons.adaptation is not None:
        raise ConversionError(
            f"{stage.neurons_path}.adaptation: the chip's threshold is constant;"
            " supported is adaptation=None"
        )
    if getattr(stage.synapses, "bias", None) is not None:
        raise ConversionError(
            f"{stage.synapses_path}.bias: supported is bias=False; the chip adds a bias to the"
            f" membrane potential, as CubaLif(bias=...) of {stage.neurons_path!r} does"
        )
    recurrent = stage.neurons.recurrent
    if not isinstance(recurrent, (*SYNAPSES, NoneType)):
        raise ConversionError(
            f"{stage.neurons_path}.recurrent: {type(recurrent).__name__};"
            f" supported are {', '.join(kind.__name__ for kind in SYNAPSES)}"
        )
