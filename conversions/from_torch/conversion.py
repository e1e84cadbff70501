"""PyTorch spiking models to fixed point."""

from __future__ import annotations

import dataclasses
import math
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from conversions.from_torch.assembly import assembled
from conversions.from_torch.layouts import LayoutError, call
from conversions.from_torch.model_copy import rested_copy
from conversions.from_torch.reading import TimeAxis
from conversions.from_torch.readouts import Readout, readouts
from conversions.from_torch.recording import record, unexplained
from conversions.from_torch.registry import neuron_reader, supported_neurons
from conversions.from_torch.tracing import INPUT, Run, trace
from conversions.from_torch.wiring import Wiring, wiring
from conversions.quantization import BiasForm, Calibration, ScaleForm, to_fixed_point
from conversions.report import ConversionReport
from hw_models import (
    LOIHI2,
    Chip,
    ConversionError,
    FixedPointNetwork,
    InputError,
    NameClashError,
    ShapeError,
    TypeMismatchError,
)
from hw_models.integers import integer, shape_of
from ssdp_neuro.training import CubaLif, SpikingNetwork

TRACED_SAMPLES = (2, 3, 4)
TRACED_STEPS = (7, 8, 9, 10, 11, 12, 13)
"""Of the followed run; sizes that the shape of a step has too could be mistaken for it."""
CHECKED_SAMPLES = 8


def from_torch(
    model: nn.Module,
    *,
    chip: Chip = LOIHI2,
    calibration: Any = None,
    input_shape: Any = None,
    n_steps: int | None = None,
    time_axis: TimeAxis | None = None,
    run: Run | None = None,
    scales: ScaleForm | None = None,
    bias: BiasForm = BiasForm.EXACT,
) -> tuple[FixedPointNetwork, ConversionReport]:
    """Convert a spiking model to the chip's integers, and say what that cost.

    The model is run once on random spikes, and every number in it is followed from one layer
    of neurons to the next. So it does not matter how it is written: as an ``nn.Sequential``,
    with a loop over time, one step or a whole sample at a call, with its neurons' states kept
    by hand or by the modules. What the linear operations between two layers come to is
    computed in float64; then the neurons' own run shows whether the layers were understood.

    Parameters
    ----------
    model
        Any module whose neurons are those of snnTorch, SpikingJelly, Norse, Sinabs or
        :mod:`ssdp_neuro.training`, or were taught by :func:`conversions.register_neuron`. It
        is left as it is.
    chip
        Registers to fill.
    calibration
        Spikes ``(B, T, *input_shape)``, a pair of these and labels ``(B,)``, or a
        :class:`conversions.quantization.Calibration`. Grids are then chosen by the spikes
        they change, and the report compares the model's own spikes with the network's.
    input_shape
        Shape of one step's spikes; taken from the calibration data or from a leading Linear
        if not given.
    n_steps
        Steps of a sample, for a model that has their number built in and is converted
        without calibration data.
    time_axis
        Where the model wants time, or that it takes one step at a call. If not given it is
        found by trying; a model for which several work asks for it.
    run
        ``(model, spikes (B, T, *input_shape)) -> output``: how to call a model that wants
        something else, or has to be reset or handed its states by the caller.
    scales, bias
        As of :func:`conversions.quantization.to_fixed_point`.

    Returns
    -------
    network : FixedPointNetwork
        Populations ``input`` and one for each layer of neurons, projections one for each layer
        of synapses, named by their paths. Synapses without neurons after them end in a
        ``readout``, whose potential is in each step what they make.
    report : ConversionReport

    Raises
    ------
    ConversionError
        If a layer is not supported, or the network does not fit the chip; names its path
        and what is supported.
    InputError, ShapeError
        If the calibration data do not fit the model, or the shape of its input is not known.

    Examples
    --------
    >>> import torch
    >>> from ssdp_neuro.training import CubaLif
    >>> class Residual(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.first = torch.nn.Linear(4, 3)
    ...         self.second = torch.nn.Linear(3, 3, bias=False)
    ...         self.hidden = CubaLif(current_decay=4095, voltage_decay=400)
    ...         self.output = CubaLif(current_decay=4095, voltage_decay=400)
    ...     def forward(self, spikes):
    ...         hidden = self.hidden(self.first(spikes))
    ...         return self.output(self.second(hidden) + 0.5 * hidden)
    >>> network, report = from_torch(Residual())
    >>> [population.name for population in network.populations]
    ['input', 'hidden', 'output']
    """
    data = _calibration(calibration)
    whole = _whole(model, input_shape)
    shape = _input_shape(whole, data, input_shape)
    steps = _steps(data, n_steps)
    if isinstance(whole, SpikingNetwork) and run is None:
        time_axis = TimeAxis.SECOND
    drive, wired, found_readouts = _followed(whole, shape, steps, time_axis, run)
    real = assembled(wired, found_readouts, shape)
    before, notes = None, _notes(wired, found_readouts)
    if data is None:
        samples = np.random.default_rng(0).random((CHECKED_SAMPLES, steps, *shape)) < 0.5
        sent = record(whole, drive, samples)
        notes += unexplained(wired, sent)
    else:
        sent = record(whole, drive, _spikes(data, shape))
        notes += unexplained(wired, {name: s[:CHECKED_SAMPLES] for name, s in sent.items()})
        before = {name: s != 0 for name, s in sent.items() if name != INPUT}
        notes += _several(sent)
    network, report = to_fixed_point(
        real, chip=chip, calibration=data, before=before, scales=scales, bias=bias
    )
    return network, dataclasses.replace(report, notes=(*notes, *report.notes))


class _Followed(NamedTuple):
    drive: Run
    wired: Wiring
    readouts: list[Readout]


def _followed(
    model: nn.Module,
    shape: tuple[int, ...],
    n_steps: int,
    time_axis: TimeAxis | None,
    run: Run | None,
) -> _Followed:
    """What the model is wired like, in the one layout that fits it."""
    axes = list(TimeAxis) if time_axis is None else [time_axis]
    ways = {axis.value: _calling(axis) for axis in axes} if run is None else {"run": run}
    few = next((n for n in TRACED_STEPS if n <= n_steps and n not in shape), n_steps)
    refused: ConversionError | NameClashError | None = None
    reasons: list[str] = []
    for steps in dict.fromkeys((few, n_steps)):  # a model may have its number of steps built in
        fitting: dict[str, _Followed] = {}
        reasons = []
        for name, drive in ways.items():
            try:
                fitting[name] = _follow(model, drive, shape, steps)
            except (NameClashError, ConversionError) as error:
                refused = refused or error
            except Exception as error:  # of the model, called in a way that it may not expect
                reasons.append(f"{name}: {type(error).__name__}: {error}")
        if len(fitting) == 1:
            return next(iter(fitting.values()))
        if fitting:
            raise ConversionError(
                f"the model can be called in several ways: {', '.join(fitting)}; say which by"
                " time_axis"
            )
    if refused is not None:
        raise refused
    raise ConversionError(
        f"the model can't be run on {n_steps} steps of spikes of shape {shape}; it may need"
        " input_shape, n_steps, time_axis or run. Tried: " + "; ".join(reasons)
    )


def _calling(axis: TimeAxis) -> Run:
    def run(model: nn.Module, spikes: torch.Tensor) -> Any:
        return call(model, spikes, axis)

    return run


def _follow(model: nn.Module, drive: Run, shape: tuple[int, ...], n_steps: int) -> _Followed:
    n_samples = next((n for n in TRACED_SAMPLES if n != n_steps and n not in shape), 5)
    drawn = torch.rand((n_samples, n_steps, *shape), generator=torch.Generator().manual_seed(1))
    copied = rested_copy(model, n_samples, n_steps)
    found = trace(copied, drive, (drawn < 0.5).float())
    if not found.layers:
        raise LayoutError("no neurons are called")
    wired, resolver = wiring(found)
    return _Followed(drive, wired, readouts(found, resolver))


def _calibration(given: Any) -> Calibration | None:
    if given is None or isinstance(given, Calibration):
        return given
    spikes, labels = given if isinstance(given, tuple) else (given, None)
    return Calibration(
        spikes=spikes.detach().cpu().numpy() if isinstance(spikes, torch.Tensor) else spikes,
        labels=labels.detach().cpu().numpy() if isinstance(labels, torch.Tensor) else labels,
    )


def _spikes(data: Calibration, shape: tuple[int, ...]) -> np.ndarray:
    given = data.spikes
    array = np.asarray(next(iter(given.values())) if isinstance(given, dict) else given)
    if array.shape[2:] != shape:
        raise InputError(
            f"calibration: spikes of shape {array.shape}; (B, T, {', '.join(map(str, shape))}) is"
            " needed"
        )
    return array


def _whole(model: nn.Module, input_shape: Any) -> nn.Module:
    """The model; a plain sequence with our neurons as the network it would be trained as."""
    if not isinstance(model, nn.Module):
        raise TypeMismatchError(f"from_torch.model: {model!r}; an nn.Module is needed")
    if not any(neuron_reader(module) for module in model.modules()):
        leaves = [f"{p or 'model'} ({type(m).__name__})" for p, m in model.named_modules()]
        raise ConversionError(
            f"no layer of neurons is known among {', '.join(leaves)}; supported are"
            f" {supported_neurons()}. Others can be taught by conversions.register_neuron"
        )
    plain = type(model) is nn.Sequential and any(isinstance(m, CubaLif) for m in model)
    if not plain:
        return model
    modules = OrderedDict(model.named_children())
    return SpikingNetwork(modules, input_shape=input_shape).train(model.training)


def _input_shape(model: nn.Module, data: Calibration | None, given: Any) -> tuple[int, ...]:
    known = getattr(model, "input_shape", None) if isinstance(model, SpikingNetwork) else None
    if given is not None:
        shape = shape_of("from_torch.input_shape", given)
        if known is not None and shape != known:
            raise ConversionError(f"input_shape: {shape}; the model has {known}")
        return shape
    if known is not None:
        return known
    if data is not None:
        return tuple(_spikes(data, np.asarray(data.spikes).shape[2:]).shape[2:])
    first = next((m for m in model.modules() if not list(m.children())), None)
    if isinstance(first, nn.Linear):
        return (first.in_features,)
    raise ShapeError(
        "from_torch.input_shape: needed without calibration data, the first layer has none"
    )


def _steps(data: Calibration | None, given: int | None) -> int:
    if given is not None:
        integer("from_torch.n_steps", given, 2, 2**20)
    if data is None:
        return TRACED_STEPS[-1] if given is None else given
    steps = int(np.asarray(data.spikes).shape[1])
    if given is not None and given != steps:
        raise InputError(f"n_steps: {given}; the calibration data have {steps}")
    return steps


def _notes(wired: Wiring, found: list[Readout]) -> list[str]:
    notes = [
        f"{path}: {note}." for path, layer in wired.layers.items() for note in layer.reading.notes
    ]
    notes += [
        f"{readout.path}: no neurons come after it, so it ends in a readout without memory: its"
        " potential is in each step what the synapses make, to be summed over the steps."
        for readout in found
    ]
    notes += [
        f"{name}: the maximum over spikes is a layer of {math.prod((gate.windows.n_post,))}"
        " neurons that any spike makes fire, one step on the chip."
        for name, gate in wired.gates.items()
    ]
    return notes


def _several(sent: dict[str, np.ndarray]) -> list[str]:
    """Layers that send more than a bit."""
    notes = []
    for name, numbers in sent.items():
        if not np.isin(numbers, (0, 1)).all():
            notes.append(
                f"{name}: sends up to {numbers.max():g} in a step on the calibration data; a"
                " spike is one bit on the chip."
            )
    return notes
