"""A model on the chip's integers: which models can be, and putting them there."""

from __future__ import annotations

from types import NoneType

import numpy as np
from torch import nn
from torch.nn.utils import parametrize

from hw_models import ConversionError
from hw_models.chips import LOIHI2, Chip, chip_of
from hw_models.weight_grid import WeightGrid, covering_grid
from ssdp_neuro.training.layers.fake_quant import OnGrid
from ssdp_neuro.training.networks.stages import SYNAPSES, Stage, stages, weights_into


def quantize(
    model: nn.Sequential, grids: dict[str, WeightGrid] | None = None, *, chip: Chip | str = LOIHI2
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
    chosen, chip = {}, chip_of("chip", chip)
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
