"""A PyTorch model of any spiking framework, read into a network in real numbers."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from conversions.decision_rule import SPIKES, DecisionRule, Ties
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
from conversions.pytorch.network.model_decision import (
    checked_decisions,
    decision_values,
    explains,
    in_network,
)
from conversions.pytorch.network.model_output import ModelOutput, model_output
from conversions.pytorch.network.output_numbers import OutputWay
from conversions.pytorch.network.potential_outputs import read_as_potentials
from conversions.pytorch.network.readouts import Readout
from conversions.pytorch.network.recording import OwnNumbers, record, unexplained
from conversions.pytorch.network.spike_heights import spike_heights
from conversions.pytorch.network.wiring import Wiring, wiring, with_gates
from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.pooling import OtherPooling, Pooling
from conversions.pytorch.trace.tracing import INPUT, Run, trace
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
    ``decision`` is how the model makes a class of what its last layer does, None if it returns
    nothing; ``decided`` are the classes that it decided for in that run, int64 ``(B,)``.
    """

    network: RealNetwork
    sent: dict[str, np.ndarray]
    notes: tuple[str, ...]
    decision: DecisionRule | None
    decided: np.ndarray | None


class _Followed(NamedTuple):
    drive: Run
    static: bool
    n_steps: int
    wired: Wiring
    output: ModelOutput | None
    notes: list[str]


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
    way: OutputWay | None = None,
    pooling: Pooling | None = None,
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
    way
        What the model's user does with numbers of every step, or of several neurons for a
        class.
    pooling
        What stands in the place of maxima over currents.

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
    way = way or OutputWay()
    found = _followed(whole, given, steps, time_axis, run, way, pooling)
    if spikes is None:
        spikes = given._replace(static=found.static).drawn(CHECKED_SAMPLES, steps)
    output = found.output
    same = given._replace(static=found.static)
    try:
        sent, own = record(whole, found.drive, spikes, _numbers_of(output, way))
    except LayoutError:  # what had the length of the short run was no time
        found = _follow(whole, found.drive, same, steps, way)
        output = found.output
        sent, own = record(whole, found.drive, spikes, _numbers_of(output, way))
    heights, of_heights = spike_heights(found.wired.layers, sent)
    if heights:
        found = _follow(whole, found.drive, same, steps, way, heights)
        sent.update({path: sent[path] != 0 for path in heights})
    elif output is not None and own is not None and found.n_steps != steps:
        if not explains(output, found.wired, sent, own):
            found = _follow(whole, found.drive, same, steps, way)
    output = found.output
    wired = found.wired
    notes = unexplained(wired, {name: s[:CHECKED_SAMPLES] for name, s in sent.items()})
    rule = None if output is None else output.rule
    sent, beside, silent = read_as_potentials(wired, sent, *_counted(rule))
    decided = None
    if output is not None and rule is not None and own is not None:
        if isinstance(whole, SpikingNetwork):  # whose decide() looks at the first spikes too
            rule = replace(rule, ties=Ties.EARLIEST_SPIKE)
        values = decision_values(output.rule, output.readouts, wired, with_gates(sent, wired.gates))
        decided = checked_decisions(rule, own.reshape(-1) if output.chosen else own, values)
        if isinstance(found.drive, OtherPooling):
            _, own = record(whole, found.drive.run, spikes, _numbers_of(output, way))
            assert own is not None
            original = own.reshape(-1).astype(np.int64) if output.chosen else own.argmax(axis=1)
            notes.append(
                f"Maxima over currents are replaced ({found.drive.kind.value}): by that alone"
                f" {np.mean(decided != original):.2%} of the decisions change; layers are compared"
                " with the model so changed, decisions with the model as it is."
            )
            decided = original
    most = {path: layer.reading.most_spikes for path, layer in wired.layers.items()}
    sent = with_gates(sent, wired.gates)
    if planes is not None:
        del sent[INPUT]
    readouts = {} if output is None else output.readouts
    read = assembled(wired, readouts, shape)
    network, sent, copied = single_spikes(read, sent, most)
    for path in beside:
        network = with_potential(network, path)
    if rule is not None:
        rule = in_network(rule, beside, read, network)
    return ModelReading(
        network=network,
        sent=sent,
        notes=(*_notes(wired, readouts), *found.notes, *of_heights, *notes, *silent, *copied),
        decision=rule,
        decided=decided,
    )


def _numbers_of(output: ModelOutput | None, way: OutputWay) -> OwnNumbers | None:
    return None if output is None else functools.partial(output.own_numbers, way=way)


def _counted(rule: DecisionRule | None) -> tuple[set[str], set[str]]:
    """Populations whose potential counts, and those whose spikes do."""
    terms = () if rule is None else rule.terms
    spikes = {term.population for term in terms if term.variable == SPIKES}
    return {term.population for term in terms if term.variable != SPIKES}, spikes


def _followed(
    model: nn.Module,
    given: ModelInput,
    n_steps: int,
    time_axis: TimeAxis | None,
    run: Run | None,
    way: OutputWay,
    pooling: Pooling | None = None,
) -> _Followed:
    """What the model is wired like, in the one way to call it that fits it."""
    shape = given.shape
    ways = ways_to_call(given, time_axis) if run is None else {"run": (run, given.static is True)}
    few = next((n for n in _FEW_STEPS if n <= n_steps and n not in shape), n_steps)
    refused: SsdpError | None = None
    first: SsdpError | None = None
    reasons: list[str] = []
    for steps in dict.fromkeys((few, n_steps)):  # a model may have its number of steps built in
        fitting: dict[str, _Followed] = {}
        reasons, first = [], None
        for name, (drive, static) in ways.items():
            this = given._replace(static=static)
            try:
                if pooling is not None:
                    drive = _with_other_pooling(model, drive, this, steps, pooling)
                fitting[name] = _follow(model, drive, this, steps, way)
            except SsdpError as error:
                first = first or error
            except LayoutError as error:
                reasons.append(f"{name}: {error}")
        refused = first or refused  # the longer run knows better: a delay may outlast the shorter
        if len(fitting) == 1 or (fitting and n_steps == 1):  # of one step all are the same
            one = next(iter(fitting.values()))
            if steps != n_steps and one.output is not None and one.output.rule.n_steps is not None:
                fixed = given._replace(static=one.static)
                return _follow(model, one.drive, fixed, n_steps, way)
            return one
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


def _with_other_pooling(
    model: nn.Module, drive: Run, given: ModelInput, n_steps: int, pooling: Pooling
) -> OtherPooling:
    other, n_samples = OtherPooling(pooling, drive), _n_samples(given, n_steps)
    copied = rested_copy(model, n_samples, n_steps)
    try:
        other.learn(copied, given.traced(n_samples, n_steps).to(dtype_of(copied)))
    except SsdpError:
        raise
    except Exception as error:  # of the model, called in a way that it may not expect
        raise LayoutError(f"{type(error).__name__}: {error}") from error
    return other


def _n_samples(given: ModelInput, n_steps: int) -> int:
    return next((n for n in _FEW_SAMPLES if n != n_steps and n not in given.shape), 8)


def _follow(
    model: nn.Module,
    drive: Run,
    given: ModelInput,
    n_steps: int,
    way: OutputWay,
    heights: Mapping[str, np.ndarray] | None = None,
) -> _Followed:
    static, real = bool(given.static), given.planes is not None
    n_samples = _n_samples(given, n_steps)
    copied = rested_copy(model, n_samples, n_steps)
    try:
        drawn = given.traced(n_samples, n_steps).to(dtype_of(copied))
        found = trace(copied, drive, drawn, heights=heights, real=real, static=static)
    except (SsdpError, LayoutError):
        raise
    except Exception as error:  # of the model, called in a way that it may not expect
        raise LayoutError(f"{type(error).__name__}: {error}") from error
    wired, resolver = wiring(found)
    output, notes = model_output(found, resolver, wired, way)
    notes += [
        f"{found.tape.module(path)}: reads numbers of the run out of a tensor (item(), or an if);"
        " what it does by them is not followed, only tested on the samples of this conversion."
        for path in sorted(found.tape.read_by_python)
    ]
    return _Followed(drive, static, n_steps, wired, output, notes)


def _notes(wired: Wiring, readouts: Mapping[str, Readout]) -> list[str]:
    notes = [
        f"{path}: {note}." for path, layer in wired.layers.items() for note in layer.reading.notes
    ]
    notes += [
        f"{readout.path}: no neurons come after it, so it ends in the readout {name!r} without"
        " memory: its potential is in each step what the synapses make."
        for name, readout in readouts.items()
    ]
    notes += [
        f"{name}: a maximum over spikes is a layer of {gate.windows.n_post} neurons that any"
        " spike makes fire, one step on the chip."
        for name, gate in wired.gates.items()
    ]
    return notes
