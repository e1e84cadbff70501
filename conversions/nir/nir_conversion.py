"""NIR to the chip: ``from_nir``, and ``nir_to_real`` for the network in real numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conversions.nir.convention import Convention
from conversions.nir.discretization import Discretization, discretization_of
from conversions.nir.files import read_record
from conversions.nir.graph_reading import NirReading, read_real
from conversions.nir.graph_records import NirRecord, record_of
from conversions.nir.metadata import facts_in
from conversions.nir.spike_reset import spike_reset
from conversions.quantization import BiasForm, Calibration, ScaleForm, to_fixed_point
from conversions.quantization.fixed_point import check_settings
from conversions.quantization.real_values import real_values
from hw_models import (
    LOIHI2,
    Chip,
    ConversionError,
    FixedPointNetwork,
    InputError,
    check,
)

if TYPE_CHECKING:
    from conversions.conversion_report import ConversionReport
    from conversions.quantization.real_values import RealValues
    from conversions.real_network import RealNetwork
    from conversions.real_network.bit_planes import BitPlanes


import numpy as np

from conversions.nir.graph_records import flattened
from conversions.nir.graph_writing import record_of_network
from conversions.nir.metadata import network_in


def integers_of(record: NirRecord) -> FixedPointNetwork | None:
    """The network that :func:`conversions.to_nir` wrote; None if the graph is from elsewhere.

    Raises
    ------
    ConversionError
        If the graph's values are no longer those of its integers.
    NetworkFileError
        If the integers are damaged.
    """
    network, facts = network_in(record.metadata), facts_in(record.metadata)
    if network is None or facts is None:
        return None
    expected, _ = record_of_network(
        network,
        facts.discretization,
        keep_latency=facts.keep_latency,
        unit_resistance=facts.unit_resistance,
    )
    difference = _difference(flattened(record), expected)
    if difference is not None:
        raise ConversionError(
            f"{difference}: not what the integers in the graph's metadata say. To convert the"
            " values of the graph, give reset or discretization"
        )
    return network


def _difference(found: NirRecord, expected: NirRecord) -> str | None:
    """Where two graphs differ."""
    for name in sorted(set(found.nodes) ^ set(expected.nodes)):
        return f"node {name!r} is {'new' if name in found.nodes else 'gone'}"
    for edge in sorted(set(found.edges) ^ set(expected.edges)):
        return f"edge {edge[0]} -> {edge[1]} is {'new' if edge in found.edges else 'gone'}"
    for name, node in expected.nodes.items():
        other = found.nodes[name]
        if other.kind != node.kind:
            return f"{name}: {other.kind} in the place of {node.kind}"
        for field, value in node.fields.items():
            if field == "v_reset" and other.fields.get(field) is None:
                continue  # not yet in the release of nir that wrote it
            if not _equal(value, other.fields.get(field)):
                return f"{name}.{field}"
    return None


def _equal(one: Any, other: Any) -> bool:
    if other is None:
        return False
    a, b = np.asarray(one), np.asarray(other)
    return a.size == b.size and bool((a.reshape(-1) == b.reshape(-1)).all())


def from_nir(
    source: Any,
    *,
    chip: Chip | str = LOIHI2,
    calibration: Any = None,
    dt: float | None = None,
    discretization: Discretization | str | None = None,
    reset: Any = None,
    recurrent_latency: Any = None,
    input_shape: Any = None,
    real_input: BitPlanes | None = None,
    n_steps: int | None = None,
    scales: ScaleForm | None = None,
    bias: BiasForm = BiasForm.EXACT,
    verify_each: bool = False,
) -> tuple[FixedPointNetwork, ConversionReport]:
    """Convert a NIR graph to the chip's integers.

    Parameters
    ----------
    source
        A ``nir.NIRGraph``, or the path of a NIR file; nothing in a file is executed.
    chip
        What the network must fit.
    calibration
        Spikes by which the integers are chosen: ``(B, T, *input_shape)``, a pair of these and
        labels ``(B,)``, or a :class:`conversions.quantization.Calibration`.
    dt
        Time step of Euler's method, in the unit of the graph's time constants; short for
        ``discretization=Discretization(dt=dt)``.
    discretization
        How the framework that wrote the graph gets from time constants to steps: ``SNNTORCH``,
        ``SPIKINGJELLY``, ``NORSE``, ``SINABS``, ``SINABS_UNSCALED`` or your own
        :class:`Discretization`; of a framework also its word, ``"snntorch"``. With ``dt`` too,
        the same with that step.
    reset
        What a spike does, which NIR does not say: a :class:`SpikeReset` or its word, or a
        mapping from node names to them.
    recurrent_latency
        Steps that feedback takes besides its delays. One for a population's loops with itself
        if not given; a loop over several populations or with a Delay needs to be told: an
        integer, or a mapping from pairs ``(source, target)``.
    input_shape
        Shape of the input (or mapping by name), if the graph's includes samples or steps.
    real_input, n_steps
        Of a graph whose input is real values, as of :func:`conversions.from_torch`.
    scales, bias, verify_each
        As of :func:`conversions.to_fixed_point`.

    Returns
    -------
    network, report

    Raises
    ------
    ConversionError
        If a node has no meaning here, or NIR leaves open what an argument does not say.
    NetworkFileError
        If a file is not a readable NIR file.
    """
    chip = check_settings(chip, scales, bias)
    if n_steps is not None and real_input is None:
        raise InputError("n_steps: only with real_input; spikes say themselves how many they have")
    convention = Convention(
        _discretization(dt, discretization), _resets(reset), recurrent_latency, input_shape
    )
    record = source_record(source)
    if convention.says_nothing and real_input is None:
        network = integers_of(record)
        if network is not None:
            return network, _as_written(network, chip)
    facts = facts_in(record.metadata)
    reading = read_real(record, convention.with_facts(facts))
    real, notes, planes = reading.network, reading.notes, None
    if real_input is not None:
        given = _real_values(real, real_input, calibration, n_steps)
        planes, calibration = given.planes, given.calibration
        notes = (*given.notes, *notes)
    elif calibration is not None and not isinstance(calibration, Calibration):
        spikes, labels = calibration if isinstance(calibration, tuple) else (calibration, None)
        calibration = Calibration(spikes=spikes, labels=labels)
    network, report = to_fixed_point(
        real,
        chip=chip,
        calibration=calibration,
        scales=scales,
        bias=bias,
        real_input=planes,
        verify_each=verify_each,
    )
    return network, replace(report, notes=(*notes, *report.notes), real_input=planes)


def _real_values(real: RealNetwork, planes: Any, given: Any, n_steps: Any) -> RealValues:
    if len(real.inputs) != 1:
        raise ConversionError(
            f"real_input: the graph has {len(real.inputs)} inputs; one is supported"
        )
    (source,) = real.inputs
    return real_values(planes, given, name=source.name, input_shape=source.shape, n_steps=n_steps)


def nir_to_real(
    source: Any,
    *,
    dt: float | None = None,
    discretization: Discretization | str | None = None,
    reset: Any = None,
    recurrent_latency: Any = None,
    input_shape: Any = None,
) -> NirReading:
    """Read a NIR graph into a network in real numbers; arguments as of :func:`from_nir`."""
    convention = Convention(
        _discretization(dt, discretization), _resets(reset), recurrent_latency, input_shape
    )
    record = source_record(source)
    return read_real(record, convention.with_facts(facts_in(record.metadata)))


def _as_written(network: FixedPointNetwork, chip: Chip) -> ConversionReport:
    from conversions.conversion_report import ConversionReport

    notes = ["The integers are those that the graph was made of; nothing was rounded."]
    notes += [f"Does not fit {chip.name}: {violation}" for violation in check(network, chip)]
    return ConversionReport(chip=chip.name, layers=(), notes=tuple(notes))


def source_record(source: Any) -> NirRecord:
    """Records of a graph or of the file at a path."""
    return read_record(source) if isinstance(source, (str, os.PathLike)) else record_of(source)


def _discretization(dt: Any, given: Any) -> Discretization | None:
    if given is not None:
        given = discretization_of("discretization", given)
    if dt is None:
        return given
    return Discretization(dt=dt) if given is None else replace(given, dt=dt)


def _resets(reset: Any) -> Any:
    if reset is None:
        return None
    if isinstance(reset, Mapping):
        return {str(name): spike_reset(value) for name, value in reset.items()}
    return spike_reset(reset)
