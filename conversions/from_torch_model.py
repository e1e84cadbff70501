"""PyTorch spiking networks to fixed point."""

from __future__ import annotations

import copy
import dataclasses
from collections import OrderedDict
from typing import Any

import numpy as np
from torch import nn

from conversions.from_torch_calibration import Calibration, calibration_of, choose_grids
from conversions.from_torch_layers import convert_stage
from conversions.report import ConversionReport, GridChoice, LayerReport
from conversions.scaling import spike_mismatch
from hw_models import (
    LOIHI2,
    Chip,
    ConversionError,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    check,
)
from hw_models.arithmetic import STATE_LIMIT
from hw_models.weight_grid import WeightGrid, largest_current
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.training import SpikingNetwork, Stage, stages
from ssdp_neuro.training.network import weight_of

INPUT = "input"


def from_torch(
    model: nn.Module,
    *,
    chip: Chip = LOIHI2,
    calibration: Any = None,
    input_shape: Any = None,
) -> tuple[FixedPointNetwork, ConversionReport]:
    """Convert a spiking network to the chip's integers, and say what that cost.

    Parameters
    ----------
    model
        A :class:`ssdp_neuro.training.SpikingNetwork`, or an ``nn.Sequential`` of the same
        modules: Linear and Conv2d without bias, each with a CubaLif after it, and
        Flatten, Dropout and Identity between. It is left as it is. Of a quantized model the
        conversion is exact: the network spikes as the model does.
    chip
        Registers to fill.
    calibration
        Spikes ``(B, T, *input_shape)``, or a pair of these and labels ``(B,)``. Grids are
        then chosen by the spikes they change, and the report compares before and after.
    input_shape
        Shape of one step's spikes, for an ``nn.Sequential`` that doesn't begin with Linear.

    Returns
    -------
    network : FixedPointNetwork
        Populations ``input`` and one for each CubaLif, projections one for each Linear or
        Conv2d, named by their paths.
    report : ConversionReport

    Raises
    ------
    ConversionError
        If a module is not supported, or the network does not fit the chip; names its path
        and what is supported.
    InputError, ShapeError
        If the calibration data do not fit the model.
    """
    whole = _in_evaluation(model, input_shape)
    parts = stages(whole)
    data = calibration_of(calibration, whole)
    before = {} if data is None else data.run(whole)
    grids, choices = choose_grids(parts, chip, data, before)
    network = _build(whole.input_shape, parts, grids)
    violations = check(network, chip)
    if violations:
        raise ConversionError(
            f"the network does not fit {chip.name}: " + "; ".join(map(str, violations))
        )
    layers = tuple(
        _layer_report(stage, grids[stage.neurons_path], choices[stage.neurons_path])
        for stage in parts
    )
    report = ConversionReport(chip=chip.name, layers=layers, notes=_notes(layers))
    if data is None:
        return network, report
    return network, _compared(report, network, data, before)


def _in_evaluation(model: nn.Module, input_shape: Any) -> SpikingNetwork:
    """A copy of the model on the CPU, as a SpikingNetwork."""
    if not isinstance(model, nn.Sequential):
        raise ConversionError(
            f"model: {type(model).__name__}; supported are SpikingNetwork and nn.Sequential"
        )
    copied = copy.deepcopy(model).cpu().eval()
    if not isinstance(copied, SpikingNetwork):
        stages(copied)  # names what is not supported before a shape is asked for
        modules = OrderedDict(copied.named_children())
        return SpikingNetwork(modules, input_shape=input_shape).eval()
    if input_shape is not None and tuple(input_shape) != copied.input_shape:
        raise ConversionError(
            f"input_shape: {tuple(input_shape)}; the model has {copied.input_shape}"
        )
    return copied


def _build(
    input_shape: tuple[int, ...], parts: list[Stage], grids: dict[str, WeightGrid]
) -> FixedPointNetwork:
    populations: list[InputPopulation | LifPopulation] = [
        InputPopulation(name=INPUT, shape=input_shape)
    ]
    projections = []
    for stage in parts:
        grid = grids[stage.neurons_path]
        projection, population = convert_stage(stage, grid, populations[-1])
        projections.append(projection)
        populations.append(population)
    return FixedPointNetwork(populations=populations, projections=projections)


def _layer_report(stage: Stage, grid: WeightGrid, choice: GridChoice) -> LayerReport:
    weights = weight_of(stage.synapses)
    errors = np.abs(grid.values(grid.mantissas(weights)) - weights) / grid.real_threshold
    bound = largest_current(grid, weights, stage.neurons.current_decay)
    return LayerReport(
        projection=stage.synapses_path,
        population=stage.neurons_path,
        weight_exponent=grid.weight_exponent,
        threshold=grid.threshold,
        choice=choice,
        step=grid.step / grid.real_threshold,
        largest_rounding_error=float(errors.max()),
        mean_rounding_error=float(errors.mean()),
        saturated_share=float(grid.saturates(weights).mean()),
        largest_current=bound / STATE_LIMIT,
    )


def _notes(layers: tuple[LayerReport, ...]) -> tuple[str, ...]:
    notes = ["Decays are exact; current and potential lose what is below 1/64 unit in each step."]
    notes += [
        f"{layer.population}: the current can wrap, by {layer.largest_current:.2g} of its register"
        " if all synapses of one sign are hit in every step."
        for layer in layers
        if layer.largest_current >= 1
    ]
    if any(layer.choice is GridChoice.COVERING for layer in layers):
        notes.append("No calibration data: spikes before and after were not compared.")
    return tuple(notes)


def _compared(
    report: ConversionReport,
    network: FixedPointNetwork,
    data: Calibration,
    before: dict[str, np.ndarray],
) -> ConversionReport:
    """The report with what the calibration data say, as the engine runs them."""
    from ssdp_neuro import simulate

    spikes = data.spikes.numpy() != 0
    run = simulate(network, spikes, n_steps=spikes.shape[1])
    layers = []
    for layer in report.layers:
        fired, wanted = run.raster(layer.population), before[layer.population]
        layers.append(
            dataclasses.replace(
                layer,
                rate_before=float(wanted.mean()),
                rate_after=float(fired.mean()),
                spike_agreement=1.0 - spike_mismatch(fired, wanted),
            )
        )
    output = report.layers[-1].population
    was, now = decide(before[output]), decide(run.raster(output))
    labelled = data.labels is not None
    return dataclasses.replace(
        report,
        layers=tuple(layers),
        n_samples=len(spikes),
        accuracy_before=accuracy(was, data.labels) if labelled else None,
        accuracy_after=accuracy(now, data.labels) if labelled else None,
        decisions_changed=float((was != now).mean()),
    )
