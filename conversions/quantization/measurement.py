"""What a conversion cost: the rows of its report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from conversions.conversion_report import ConversionReport, GridChoice, LayerReport
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.quantization.lowering import Lowered
from conversions.quantization.recordings import Recordings
from hw_models import FixedPointNetwork, InputError
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY, STATE_LIMIT
from hw_models.bounds import input_bound
from ssdp_neuro.decision import accuracy


def spike_mismatch(one: Any, other: Any) -> float:
    """Share of spikes that have no counterpart at the same place and step.

    Parameters
    ----------
    one, other : bool or 0/1, equal shapes

    Returns
    -------
    float
        0 if equal (or both silent), 1 if they share no spike.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> spike_mismatch([1, 1, 0, 0], [1, 0, 0, 1])
    0.5
    """
    first, second = np.asarray(one) != 0, np.asarray(other) != 0
    if first.shape != second.shape:
        raise InputError(f"spike_mismatch: shapes {first.shape} and {second.shape} differ")
    spikes = int(first.sum()) + int(second.sum())
    return float((first != second).sum() / spikes) if spikes else 0.0


FEW_BITS = 4


def layer_reports(layer: Layer, grid: LayerGrid, lowered: Lowered) -> list[LayerReport]:
    """One row for each projection into a layer (at least one), without calibration data."""
    dynamics = layer.dynamics
    low, high = int(grid.threshold.min()), int(grid.threshold.max())
    offset = 0.0
    if not dynamics.is_readout:
        compared_with = grid.threshold + (1 if dynamics.fires_at_threshold else 0)
        offset = float(np.abs(compared_with / grid.units / layer.thresholds - 1).max())
    first = LayerReport(
        projection="",
        population=layer.name,
        weight_exponent=0,
        threshold=low,
        largest_threshold=high if high > low else None,
        choice=grid.choice,
        step=0.0,
        largest_rounding_error=0.0,
        mean_rounding_error=0.0,
        saturated_share=0.0,
        largest_current=_fullness(lowered),
        threshold_error=offset if offset > 1e-9 else 0.0,
        decay_error=layer.decay_error,
        bias_error=float((lowered.bias_error / grid.units / layer.unit).max()),
        potential_unit=(
            float(np.ldexp(1.0 / grid.units[0], -ALIGN_SHIFT)) if dynamics.is_readout else None
        ),
    )
    rows = []
    for synapses in layer.synapses:
        most = synapses.largest_number
        errors = most * grid.errors(synapses) / synapses.spread(layer.unit)
        exponent = grid.exponents[synapses.projection.name]
        steps = most * np.ldexp(float(grid.step(synapses)), exponent) / grid.units / layer.unit
        rows.append(
            dataclasses.replace(
                first,
                projection=synapses.projection.name,
                weight_exponent=exponent,
                step=float(steps.max()),
                largest_rounding_error=float(errors.max(initial=0.0)),
                mean_rounding_error=float(errors.mean()) if errors.size else 0.0,
                saturated_share=float(grid.saturated(synapses).mean()) if errors.size else 0.0,
            )
        )
    return rows or [first]


def _fullness(lowered: Lowered) -> float:
    """Bound of the current, as a share of its register."""
    neurons = lowered.population
    ending = [one for one in lowered.projections if one.target == neurons.name]
    bound = input_bound(ending, neurons.n_neurons, lowered.clock)
    return float(bound.current(neurons.current_decay).max()) / STATE_LIMIT


def network_notes(
    layers: list[Layer],
    grids: Mapping[str, LayerGrid],
    lowered: Mapping[str, Lowered],
    calibrated: bool,
) -> tuple[str, ...]:
    """What else changed, in sentences."""
    exact = all(layer.decay_error == 0 for layer in layers)
    notes = [
        ("Decays are exact; current" if exact else "Decays are rounded to 12 bits; current")
        + " and potential lose what is below 1/64 unit in each step."
    ]
    for layer in layers:
        grid, dynamics = grids[layer.name], layer.dynamics
        notes += _decay_notes(layer)
        notes += _rise_notes(layer, grid)
        notes += _digit_notes(layer, grid)
        notes += lowered[layer.name].notes
        full = _fullness(lowered[layer.name])
        if full >= 1:
            notes.append(
                f"{layer.name}: the current can wrap, by {full:.2g} of its register"
                " if all synapses of one sign are hit in every step."
            )
        if dynamics.is_readout:
            unit = float(np.ldexp(1.0 / grid.units[0], -ALIGN_SHIFT))
            notes.append(
                f"{layer.name}: never fires; its decision is in v, one unit of which is"
                f" {unit:.4g}, within {unit * (layer.threshold_high << ALIGN_SHIFT):.4g}."
            )
        elif dynamics.fires_at_threshold:
            notes.append(
                f"{layer.name}: fires at its threshold, by a register one unit below it, up to"
                f" {1 / (grid.threshold.min() + 1):.2g} of it early."
            )
    if not calibrated and any(grid.choice is not GridChoice.TRAINED for grid in grids.values()):
        notes.append("No calibration data: spikes before and after were not compared.")
    return tuple(notes)


def _decay_notes(layer: Layer) -> list[str]:
    notes = []
    if (layer.dynamics.current_kept > 4095.5 / 4096).any():
        notes.append(
            f"{layer.name}: the chip's current always leaks; after 100 steps"
            f" {(4095 / 4096) ** 100:.1%} of it are left, of the model's"
            f" {float(layer.dynamics.current_kept.max()) ** 100:.1%}."
        )
    if (layer.dynamics.voltage_kept < 0.5 / 4096).any():
        notes.append(f"{layer.name}: 1/4096 of the potential remains after a step, not 0.")
    return notes


def _rise_notes(layer: Layer, grid: LayerGrid) -> list[str]:
    """What is rounded of a threshold that rises."""
    if not layer.dynamics.adapts:
        return []
    rise, decay = grid.rise(layer)
    kept = layer.dynamics.rise_kept
    moved = np.abs(layer.rise_kept - kept)
    rises = rise > 0
    felt, left = (
        np.broadcast_to(one, rise.shape) for one in (layer.felt_rise * grid.units, layer.rise_kept)
    )
    off = float(np.abs(rise[rises] * left[rises] / felt[rises] - 1).max())
    note = f"{layer.name}: a spike raises the threshold by {_span(rise)} units of its register"
    note += f", rounded by up to {off:.2g} of it" if off > 1e-9 else ", exactly"
    note += f"; {_span(DECAY_UNITY - decay)}/{DECAY_UNITY} of the rise are kept in a step"
    note += f", rounded by up to {moved.max():.2g}" if moved.max() > 1e-12 else ", exactly"
    return [note + "."]


def _span(values: np.ndarray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low}..{high}"


def _digit_notes(layer: Layer, grid: LayerGrid) -> list[str]:
    notes = []
    for synapses in layer.synapses:
        highest = grid.exponents[synapses.projection.name]
        lost = sum(1 - 2.0 ** min(highest - less, 0) for _, less in synapses.digits)
        share = float((lost / grid.units / layer.unit).max())
        if len(synapses.digits) == 1:
            continue
        unit = "its largest weight" if layer.dynamics.is_readout else "a threshold"
        note = (
            f"{synapses.projection.name}: lower digits have the same mantissas; the table has"
            " errors at the largest value."
        )
        if lost:
            note += (
                " What arrives from a digit is rounded down to a whole unit, in a step together by"
                f" less than {share:.2g} of {unit}."
            )
        notes.append(note)
    return notes


def compare_with_model(
    report: ConversionReport,
    network: FixedPointNetwork,
    layers: list[Layer],
    grids: Mapping[str, LayerGrid],
    recordings: Recordings,
    labels: Any,
    decided: np.ndarray,
) -> ConversionReport:
    """The report with what the calibration data say, as the engine runs them.

    Parameters
    ----------
    report
        With its decision.
    decided
        Classes that the source decided for, int64 ``(B,)``.
    """
    from ssdp_neuro import simulate

    assert report.decision is not None
    readouts = [layer for layer in layers if layer.dynamics.is_readout]
    probes = [(layer.name, "v") for layer in readouts]
    run = simulate(
        network,
        {population.name: recordings.arriving(population.name) for population in network.inputs},
        n_steps=recordings.network_steps,
        probes=dict.fromkeys([*probes, *report.decision.probes]),
    )
    found: dict[str, dict[str, Any]] = {}
    for layer in layers:
        name = layer.name
        fired = recordings.in_model_time(name, run.raster(name))
        wanted = recordings.before[name]
        found[name] = {"rate_before": float(wanted.mean()), "rate_after": float(fired.mean())}
        if layer in readouts:
            v = recordings.in_model_time(name, run.probe(name, "v"))
            real = recordings.alone(layer).potentials
            potentials = np.ldexp(v / grids[name].units, -ALIGN_SHIFT)
            size = np.square(real).sum() or 1.0  # of a readout that nothing reached
            error = np.sqrt(np.square(potentials - real).sum() / size)
            found[name]["potential_error"] = float(error)
        else:
            found[name]["spike_agreement"] = 1.0 - spike_mismatch(fired, wanted)
    now = report.decision.decide(run)
    notes = _cost_of_digits(network, run.counts.synaptic_operations, recordings.n_samples)
    return dataclasses.replace(
        report,
        layers=tuple(dataclasses.replace(row, **found[row.population]) for row in report.layers),
        n_samples=recordings.n_samples,
        notes=(
            *report.notes,
            *notes,
            *_more_classes_than_labels(report.decision.n_classes, labels),
        ),
        accuracy_before=None if labels is None else accuracy(decided, labels),
        accuracy_after=None if labels is None else accuracy(now, labels),
        decisions_changed=float((decided != now).mean()),
    )


def _cost_of_digits(
    network: FixedPointNetwork, operations: Mapping[str, int], n_samples: int
) -> tuple[str, ...]:
    """What it costs that real values come as binary digits: a synapse for each of them."""
    digits = {one.name for one in network.inputs if re.search(r"\.bit\d$", one.name)}
    if not digits:
        return ()
    advice = " Fewer, BitPlanes(bits=4), are often enough." if len(digits) > FEW_BITS else ""
    of_digits = sum(operations[p.name] for p in network.projections if p.source in digits)
    total = sum(operations.values()) or 1
    return (
        f"The input's {len(digits)} binary digits multiply its synapses by {len(digits)}:"
        f" {of_digits / n_samples:.3g} of {total / n_samples:.3g} synaptic operations a sample are"
        f" theirs.{advice}",
    )


def _more_classes_than_labels(n_classes: int, labels: Any) -> tuple[str, ...]:
    """Accuracy means little where several neurons stand for a class and nobody said so."""
    classes = n_classes if labels is None else int(labels.max()) + 1
    if n_classes < 2 * classes:
        return ()
    return (
        f"The decision is among {n_classes} classes, and the labels are below {classes}. If several"
        " neurons vote for a class, say so by Calibration(neurons_per_class=...).",
    )
