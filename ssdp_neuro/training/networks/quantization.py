"""A model on the chip's integers: which models can be, and putting them there."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import NoneType
from typing import Any

import numpy as np
from torch import nn
from torch.nn.utils import parametrize

from hw_models import ConversionError, RangeError
from hw_models.chips import LOIHI2, Chip, chip_of
from hw_models.integers import integer
from hw_models.rise_register import rise_kept, risen_threshold_high
from hw_models.weight_grid import WeightGrid, covering_grid, nearest_grid
from ssdp_neuro.training.layers.adaptation import Adaptation
from ssdp_neuro.training.layers.fake_quant import OnGrid
from ssdp_neuro.training.networks.stages import SYNAPSES, Stage, stages, weights_into


def quantize(
    model: nn.Sequential,
    grids: dict[str, WeightGrid] | None = None,
    *,
    chip: Chip | str = LOIHI2,
    weight_bits: Sequence[int] = (),
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
        Registers of weights, thresholds and biases, for grids that are not given.
    weight_bits
        Of each layer's weights from input to output, or one number for all, 2..8; those of the
        chip if empty. Fewer than the chip's are laid where they fit the weights best, and the
        largest weights may saturate.

    Returns
    -------
    dict
        The grids in use, by name of the neurons.

    Raises
    ------
    ConversionError
        If a layer has what the chip has not; names its path.
    RangeError
        If ``weight_bits`` does not fit the layers or the chip.

    Mutates
    -------
    model
    """
    chip = chip_of("chip", chip)
    refuse_off_chip(model, chip)
    refuse_weight_bits(model, weight_bits, chip)
    chosen: dict[str, WeightGrid] = {}
    for number, stage in enumerate(stages(model)):
        bits = weight_bits[number % len(weight_bits)] if weight_bits else None
        grid = (grids or {}).get(stage.neurons_path) or _grid_of(stage, chip, bits)
        _refuse_rise(stage, grid)
        chosen[stage.neurons_path] = grid
    for stage in stages(model):
        stage.neurons.grid = grid = chosen[stage.neurons_path]
        for synapses in (stage.synapses, stage.neurons.recurrent):
            if synapses is None:
                continue
            if parametrize.is_parametrized(synapses):
                # not removed and registered anew: that would break deep copies of the model
                synapses.parametrizations.weight[0].grid = grid  # type: ignore[union-attr,index]
            else:
                parametrize.register_parametrization(synapses, "weight", OnGrid(grid))
    return chosen


def _grid_of(stage: Stage, chip: Chip, bits: int | None) -> WeightGrid:
    """For the weights of a layer as they stand."""
    given: dict[str, Any] = {
        "real_threshold": stage.neurons.threshold,
        "current_decay": int(np.min(stage.neurons.current_decay)),
    }
    make: Any = covering_grid
    if bits is not None and bits != chip.weight_bits.value:
        make = nearest_grid
        figure = dataclasses.replace(chip.weight_bits, value=bits)
        chip = dataclasses.replace(chip, weight_bits=figure)
    adaptation = stage.neurons.adaptation
    if adaptation is None:
        return make(weights_into(stage), **given, chip=chip)
    try:
        return make(weights_into(stage), **given, chip=_with_room_to_rise(chip, adaptation))
    except RangeError as error:
        raise ConversionError(
            f"{stage.neurons_path}.adaptation: with room for a threshold that rises by"
            f" {adaptation.strength:.6g} of itself with a spike: {error}"
        ) from error


def _with_room_to_rise(chip: Chip, adaptation: Adaptation) -> Chip:
    """A chip whose thresholds are so small that 24 bits hold them risen, too."""
    high = risen_threshold_high(adaptation.strength, adaptation.kept)
    bits = min(chip.threshold_bits.value or 25, (high + 1).bit_length() - 1)
    return dataclasses.replace(
        chip, threshold_bits=dataclasses.replace(chip.threshold_bits, value=max(bits, 1))
    )


def _refuse_rise(stage: Stage, grid: WeightGrid) -> None:
    """Refuse a rise of the threshold that is none, or too much, beside the grid's threshold."""
    if stage.neurons.adaptation is None:
        return
    try:
        stage.neurons.adaptation.registers(grid.threshold)
    except RangeError as error:
        raise ConversionError(f"{stage.neurons_path}.adaptation: {error}") from error


def refuse_weight_bits(
    model: nn.Sequential, weight_bits: Sequence[int], chip: Chip = LOIHI2
) -> None:
    """Refuse numbers of bits that do not fit the layers or the chip.

    Raises
    ------
    RangeError
        Says how many layers there are, or which number is not allowed.
    """
    n_layers = len(stages(model))
    if len(weight_bits) not in (0, 1, n_layers):
        raise RangeError(
            f"weight_bits: {len(weight_bits)} numbers for {n_layers} layers; one for each, or one"
            " for all, is needed"
        )
    for bits in weight_bits:
        integer("weight_bits", bits, 2, chip.weight_bits.value or 8)


def refuse_off_chip(model: nn.Sequential, chip: Chip = LOIHI2) -> None:
    """Refuse a model that :func:`quantize` cannot put on the chip's integers.

    Raises
    ------
    ConversionError
        Names the path of the first layer that the chip has not.
    """
    for stage in stages(model):
        _refuse_stage(stage, chip)


def _refuse_stage(stage: Stage, chip: Chip) -> None:
    if stage.neurons.adaptation is not None:
        where, most = f"{stage.neurons_path}.adaptation", chip.max_threshold_rise
        if most.value == 0:
            raise ConversionError(
                f"{where}: thresholds that rise; supported on {chip.name} is adaptation=None"
                f" ({most.source})"
            )
        try:
            rise_kept(stage.neurons.adaptation.kept)
        except RangeError as error:
            raise ConversionError(f"{where}.kept: {error}") from error
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
