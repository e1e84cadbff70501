"""A PyTorch model of any spiking framework, read into a network in real numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from torch import nn

from conversions.pytorch.calling import LayoutError
from conversions.pytorch.model import (
    checked_model,
    dtype_of,
    rested_copy,
    shape_of_input,
    steps_of,
    unknown_layers,
)
from conversions.pytorch.model_input import ModelInput, ways_to_call
from conversions.pytorch.network.assembly import assembled
from conversions.pytorch.network.decisions import ModelDecision, model_decision
from conversions.pytorch.network.potential_outputs import (
    check_ending,
    read_as_potentials,
    shown_potentials,
    unheard,
)
from conversions.pytorch.network.readouts import Readout, readouts
from conversions.pytorch.network.recording import record, unexplained
from conversions.pytorch.network.wiring import Wiring, wiring, with_gates
from conversions.pytorch.neurons.reading import TimeAxis
from conversions.pytorch.trace.tracing import INPUT, Run, trace
from conversions.quantization import ReadoutDecision
from conversions.real_network import RealNetwork
from conversions.real_network.bit_planes import BitPlanes
from conversions.real_network.multi_spike_neurons import single_spikes
from conversions.real_network.potential_readout import with_potential
from hw_models import ConversionError, SsdpError
from ssdp_neuro.training import SpikingNetwork

CHECKED_SAMPLES = 8

# of the followed run; sizes that the shape of a step has too could be mistaken for it
_FEW_SAMPLES = (2, 3, 4, 5, 6)
_FEW_STEPS = (7, 8, 9, 10, 11, 12, 13)


class ModelReading(NamedTuple):
    """What was read.

    ``sent`` holds what each population sent in the model's own run on the spikes given, by
    name, ``(B, T, N)``, spikes of the input included.
    ``decision`` is how the model makes a class of what its last layer does, as far as its
    output shows it.
    """

    network: RealNetwork
    sent: dict[str, np.ndarray]
    notes: tuple[str, ...]
    decision: ModelDecision


class _Followed(NamedTuple):
    drive: Run
    static: bool
    wired: Wiring
    readouts: list[Readout]
    shown: set[str]


def read_model(
    model: nn.Module,
    *,
    spikes: np.ndarray | None = None,
    input_shape: Any = None,
    n_steps: int | None = None,
    time_axis: TimeAxis | None = None,
    run: Run | None = None,
    planes: BitPlanes | None = None,
    static: bool | None = None,
) -> ModelReading:
    """Read a model, and test on its own run what was read.

    Parameters
    ----------
    model
        As of :func:`conversions.from_torch`.
    spikes : bool or 0/1, shape (B, T, *input_shape)
        To run it on; random ones if None. Real values on their levels if there are planes.
    input_shape, n_steps, time_axis, run
        As of :func:`conversions.from_torch`.
    planes
        Of a model whose input is real values.
    static
        Whether these are the same in every step of a sample; None if both may be.

    Raises
    ------
    ConversionError, InputError, ShapeError
        As of :func:`conversions.from_torch`.
    """
    whole = checked_model(model, input_shape)
    shape = shape_of_input(whole, spikes, input_shape)
    steps = steps_of(spikes, n_steps)
    if isinstance(whole, SpikingNetwork) and run is None:
        time_axis = TimeAxis.SECOND
    given = ModelInput(shape, planes, static)
    drive, is_static, wired, found, shown = _followed(whole, given, steps, time_axis, run)
    if spikes is None:
        spikes = given._replace(static=is_static).drawn(CHECKED_SAMPLES, steps)
    sent, scores = record(whole, drive, spikes)
    notes = unexplained(wired, {name: s[:CHECKED_SAMPLES] for name, s in sent.items()})
    sent, beside, silent = read_as_potentials(wired, sent, shown)
    decision = _decision(wired, found, sent, scores, beside)
    most = {path: layer.reading.most_spikes for path, layer in wired.layers.items()}
    sent = with_gates(sent, wired.gates)
    if planes is not None:
        del sent[INPUT]
    network, sent, copied = single_spikes(assembled(wired, found, shape), sent, most)
    for path in beside:
        network = with_potential(network, path)
    return ModelReading(
        network=network,
        sent=sent,
        notes=(*_notes(wired, found, decision), *notes, *silent, *copied),
        decision=decision,
    )


def _decision(
    wired: Wiring,
    found: list[Readout],
    sent: dict[str, np.ndarray],
    scores: list[np.ndarray],
    beside: list[str],
) -> ModelDecision:
    """How the model decides, by its own run on the samples whose scores are known."""
    usual = ModelDecision()
    if any(readout.last_only for readout in found):
        usual = usual._replace(readout=ReadoutDecision.LAST)
    silent = unheard(wired)
    if not scores or len(found) > 1 or not (found or silent):
        return usual
    known = {name: some[: len(scores[0])] for name, some in sent.items()}
    potentials = spikes = None
    if found:
        potentials = found[0].arriving.of(with_gates(known, wired.gates))
    elif wired.layers[silent[-1]].reading.dynamics.is_readout or silent[-1] in beside:
        arrived = wired.arriving[silent[-1]].of(with_gates(known, wired.gates))
        potentials = wired.layers[silent[-1]].reading.dynamics.run(arrived)[1]
    else:
        spikes = known[silent[-1]]
    return model_decision(scores, potentials=potentials, spikes=spikes) or usual


def _followed(
    model: nn.Module,
    given: ModelInput,
    n_steps: int,
    time_axis: TimeAxis | None,
    run: Run | None,
) -> _Followed:
    """What the model is wired like, in the one way to call it that fits it."""
    shape = given.shape
    ways = ways_to_call(given, time_axis) if run is None else {"run": (run, given.static is True)}
    few = next((n for n in _FEW_STEPS if n <= n_steps and n not in shape), n_steps)
    refused: SsdpError | None = None
    reasons: list[str] = []
    for steps in dict.fromkeys((few, n_steps)):  # a model may have its number of steps built in
        fitting: dict[str, _Followed] = {}
        reasons = []
        for name, (drive, static) in ways.items():
            try:
                fitting[name] = _follow(model, drive, given._replace(static=static), steps)
            except SsdpError as error:
                refused = refused or error
            except LayoutError as error:
                reasons.append(f"{name}: {error}")
        if len(fitting) == 1:
            return next(iter(fitting.values()))
        if fitting:
            raise ConversionError(
                f"the model can be called in several ways: {', '.join(fitting)}; say which by"
                " time_axis"
            )
    if refused is not None:
        raise refused
    unknown = unknown_layers(model)
    if unknown:
        reasons.append(
            f"no reader is known for {', '.join(unknown)}, which may keep a state between"
            " samples; conversions.register_neuron teaches one"
        )
    raise ConversionError(
        f"the model can't be run on {n_steps} steps of spikes of shape {shape}; it may need"
        " input_shape, n_steps, time_axis or run (a model that repeats an image in every step has"
        " real values at its input: real_input=BitPlanes(), and n_steps as often as it repeats"
        f" them). Tried: {'; '.join(reasons)}"
    )


def _follow(model: nn.Module, drive: Run, given: ModelInput, n_steps: int) -> _Followed:
    static, real = bool(given.static), given.planes is not None
    n_samples = next((n for n in _FEW_SAMPLES if n != n_steps and n not in given.shape), 8)
    copied = rested_copy(model, n_samples, n_steps)
    try:
        drawn = given.traced(n_samples, n_steps).to(dtype_of(copied))
        found = trace(copied, drive, drawn, real=real, static=static)
    except (SsdpError, LayoutError):
        raise
    except Exception as error:  # of the model, called in a way that it may not expect
        raise LayoutError(f"{type(error).__name__}: {error}") from error
    wired, resolver = wiring(found)
    ends = readouts(found, resolver)
    check_ending(found, copied)
    return _Followed(drive, static, wired, ends, shown_potentials(found))


_COUNTED = {
    ReadoutDecision.MEAN: "summed over the steps",
    ReadoutDecision.LAST: "looked at in the last step",
    ReadoutDecision.LARGEST: "looked at in the step in which it is highest",
}


def _notes(wired: Wiring, found: list[Readout], decision: ModelDecision) -> list[str]:
    notes = [
        f"{path}: {note}." for path, layer in wired.layers.items() for note in layer.reading.notes
    ]
    notes += [
        f"{readout.path}: no neurons come after it, so it ends in a readout without memory: its"
        f" potential is in each step what the synapses make, to be {_COUNTED[decision.readout]}."
        for readout in found
    ]
    notes += [
        f"{name}: a maximum over spikes is a layer of {gate.windows.n_post} neurons that any"
        " spike makes fire, one step on the chip."
        for name, gate in wired.gates.items()
    ]
    if not found and decision.readout is not ReadoutDecision.MEAN:
        notes.append(f"The model's class is that of the potential {decision.readout.value}.")
    if decision.neurons_per_class > 1:
        notes.append(f"{decision.neurons_per_class} neighbours of the last layer vote for a class.")
    return notes
