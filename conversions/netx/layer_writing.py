"""Networks as the layers of a file, for lava-dl's netx to load and compute the same.

Beside what netx reads, attributes keep what the format has no place for (names, exponents,
shapes of dense layers), so that :func:`conversions.from_netx` gives back the same records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conversions.netx.delays import NETX_MAX_DELAY
from conversions.netx.hdf5_layers import FileLayer, NetxFile
from conversions.netx.loaded_weights import Mantissas, loaded_by_netx
from conversions.netx.neuron_table import ONCE, OWN_RESET
from hw_models import (
    ConversionError,
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    LifPopulation,
    PoolProjection,
    ResetMode,
    SparseProjection,
)
from hw_models.arithmetic import ALIGN_SHIFT


def neuron_table(population: LifPopulation) -> dict[str, Any]:
    """The table of a layer's neurons and its bias."""
    for setting, value, wanted in (
        ("reset", population.reset, ResetMode.ZERO),
        ("refractory", population.refractory, 0),
        ("threshold_rise", int(population.threshold_rise.max()), 0),
        ("reset_interval", population.reset_interval % ONCE, 0),
    ):
        if value != wanted:
            raise ConversionError(
                f"{population.name}.{setting}: {value}; netx files have {wanted} only"
            )
    for variable in ("u", "v"):
        if getattr(population, variable).any():
            raise ConversionError(
                f"{population.name}.{variable}: does not begin from 0; netx files do"
            )
    table = {
        "neuron/iDecay": _in_netx(population, population.current_decay + 1),
        "neuron/vDecay": _in_netx(population, population.voltage_decay),
        "neuron/vThMant": _in_netx(population, population.threshold),
        "neuron/refDelay": 1,
        "neuron/gradedSpike": False,
    }
    bias = population.bias.astype(np.int64)
    if not population.bias_mantissa.any() and not population.bias_exponent.any():
        return table
    mantissa = bias >> ALIGN_SHIFT
    if ((mantissa << ALIGN_SHIFT) != bias).any() or (np.abs(mantissa) >= 2**15).any():
        raise ConversionError(
            f"{population.name}: bias {int(bias[np.argmax(np.abs(bias))])}; netx has multiples of"
            f" {1 << ALIGN_SHIFT} up to {(2**15 - 1) << ALIGN_SHIFT}"
        )
    full = np.broadcast_to(mantissa, population.n_neurons)
    return {**table, "bias": _in_netx(population, full)}


def _in_netx(population: LifPopulation, values: np.ndarray) -> Any:
    """One value, or one for each neuron in netx's order: of an image (W, H, C)."""
    if values.size == 1 and population.n_neurons > 1:
        return int(values[0])
    if len(population.shape) != 3:
        return values
    return values.reshape(population.shape).transpose()


def own_settings(population: LifPopulation, notes: list[str]) -> dict[str, Any]:
    """Attributes that give back the same record; sentences are added to the notes."""
    bias = {"bias_mantissa": population.bias_mantissa, "bias_exponent": population.bias_exponent}
    own = bias if any(values.any() for values in bias.values()) else {}
    if population.reset_interval or population.reset_offset:
        notes.append(f"{population.name}: is cleared once; netx does not.")
        own[OWN_RESET] = np.array([population.reset_offset])
    return own


MATRICES = (DenseProjection, SparseProjection)


@dataclass(eq=False)
class Writer:
    """Layers so far."""

    network: FixedPointNetwork
    layers: list[FileLayer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, kind: str, values: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        """One more layer; with neurons if there are values of them."""
        arrays = {name: np.asarray(value) for name, value in values.items()}
        has_neurons = any(name.startswith("neuron/") for name in arrays)
        self.layers.append(
            FileLayer(
                place=len(self.layers),
                kind=kind,
                values=arrays,
                neuron_type="CUBA" if has_neurons else None,
                own=own,
            )
        )


def file_of(network: FixedPointNetwork) -> tuple[NetxFile, list[str]]:
    """The file of a network, and what in it is not as it was in the network.

    Raises
    ------
    ConversionError
        If the format, or netx, cannot do what the network does; names the record.
    """
    writer = Writer(network)
    if len(network.inputs) != 1:
        names = [population.name for population in network.inputs]
        raise ConversionError(f"netx files have one input; the network has {len(names)}: {names}")
    source: Any = network.inputs[0]
    writer.add("input", {"shape": source.shape}, {"input": source.name})
    left = list(network.projections)
    is_flat = False
    while True:
        onward = [p for p in left if p.source == source.name and p.target != source.name]
        if not onward:
            break
        if len(onward) > 1:
            raise ConversionError(
                f"{source.name}: {' and '.join(p.name for p in onward)} leave it; a netx file is"
                " one layer after another"
            )
        feedback = [p for p in left if p.source == p.target == onward[0].target]
        into = [p for p in left if p.target == onward[0].target and p not in feedback]
        if len(into) > 1 or len(feedback) > 1:
            raise ConversionError(
                f"{onward[0].target}: {len(into) + len(feedback)} projections arrive; one, and one"
                " of its own spikes, are supported"
            )
        target = network.population(onward[0].target)
        assert isinstance(target, LifPopulation)
        if isinstance(onward[0], MATRICES):
            if len(source.shape) > 1 and not is_flat:
                writer.add("flatten", {"shape": [source.n_neurons, 1, 1]}, {})
            _dense(writer, onward[0], feedback[0] if feedback else None, source, target)
            is_flat = True
        else:
            if feedback or is_flat:
                raise ConversionError(
                    f"{onward[0].name}: a {type(onward[0]).__name__}"
                    f"{' with feedback' if feedback else ' after a dense layer'}; netx has none"
                )
            _image(writer, onward[0], source, target)
        left = [p for p in left if p is not onward[0] and p not in feedback]
        source = target
    if left or len(network.populations) != 1 + _n_neuron_layers(writer):
        lost = left[0].name if left else _unreached(writer)
        raise ConversionError(f"{lost}: not on the way from the input through one layer a time")
    if len(writer.layers) == 1:
        raise ConversionError("netx files need a layer of neurons; the network has none")
    own = {
        part: np.array([record.name for record in getattr(network, part)], dtype=object)
        for part in ("populations", "projections")
    }
    return NetxFile(layers=tuple(writer.layers), own=own), writer.notes


def _n_neuron_layers(writer: Writer) -> int:
    return sum(layer.neuron_type is not None for layer in writer.layers)


def _unreached(writer: Writer) -> str:
    reached = {str(layer.own.get("population", "")) for layer in writer.layers}
    return next(p.name for p in writer.network.neurons if p.name not in reached)


def _dense(
    writer: Writer, projection: Any, feedback: Any, source: Any, target: LifPopulation
) -> None:
    parts = [_matrix(writer, projection, source.n_neurons, target.n_neurons)]
    if feedback is not None:
        if not isinstance(feedback, MATRICES):
            raise ConversionError(f"{feedback.name}: feedback by {type(feedback).__name__}")
        parts.append(_matrix(writer, feedback, target.n_neurons, target.n_neurons))
    weights = [weights for weights, _ in parts]
    held = loaded_by_netx(projection.name, weights)
    for given, loaded in zip(weights, held, strict=True):
        changed = np.ldexp(loaded.values.astype(np.float64), loaded.exponent) != given
        if changed.any():
            index = tuple(int(i) for i in np.argwhere(changed)[0])
            value = float(loaded.values[index]) * 2.0**loaded.exponent
            raise ConversionError(
                f"{projection.name}: netx would load weight {int(given[index])} at {index} as"
                f" {value:g}"
            )
    delays = [steps for _, steps in parts]
    if feedback is not None and any(steps is not None for steps in delays):
        raise ConversionError(
            f"{projection.name}: netx has no delays in a layer with feedback that it keeps apart"
        )
    values = {"shape": [target.n_neurons], **neuron_table(target), "weight": weights[0]}
    own: dict[str, Any] = {
        "population": target.name,
        "projection": projection.name,
        "weight_exponent": np.array([projection.weight_exponent]),
        "shape": np.array(target.shape),
        **own_settings(target, writer.notes),
    }
    if delays[0] is not None:
        longest = int(delays[0].max())
        if longest > NETX_MAX_DELAY:
            raise ConversionError(
                f"{projection.name}.delays: {longest}; netx has up to {NETX_MAX_DELAY}"
            )
        values["delay"] = delays[0]
    if feedback is not None:
        values["weight_rec"] = weights[1]
        own["recurrent_projection"] = feedback.name
        own["recurrent_weight_exponent"] = np.array([feedback.weight_exponent])
    writer.add("dense" if feedback is None else "dense_rec", values, own)


def _matrix(
    writer: Writer, projection: Any, n_pre: int, n_post: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Whole weights and delays, both ``(n_post, n_pre)``."""
    if getattr(projection, "plasticity", None) is not None:
        raise ConversionError(f"{projection.name}.plasticity: netx has no rules")
    weights, delays = projection.weights.astype(np.int64), projection.delays
    if isinstance(projection, SparseProjection):
        writer.notes.append(f"{projection.name}: listed synapses are written as a full matrix.")
        place = (projection.post, projection.pre)
        weights, delays = _spread(place, weights, n_post, n_pre), None
        if projection.delays is not None:
            delays = _spread(place, projection.delays, n_post, n_pre)
    return _whole(projection, weights), delays


def _spread(place: Any, values: np.ndarray, n_post: int, n_pre: int) -> np.ndarray:
    full = np.zeros((n_post, n_pre), dtype=np.int64)
    full[place] = values
    return full


def _whole(projection: Any, weights: np.ndarray) -> np.ndarray:
    made = Mantissas(weights, projection.weight_exponent)
    if not made.is_whole:
        raise ConversionError(
            f"{projection.name}: weights times 2**{projection.weight_exponent} are not whole, as"
            " netx needs them"
        )
    return made.whole()


def _image(writer: Writer, projection: Any, source: Any, target: LifPopulation) -> None:
    conv: ConvProjection = projection
    if isinstance(projection, PoolProjection):
        writer.notes.append(f"{projection.name}: netx has no pooling; written as a convolution.")
        conv = projection.as_convolution(source.shape[0])
    weights = _whole(conv, conv.weights.astype(np.int64))
    values = {
        "shape": target.shape,
        "inChannels": source.shape[0],
        "outChannels": target.shape[0],
        "kernelSize": conv.weights.shape[2:],
        "stride": conv.stride,
        "padding": conv.padding,
        "dilation": conv.dilation,
        "groups": conv.groups,
        "weight": weights,
        **neuron_table(target),
    }
    own = {
        "population": target.name,
        "projection": conv.name,
        "weight_exponent": np.array([conv.weight_exponent]),
        **own_settings(target, writer.notes),
    }
    writer.add("conv", values, own)
