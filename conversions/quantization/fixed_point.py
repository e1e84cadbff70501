"""Networks in real numbers to the chip's integers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from conversions.conversion_report import ConversionReport
from conversions.decision_rule import DecisionRule
from conversions.quantization.calibration import Calibration
from conversions.quantization.constant_drive import BiasForm
from conversions.quantization.grid_proposals import ScaleForm
from conversions.quantization.measurement import compare_with_model, layer_reports, network_notes
from conversions.quantization.output_decision import decided_by, potential_units, usual_decision
from conversions.quantization.passes import PIPELINE, ConversionState
from conversions.real_network import RealNetwork
from conversions.real_network.bit_planes import BitPlanes
from hw_models import LOIHI2, Chip, FixedPointNetwork, TypeMismatchError
from hw_models.chips import chip_of
from hw_models.choices import member
from hw_models.errors import brief


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
    real_input: BitPlanes | None = None,
    verify_each: bool = False,
    progress: bool | None = None,
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
    real_input
        Of a network of which one input is real values: how they become binary digits, with
        bounds and the name of that input. Calibration spikes are then those of the digits, as
        ``real_input.encode`` gives them.
    verify_each
        Whether to run the calibration data before and after every pass of
        :data:`conversions.PIPELINE`. A pass that rounds nothing and changes a spike is an error,
        of the others the report says how many spikes they changed. Slow.
    progress
        Whether to show on standard error how far a long conversion is; by default on a terminal.

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
        If the network does not fit the chip, a loop is faster than its connections, or
        ``verify_each`` finds a pass that changes what it must not.
    InputError
        If calibration data do not fit the network, or are needed.
    TypeMismatchError
        If a choice is none of those that there are.
    """
    if not isinstance(real, RealNetwork):
        raise TypeMismatchError(f"to_fixed_point: {brief(real)}; a RealNetwork is needed")
    chip = check_settings(chip, scales, bias)
    if not isinstance(calibration, Calibration | None):
        raise TypeMismatchError(f"calibration: {brief(calibration)}; a Calibration is needed")
    if not isinstance(real_input, BitPlanes | None):
        raise TypeMismatchError(f"real_input: {brief(real_input)}; a BitPlanes is needed")
    state = ConversionState(
        network=real,
        chip=chip,
        scales=scales,
        bias=bias,
        planes=real_input,
        progress=progress,
        calibration=calibration,
        before=before,
    )
    state, passes = PIPELINE.run(state, verify_each=verify_each)
    network, recordings, layers = state.fixed, state.recordings, list(state.layers)
    grids, lowered = state.grids, state.lowered
    assert network is not None
    report = ConversionReport(
        chip=chip.name,
        layers=tuple(
            row
            for layer in layers
            for row in layer_reports(layer, grids[layer.name], lowered[layer.name])
        ),
        shifts=state.when.shifts,
        notes=network_notes(layers, grids, lowered, calibration is not None),
        passes=passes,
    )
    if decision is None:
        decision, notes = usual_decision(layers, calibration)
        report = dataclasses.replace(report, notes=(*report.notes, *notes))
    rule = decision.at(shifts=state.when.shifts, units=potential_units(grids))
    report = dataclasses.replace(report, decision=rule)
    if recordings is None or calibration is None:
        return network, report
    if decided is None:
        decided = decided_by(decision, recordings)
    return network, compare_with_model(
        report, network, layers, grids, recordings, calibration.labels, decided
    )


def check_settings(chip: Any, scales: Any, bias: Any) -> Chip:
    """The chip of the settings of a conversion; TypeMismatchError if one is something else."""
    if scales is not None:
        member("scales", scales, ScaleForm)
    member("bias", bias, BiasForm)
    return chip_of("chip", chip)
