"""Networks in real numbers to the chip's integers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from conversions.conversion_report import ConversionReport
from conversions.decision_rule import DecisionRule
from conversions.quantization.calibration import Calibration
from conversions.quantization.constant_drive import BiasForm, needs_step
from conversions.quantization.grid_proposals import (
    Range,
    ScaleForm,
    covering_steps,
    settled,
    whole_steps,
)
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid, trained_grid
from conversions.quantization.lowering import Lowered, clock, free_name, lower
from conversions.quantization.measurement import compared, layer_reports, network_notes
from conversions.quantization.output_decision import decided_by, potential_units, usual_decision
from conversions.quantization.recordings import Recordings
from conversions.quantization.search import best_grid
from conversions.quantization.trial import Trial
from conversions.real_network import RealNetwork
from conversions.real_network.timing import Timing, timing
from hw_models import LOIHI2, Chip, ConversionError, FixedPointNetwork, TypeMismatchError, check
from hw_models.chips import chip_of
from hw_models.choices import member
from hw_models.errors import brief

# spikes (of sources and layer, samples times steps times neurons) that a trial looks at
TRIAL_SIZE = 1e7


def to_fixed_point(
    real: RealNetwork,
    *,
    chip: Chip | str = LOIHI2,
    calibration: Calibration | None = None,
    before: Mapping[str, Any] | None = None,
    scales: ScaleForm | None = None,
    bias: BiasForm = BiasForm.EXACT,
    decision: DecisionRule | None = None,
    decided: np.ndarray | None = None,
) -> tuple[FixedPointNetwork, ConversionReport]:
    """Convert a network in real numbers, and say what that cost.

    Parameters
    ----------
    real
        The network, in the time of its source.
    chip
        Registers to fill.
    calibration
        Spikes that it is known to see. Grids are then chosen by the spikes that they
        change, and the report compares before and after.
    before
        Spikes of the source itself on the calibration data, bool ``(B, T, N)`` in its time,
        by population (readouts may be left out). If None, they are those of
        :func:`conversions.real_network.simulator.simulate_real`.
    scales
        What has a scale, and with it a threshold, of its own. If None, a layer without
        calibration data, and with them a neuron where that lowers the mismatch.
    bias
        How constant inputs are made.
    decision
        How the source makes a class of what its populations do; if None, most spikes of the last
        one, or its highest potential as the calibration says.
    decided
        Classes that the source itself decided for on the calibration data, int64 ``(B,)``; if
        None, by the rule of a run in real numbers.

    Returns
    -------
    network : FixedPointNetwork
        Populations and projections have the names they had; biases and resets that the
        chip does not have may add some of their own. Step ``t`` of a population is step
        ``t + report.shifts[name]`` of the network.
    report : ConversionReport

    Raises
    ------
    ConversionError
        If the network does not fit the chip, or a loop is faster than its connections.
    InputError
        If calibration data do not fit the network.
    """
    if not isinstance(real, RealNetwork):
        raise TypeMismatchError(f"to_fixed_point: {brief(real)}; a RealNetwork is needed")
    chip = check_settings(chip, scales, bias)
    if not isinstance(calibration, Calibration | None):
        raise TypeMismatchError(f"calibration: {brief(calibration)}; a Calibration is needed")
    when = _timing(real, chip)
    layers = [Layer(real, neurons, when, chip) for neurons in real.neurons]
    recordings = None
    if calibration is not None:
        recordings = Recordings.of(real, when, calibration, before)
    grids = _grids(layers, recordings, scales, bias)
    clock_name = free_name("bias", [population.name for population in real.populations])
    lowered = {layer.name: lower(layer, grids[layer.name], bias, clock_name) for layer in layers}
    network = _assembled(real, lowered, clock_name)
    violations = check(network, chip)
    if violations:
        raise ConversionError(
            f"the network does not fit {chip.name}: " + "; ".join(map(str, violations))
        )
    report = ConversionReport(
        chip=chip.name,
        layers=tuple(
            row
            for layer in layers
            for row in layer_reports(layer, grids[layer.name], lowered[layer.name])
        ),
        shifts=when.shifts,
        notes=network_notes(layers, grids, lowered, calibration is not None),
    )
    if decision is None:
        decision, notes = usual_decision(layers, calibration)
        report = dataclasses.replace(report, notes=(*report.notes, *notes))
    rule = decision.at(shifts=when.shifts, units=potential_units(grids))
    report = dataclasses.replace(report, decision=rule)
    if recordings is None or calibration is None:
        return network, report
    if decided is None:
        decided = decided_by(decision, recordings)
    return network, compared(
        report, network, layers, grids, recordings, calibration.labels, decided
    )


def check_settings(chip: Any, scales: Any, bias: Any) -> Chip:
    """The chip of the settings of a conversion; TypeMismatchError if one is something else."""
    if scales is not None:
        member("scales", scales, ScaleForm)
    member("bias", bias, BiasForm)
    return chip_of("chip", chip)


def _timing(real: RealNetwork, chip: Chip) -> Timing:
    when = timing(real)
    late = {
        neurons.name: 1
        for neurons in real.neurons
        if when.shifts[neurons.name] == 0 and needs_step(Layer(real, neurons, when, chip))
    }
    return timing(real, late) if late else when


def _grids(
    layers: list[Layer],
    recordings: Recordings | None,
    scales: ScaleForm | None,
    bias: BiasForm,
) -> dict[str, LayerGrid]:
    """Grids by population, from the input on, each layer fed by those before it."""
    grids: dict[str, LayerGrid] = {}
    part = None
    if recordings is not None:
        neurons = sum(spikes.shape[2] for spikes in recordings.before.values())
        affordable = int(TRIAL_SIZE / (recordings.n_steps * neurons))
        part = recordings.part(max(1, min(recordings.n_samples, affordable)))
    for layer in in_order(layers):
        trial = None if part is None else Trial(layer, part, bias)
        if layer.dynamics.grid is not None:
            grid = trained_grid(layer)
        elif trial is None:
            form = scales or ScaleForm.LAYER
            proposal = whole_steps(layer, form) or covering_steps(layer, form)
            grid = settled(layer, proposal, Range.unknown(layer))
        else:
            grid = best_grid(trial, scales or ScaleForm.NEURON)
        grids[layer.name] = grid
        if part is not None and trial is not None:
            part.after[layer.name] = trial.spikes(grid)
    return grids


def in_order(layers: list[Layer]) -> list[Layer]:
    """Layers, each after its sources; a loop begins with the one that is listed first."""
    waiting, order = list(layers), []
    while waiting:
        names = {layer.name for layer in waiting}
        ready = [layer for layer in waiting if not (set(layer.sources) - {layer.name}) & names]
        order.append((ready or waiting)[0])
        waiting.remove(order[-1])
    return order


def _assembled(
    real: RealNetwork, lowered: Mapping[str, Lowered], clock_name: str
) -> FixedPointNetwork:
    populations: list[Any] = []
    projections: list[Any] = []
    if any(made.clock for made in lowered.values()):
        populations.append(clock(clock_name))
    for population in real.populations:
        made = lowered.get(population.name)
        populations += [population] if made is None else [*made.relays, made.population]
        projections += [] if made is None else made.projections
    return FixedPointNetwork(populations=populations, projections=projections)
