"""A feed-forward spiking network as a sequence of PyTorch modules."""

from __future__ import annotations

from collections import OrderedDict
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

    Every module but :class:`CubaLif` sees one step at a time, ``(B * T, ...)``. Modules
    may be given with names, as an OrderedDict: those of the neurons become the names of
    the populations on the chip.

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

    def _run(self, spikes: Tensor) -> Any:
        if spikes.ndim < 3 or spikes.shape[2:] != self.input_shape:
            raise ShapeError(
                f"SpikingNetwork: spikes of shape {tuple(spikes.shape)};"
                f" (B, T, {', '.join(map(str, self.input_shape))}) is needed"
            )
        for name, module in self.named_children():
            if isinstance(module, CubaLif):
                spikes = module(spikes)
            else:
                spikes = module(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])
            yield name, module, spikes


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


def quantize(
    model: nn.Sequential, grids: dict[str, WeightGrid] | None = None, *, chip: Chip = LOIHI2
) -> dict[str, WeightGrid]:
    """Put a model on the chip's integers: every weight on a grid, every neuron exact.

    It can be trained on from there (quantization-aware); its spikes are those of the
    converted network.

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

    Mutates
    -------
    model
    """
    chosen = {}
    for stage in stages(model):
        grid = (grids or {}).get(stage.neurons_path) or covering_grid(
            weight_of(stage.synapses),
            real_threshold=stage.neurons.threshold,
            current_decay=stage.neurons.current_decay,
            chip=chip,
        )
        if parametrize.is_parametrized(stage.synapses):
            # not removed and registered anew: that would break deep copies of the model
            stage.synapses.parametrizations.weight[0].grid = grid  # type: ignore[union-attr,index]
        else:
            parametrize.register_parametrization(stage.synapses, "weight", OnGrid(grid))
        stage.neurons.grid = chosen[stage.neurons_path] = grid
    return chosen
