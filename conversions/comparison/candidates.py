"""What is compared: models, networks and files, each with the network that the chip would run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conversions.comparison.value_dataset import ValueDataset
from conversions.conversion_report import ConversionReport
from conversions.decision_rule import DecisionRule, usual_rule
from conversions.execution import Executable
from conversions.quantization import Calibration
from conversions.real_network.bit_planes import BitPlanes
from conversions.report_pages.provenance import digest_of
from hw_models import (
    Chip,
    FixedPointNetwork,
    InputError,
    MissingFileError,
    ShapeError,
    TypeMismatchError,
    load,
)
from hw_models.errors import brief
from hw_models.hdf5_file import is_hdf5, read_outline
from ssdp_neuro.data import SpikeDataset

CALIBRATION = 256  # samples that choose the integers of a model trained in real numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A model to be compared.

    Parameters
    ----------
    name
        Its file, or its kind.
    executable
        What executors run.
    decision
        How the network makes a class.
    layers
        Populations that fire and that the model has too, from input to output.
    report
        Of the conversion; None of a network.
    digest
        SHA-256 of its file, in hexadecimal digits; None without a file.
    is_quantized
        Whether the model runs in the chip's integers in PyTorch, too.
    """

    name: str
    executable: Executable
    decision: DecisionRule
    layers: tuple[str, ...]
    report: ConversionReport | None = None
    digest: str | None = None
    is_quantized: bool = False


def candidates_of(
    models: Any,
    data: SpikeDataset,
    calibration: Any,
    chip: Chip,
    decision: DecisionRule | None,
    calling: Mapping[str, Any],
    file_options: Mapping[str, Any],
) -> list[Candidate]:
    """Every model, arguments as of :func:`conversions.compare`."""
    several = isinstance(models, (list, tuple)) and not _is_converted(models)
    given = list(models) if several else [models]
    if not given:
        raise InputError("compare.models: none given; at least one is needed")
    found = [
        _candidate(model, data, calibration, chip, decision, calling, file_options)
        for model in given
    ]
    shapes = {_form(candidate) for candidate in found}
    if len(shapes) > 1:
        raise InputError("compare.models: they differ in layers or in being quantized")
    return found


def _form(candidate: Candidate) -> Any:
    network = candidate.executable.network
    shapes = tuple(network.population(name).shape for name in candidate.layers)
    executable = candidate.executable
    return (
        candidate.layers,
        shapes,
        candidate.is_quantized,
        executable.model is None,
        (executable.planes),
    )


def _is_converted(given: Any) -> bool:
    is_pair = isinstance(given, tuple) and len(given) == 2
    return is_pair and isinstance(given[0], FixedPointNetwork)


def _candidate(
    given: Any,
    data: SpikeDataset,
    calibration: Any,
    chip: Chip,
    decision: DecisionRule | None,
    calling: Mapping[str, Any],
    file_options: Mapping[str, Any],
) -> Candidate:
    name, digest, model = type(given).__name__, None, None
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        if not path.exists():
            raise MissingFileError(f"{path}: no such file")
        name, digest = str(path), digest_of(path)
        given = _read(path, data, calibration, chip, file_options)
    report = None
    if _is_converted(given):
        network, report = given
        name = name if digest else "network"
    elif isinstance(given, FixedPointNetwork):
        network = given
    elif not _is_module(given):
        raise TypeMismatchError(
            f"compare.models: {brief(given)}; a PyTorch model, a FixedPointNetwork, a pair of"
            " one and its report, or the path of a file with one of them is needed"
        )
    else:
        model, network, report, calling = _converted(given, data, calibration, chip, calling)
    planes = _planes(data, report)
    _check_input(name, network, model, data, planes)
    known = decision or (None if report is None else report.decision)
    rule = known or usual_decision(network, data.n_classes)
    return Candidate(
        name=name,
        decision=rule,
        executable=Executable(
            network=network,
            shifts={} if report is None else dict(report.shifts),
            decision=rule,
            model=model,
            calling=calling,
            planes=planes,
        ),
        layers=_layers(network, report),
        report=report,
        digest=digest,
        is_quantized=_is_quantized(model),
    )


def _is_module(given: Any) -> bool:
    torch = sys.modules.get("torch")  # where it is not imported, nothing can be a module of it
    return torch is not None and isinstance(given, torch.nn.Module)


def _read(
    path: Path, data: SpikeDataset, calibration: Any, chip: Chip, options: Mapping[str, Any]
) -> Any:
    """A model, a network, or a network and its report, by what the file holds."""
    if not is_hdf5(path):
        from ssdp_neuro.training import load_model

        return load_model(path)
    from conversions.netx import from_netx
    from conversions.netx.hdf5_layers import is_netx
    from conversions.nir import from_nir
    from conversions.nir.files import is_nir

    outline = read_outline(path, "HDF5 file")
    if is_nir(outline):
        how = {**_of_values(data), **options}
        return from_nir(path, chip=chip, calibration=calibration, **how)
    return from_netx(path, chip=chip, **options) if is_netx(outline) else load(path)


def _of_values(data: SpikeDataset) -> dict[str, Any]:
    """Arguments of converters that say how real values come in; none for spikes."""
    if not isinstance(data, ValueDataset):
        return {}
    return {"real_input": data.planes, "n_steps": data.n_steps if data.repeated else None}


def _planes(data: SpikeDataset, report: ConversionReport | None) -> BitPlanes | None:
    """Levels of the input with their bounds: those of the conversion if there was one."""
    if not isinstance(data, ValueDataset):
        return None
    known = None if report is None else report.real_input
    if known is None:
        _ = data.planes.bounds
        return data.planes
    asked = data.planes
    if asked.bits != known.bits or any(
        wanted not in (None, found)
        for wanted, found in zip((asked.low, asked.high), known.bounds, strict=True)
    ):
        raise InputError(f"compare.real_input: {asked}; the network was converted with {known}")
    return known


def _converted(
    model: Any, data: SpikeDataset, calibration: Any, chip: Chip, calling: Mapping[str, Any]
) -> tuple[Any, FixedPointNetwork, ConversionReport, Mapping[str, Any]]:
    from conversions.execution.executable import copy_of
    from conversions.pytorch.model_conversion import from_torch
    from ssdp_neuro.training import SpikingNetwork

    if isinstance(model, SpikingNetwork):
        if model.input_shape != tuple(data.input_shape):
            raise InputError(
                f"model: input shape {model.input_shape}; the data have {tuple(data.input_shape)}"
            )
        model = copy_of(model) if model.training else model  # which drops out nothing
    how = {name: value for name, value in calling.items() if value is not None}
    form: dict[str, Any] = {"input_shape": tuple(data.input_shape), "n_steps": data.n_steps}
    if isinstance(data, ValueDataset):
        form |= _of_values(data)
    elif calibration is not None:  # which has them
        form = {}
    network, report = from_torch(
        model,
        chip=chip,
        calibration=calibration,
        **form,
        **how,
    )
    if isinstance(data, ValueDataset):
        how["static"] = data.repeated
    if isinstance(calibration, Calibration):
        from conversions.pytorch.network.output_numbers import OutputWay

        how["way"] = OutputWay(calibration.decision, calibration.neurons_per_class)
    return model, network, report, how


def calibration_of(data: SpikeDataset | None) -> Any:
    """Spikes (or values) and labels by which integers are chosen; None for none."""
    if data is None:
        return None
    indices = np.arange(min(CALIBRATION, len(data)))
    given = data.values if isinstance(data, ValueDataset) else data.spikes(indices)
    return given[: len(indices)], np.asarray(data.labels)[indices]


def usual_decision(network: FixedPointNetwork, n_classes: int) -> DecisionRule:
    """Most spikes of the last population that nothing else listens to.

    Raises
    ------
    InputError
        If it has fewer neurons than there are classes.
    """
    heard = {p.source for p in network.projections if p.source != p.target}
    silent = [lif for lif in network.neurons if lif.name not in heard] or list(network.neurons)
    fitting = [lif for lif in silent if lif.n_neurons >= n_classes]
    if not fitting:
        sizes = ", ".join(f"{lif.name} {lif.n_neurons}" for lif in silent) or "none"
        raise InputError(
            f"network: output populations {sizes}; {n_classes} classes need as many neurons, or a"
            " decision that says how they are made of fewer"
        )
    return usual_rule(fitting[-1].name, fitting[-1].n_neurons, is_readout=False)


def _check_input(
    name: str,
    network: FixedPointNetwork,
    model: Any,
    data: SpikeDataset,
    planes: BitPlanes | None,
) -> None:
    names = [one.name for one in network.inputs]
    if planes is not None and set(names) != set(planes.names):
        needed = f"{planes.names[0]} to {planes.names[-1]}, for the digits of real values"
        raise InputError(f"{name}: input populations {names}; {needed}, are needed")
    if planes is None and len(names) != 1:
        hint = "; real values are given with real_input" if len(names) > 1 else ""
        raise InputError(f"{name}: input populations {names}; a data set is given to one{hint}")
    shape = tuple(network.inputs[0].shape)
    wanted = tuple(data.input_shape)
    may_differ = model is not None or (planes is None and len(shape) == 1)  # flat: row after row
    if shape != wanted and not (may_differ and int(np.prod(shape)) == int(np.prod(wanted))):
        raise ShapeError(f"{name}: input shape {shape}; the data have {wanted}")


def _layers(network: FixedPointNetwork, report: ConversionReport | None) -> tuple[str, ...]:
    names = [lif.name for lif in network.neurons]
    if report is None:
        return tuple(names)
    readouts = {layer.population for layer in report.layers if layer.potential_unit is not None}
    return tuple(n for n in names if n in report.shifts and n not in readouts) or tuple(names)


def _is_quantized(model: Any) -> bool:
    if model is None:
        return False
    from conversions.execution.pytorch import is_quantized

    return is_quantized(model)
