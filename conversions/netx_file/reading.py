"""The layers of a file as a network, one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conversions.linear_maps.synapses import synapses
from conversions.netx_file.delays import Delays, conv_delays, dense_delays, total
from conversions.netx_file.hdf5_layers import FileLayer, NetxFile
from conversions.netx_file.loaded_weights import Mantissas, fitted, loaded_by_netx
from conversions.netx_file.meaning import NetxMeaning
from conversions.netx_file.neuron_table import constant, is_memoryless, population
from conversions.real_network import RealConv
from hw_models import (
    ConversionError,
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    SparseProjection,
    SsdpError,
)

INPUT = "input"
ONE = 64  # weight of an input that SLAYER takes as 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Options:
    """What a file does not say; arguments of :func:`conversions.from_netx`."""

    meaning: NetxMeaning
    input_shape: tuple[int, ...] | None
    weight_exp_bits: int


@dataclass(kw_only=True, eq=False)
class Chain:
    """The network so far; the next layer is fed by ``source``.

    ``leaving`` are delays of what the source sends, ``flat`` whether a flatten layer came.
    """

    options: Options
    populations: list[Any] = field(default_factory=list)
    projections: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    leaving: np.ndarray | None = None
    flat: bool = False
    late: bool = False

    @property
    def source(self) -> Any:
        """Population that the next layer is fed by."""
        return self.populations[-1]

    @property
    def is_trained(self) -> bool:
        """Whether SLAYER's meaning is wanted."""
        return self.options.meaning is NetxMeaning.AS_TRAINED


def read_network(file: NetxFile, options: Options) -> tuple[FixedPointNetwork, dict, list[str]]:
    """Network, shifts of its populations, and notes.

    Raises
    ------
    ConversionError
        If a layer is not supported; names its number and type.
    """
    chain = Chain(options=options)
    for layer in file.layers:
        reader = READERS.get(layer.kind)
        if reader is None or any(name.startswith("weight/") for name in layer.values):
            kind = f"type {layer.kind!r}" if reader is None else "complex weights"
            raise ConversionError(f"layer {layer.place}: {kind}; supported are {_supported()}")
        try:
            reader(chain, layer)
        except ConversionError:
            raise
        except SsdpError as error:
            raise ConversionError(f"{layer.where}: {error}") from error
    if not chain.projections:
        raise ConversionError(f"{file.layers[-1].where}: no layer of synapses before the end")
    _end(chain)
    shifts = {
        p.name: int(chain.late and not chain.is_trained and isinstance(p, LifPopulation))
        for p in chain.populations
    }
    return _in_order(chain, file.own), shifts, chain.notes


def _supported() -> str:
    return f"{', '.join(READERS)} with CUBA neurons (pool only as SLAYER trained it)"


def _input(chain: Chain, layer: FileLayer) -> None:
    if chain.populations:
        raise ConversionError(f"{layer.where}: only the first layer can be an input")
    shape = tuple(layer.numbers("shape").reshape(-1).tolist())
    if chain.options.input_shape not in (None, shape):
        raise ConversionError(
            f"{layer.where}: shape {shape} in the file, input_shape {chain.options.input_shape}"
        )
    chain.populations.append(InputPopulation(name=_name(layer, INPUT, "input"), shape=shape))
    if layer.neuron_type is None:
        return
    if not is_memoryless(layer) and not chain.is_trained:
        raise ConversionError(
            f"{layer.where}: netx adds the input to the membrane potential, past the current; the"
            " same with spikes needs iDecay 4096"
        )
    if not is_memoryless(layer) and constant(layer):
        raise ConversionError(
            f"{layer.where}: a bias that goes through the current needs iDecay 4096"
        )
    weight = layer.number("weight", ONE)
    places = np.arange(math.prod(shape))
    made = fitted(layer.where, np.full(len(places), weight))
    chain.late = True
    chain.notes.append(
        f"{layer.where}: has neurons; here they are given spikes, each of which counts as an"
        f" input of 1 (weight {weight}), one step later than netx gives it to them."
    )
    _add(chain, layer, shape, power=0)
    chain.projections.append(
        SparseProjection(
            source=chain.populations[-2].name,
            target=chain.source.name,
            pre=places,
            post=places,
            weights=made.values,
            weight_exponent=made.exponent,
        )
    )


def _flatten(chain: Chain, layer: FileLayer) -> None:
    if not chain.populations:
        _begin(chain, layer, None)
    chain.flat = True


def _dense(chain: Chain, layer: FileLayer) -> None:
    recurrent = layer.kind == "dense_rec"
    n_post = int(layer.numbers("shape").prod())
    weights = _matrix(layer, "weight", n_post)
    parts = [weights, _matrix(layer, "weight_rec", n_post)] if recurrent else [weights]
    _begin(chain, layer, (weights.shape[1],))
    source = chain.source
    if len(source.shape) > 1 and not chain.flat and source.shape[0] != weights.shape[1]:
        raise ConversionError(
            f"{layer.where}: fed by shape {source.shape} without a flatten layer before it"
        )
    if weights.shape[1] != source.n_neurons or parts[-1].shape[1] != (
        n_post if recurrent else source.n_neurons
    ):
        raise ConversionError(
            f"{layer.where}: weights for {weights.shape[1]} inputs"
            f"{f' and {parts[-1].shape[1]} neurons' if recurrent else ''}; {source.n_neurons} come"
            f"{f' from {n_post}' if recurrent else ''}"
        )
    delays = dense_delays(layer, weights.shape, chain.options.meaning, chain.notes)
    power = _power(chain, layer)
    mantissas = _mantissas(chain, layer, parts, power, delays)
    arriving = total(chain.leaving, delays.arriving)
    shape = tuple(int(size) for size in layer.own.get("shape", (n_post,)))
    _add(chain, layer, shape, power=power)
    chain.projections.append(
        DenseProjection(
            source=source.name,
            target=chain.source.name,
            name=_name(layer, "", "projection"),
            weights=mantissas[0].values,
            weight_exponent=mantissas[0].exponent,
            delays=None if arriving is None else np.broadcast_to(arriving, weights.shape),
        )
    )
    if recurrent:
        chain.projections.append(_feedback(chain, layer, mantissas[1], delays))
    chain.leaving, chain.flat = delays.leaving, True  # what comes after it needs no flatten


def _feedback(chain: Chain, layer: FileLayer, made: Mantissas, delays: Delays) -> DenseProjection:
    own = delays.arriving
    if own is not None and chain.is_trained:
        raise ConversionError(
            f"{layer.where}.delay: of single synapses, which netx gives to the feedback too;"
            " supported are delays of neurons"
        )
    if own is not None:
        if own.shape != made.values.shape:
            raise ConversionError(
                f"{layer.where}.delay: netx gives the delays of {own.shape[1]} inputs to the"
                f" feedback of {len(own)} neurons, on which Lava fails"
            )
        chain.notes.append(
            f"{layer.where}: with delays netx drops the exponent of its weights and delays the"
            " feedback as the input; so it is here."
        )
    elif delays.leaving is not None:
        chain.notes.append(
            f"{layer.where}: its delays are kept as SLAYER has them, for what it sends on; netx"
            " delays its input and its feedback and drops the exponent of its weights."
        )
    return DenseProjection(
        source=chain.source.name,
        target=chain.source.name,
        name=_name(layer, "", "recurrent_projection"),
        weights=made.values,
        weight_exponent=made.exponent,
        delays=own,
    )


def _conv(chain: Chain, layer: FileLayer) -> None:
    weights = layer.numbers("weight")
    if weights.ndim == 5 and weights.shape[4] == 1:
        weights = weights[..., 0]
    if weights.ndim != 4:
        raise ConversionError(f"{layer.where}.weight: shape {weights.shape}; four axes are needed")
    shape = _image_shape(chain, layer)
    power = _power(chain, layer)
    made = _exponent_kept(layer, fitted(layer.where, weights, power))
    conv = ConvProjection(
        source=chain.source.name,
        target=_name(layer, f"{layer.kind}{layer.place}", "population"),
        name=_name(layer, "", "projection"),
        weights=made.values,
        stride=_pair(layer, "stride", 1),
        padding=_pair(layer, "padding", 0),
        dilation=_pair(layer, "dilation", 1),
        groups=layer.number("groups", 1),
        weight_exponent=made.exponent,
    )
    _images(chain, layer, conv, shape, power)


def _pool(chain: Chain, layer: FileLayer) -> None:
    """Sum pooling; SLAYER adds zeros at the end to images that it does not divide."""
    if not chain.is_trained:
        raise ConversionError(
            f"{layer.where}: netx has no pooling; meaning=NetxMeaning.AS_TRAINED has"
        )
    shape = _image_shape(chain, layer)
    taps = layer.numbers("weight").reshape(-1)
    kernel, stride = _pair(layer, "kernelSize", 1), _pair(layer, "stride", 1)
    padding, dilation = _pair(layer, "padding", 0), _pair(layer, "dilation", 1)
    size = chain.source.shape
    if (
        (taps != taps[0]).any()
        or dilation != (1, 1)
        or padding[0]
        or stride[0] != kernel[0]
        or size[1] % kernel[0]
        or size[2] % kernel[1]
    ):
        raise ConversionError(
            f"{layer.where}: kernel {kernel}, stride {stride}, padding {padding}, dilation"
            f" {dilation} on images {size[1:]}; supported is a sum over windows that divide the"
            " images, with a stride of the kernel's rows and no padding of rows"
        )
    power = _power(chain, layer)
    made = fitted(layer.where, taps[:1], power)
    pool = PoolProjection(
        source=chain.source.name,
        target=_name(layer, f"{layer.kind}{layer.place}", "population"),
        kernel_size=kernel,
        stride=stride,
        padding=padding,
        weight=int(made.values[0]),
        weight_exponent=made.exponent,
    )
    _images(chain, layer, pool, shape, power)


def _images(
    chain: Chain,
    layer: FileLayer,
    projection: ConvProjection | PoolProjection,
    shape: tuple[int, ...],
    power: int,
) -> None:
    source, leaving = chain.source, chain.leaving
    made = projection.output_shape(source.shape)
    if made != shape:
        raise ConversionError(f"{layer.where}: makes shape {made}; the file says {shape}")
    delays = conv_delays(layer, shape, chain.options.meaning, chain.notes)
    _add(chain, layer, shape, power=power)
    chain.leaving = delays.leaving
    if leaving is None:
        chain.projections.append(projection)
        return
    conv = projection
    if isinstance(conv, PoolProjection):
        conv = conv.as_convolution(source.shape[0])
    real = RealConv(
        weights=conv.weights,
        stride=conv.stride,
        padding=conv.padding,
        dilation=conv.dilation,
        groups=conv.groups,
    )
    pre, post, weights = synapses(real, source.shape)
    used = weights != 0
    chain.projections.append(
        SparseProjection(
            source=source.name,
            target=chain.source.name,
            pre=pre[used],
            post=post[used],
            weights=weights[used].astype(np.int64),
            weight_exponent=conv.weight_exponent,
            delays=leaving[pre[used]],
            name=projection.name,
        )
    )


def _image_shape(chain: Chain, layer: FileLayer) -> tuple[int, ...]:
    _begin(chain, layer, None)
    if len(chain.source.shape) != 3 or chain.flat:
        raise ConversionError(
            f"{layer.where}: fed by shape {chain.source.shape}"
            f"{', flattened' if chain.flat else ''}; images (C, H, W) are needed"
        )
    return tuple(layer.numbers("shape").reshape(-1).tolist())


def _begin(chain: Chain, layer: FileLayer, shape: tuple[int, ...] | None) -> None:
    """The input of a file without an input layer."""
    if chain.populations:
        return
    shape = chain.options.input_shape or shape
    if shape is None:
        raise ConversionError(f"{layer.where}: the file has no input layer; input_shape is needed")
    chain.populations.append(InputPopulation(name=INPUT, shape=shape))


def _add(chain: Chain, layer: FileLayer, shape: tuple[int, ...], *, power: int) -> None:
    kind = "input neurons" if layer.kind == INPUT else f"{layer.kind}{layer.place}"
    own = "neurons" if layer.kind == INPUT else "population"
    chain.populations.append(
        population(layer, _name(layer, kind, own), shape, chain.options.meaning, power, chain.notes)
    )


def _mantissas(
    chain: Chain, layer: FileLayer, parts: list[np.ndarray], power: int, delays: Delays
) -> list[Mantissas]:
    if chain.is_trained:
        made = [fitted(layer.where, part, power) for part in parts]
        return _exponents_kept(layer, made)
    drops_exponent = len(parts) > 1 and delays.arriving is not None
    made = loaded_by_netx(layer.where, parts, keeps_exponent=not drops_exponent)
    for part, held in zip(parts, made, strict=True):
        changed = np.ldexp(held.values.astype(np.float64), held.exponent) != part
        if changed.any():
            index = tuple(int(i) for i in np.argwhere(changed)[0])
            value = float(held.values[index]) * 2.0**held.exponent
            chain.notes.append(
                f"{layer.where}: netx loads {int(changed.sum())} of {changed.size} weights as"
                f" others, the first at {index}: {int(part[index])} as {value:g}."
            )
    return _exponents_kept(layer, made)


def _exponents_kept(layer: FileLayer, made: list[Mantissas]) -> list[Mantissas]:
    fields = ("weight_exponent", "recurrent_weight_exponent")
    return [_exponent_kept(layer, part, own) for part, own in zip(made, fields, strict=False)]


def _exponent_kept(
    layer: FileLayer, made: Mantissas, field_name: str = "weight_exponent"
) -> Mantissas:
    """The same weights with the exponent that to_netx was given."""
    own = layer.own.get(field_name)
    if not isinstance(own, np.ndarray) or own.size != 1:
        return made
    exponent = int(own.reshape(-1)[0])
    real = np.ldexp(made.values.astype(np.float64), made.exponent - exponent)
    if not -8 <= exponent <= 7 or (real != np.rint(real)).any() or (np.abs(real) > 256).any():
        return made
    return Mantissas(real.astype(np.int64), exponent)


def _power(chain: Chain, layer: FileLayer) -> int:
    """Power of two by which a normalization multiplies what arrives at the potential."""
    if "neuron/weight_exp" not in layer.values:
        return 0
    given = layer.number("neuron/weight_exp")
    if not chain.is_trained:
        if given:
            chain.notes.append(f"{layer.where}: weight_exp {given}; netx ignores it.")
        return 0
    limit = chain.options.weight_exp_bits
    power = -max(-limit, min(limit, given))
    if power:
        chain.notes.append(
            f"{layer.where}: its normalization multiplies by 2**{power} (weight_exp {given} within"
            f" {limit} bits, which the file does not say), which netx ignores."
            + _inexact(layer, power)
        )
    return power


def _inexact(layer: FileLayer, power: int) -> str:
    if not is_memoryless(layer):
        return (
            " Here it is done before the current decays, there after it: the current is rounded"
            " at another place, by less than one unit a step."
        )
    if power < 0 and (layer.numbers("weight") % (1 << -power)).any():
        return " Here the sum of a step is rounded down to a whole weight, there to 1/64 of one."
    return ""


def _matrix(layer: FileLayer, field_name: str, n_post: int) -> np.ndarray:
    weights = layer.numbers(field_name)
    if weights.ndim == 1 and weights.size % n_post == 0:
        weights = weights.reshape(n_post, -1)
    if weights.ndim != 2 or len(weights) != n_post:
        raise ConversionError(
            f"{layer.where}.{field_name}: shape {weights.shape}; ({n_post}, inputs) is needed"
        )
    return weights


def _pair(layer: FileLayer, field_name: str, default: int) -> tuple[int, int]:
    if field_name not in layer.values:
        return default, default
    found = layer.numbers(field_name).reshape(-1)
    if found.size not in (1, 2):
        raise ConversionError(f"{layer.where}.{field_name}: {found.size} numbers; one or two")
    return int(found[0]), int(found[-1])


def _name(layer: FileLayer, default: str, own: str) -> str:
    given = layer.own.get(own)
    return given if isinstance(given, str) else default


def _end(chain: Chain) -> None:
    """Delays of the last layer's spikes, which no projection follows."""
    leaving, last = chain.leaving, chain.source
    if leaving is None:
        return
    into = [p for p in chain.projections if p.target == last.name]
    at_rest = not last.bias.any() and len(into) == 1 and isinstance(into[0], DenseProjection)
    if at_rest:
        dense = into[0]
        before = 0 if dense.delays is None else dense.delays.astype(np.int64)
        chain.projections[chain.projections.index(dense)] = DenseProjection(
            source=dense.source,
            target=dense.target,
            weights=dense.weights,
            weight_exponent=dense.weight_exponent,
            delays=np.broadcast_to(before + leaving[:, None], dense.weights.shape),
            name=dense.name,
        )
        chain.notes.append(
            f"{last.name}: the last layer's delays are those of what arrives at it, which comes to"
            " the same."
        )
        return
    places = np.arange(last.n_neurons)
    chain.populations.append(
        LifPopulation(
            name=f"{last.name} delayed",
            shape=last.shape,
            current_decay=4095,
            voltage_decay=4096,
            threshold=1,
        )
    )
    chain.projections.append(
        SparseProjection(
            source=last.name,
            target=chain.source.name,
            pre=places,
            post=places,
            weights=np.full(len(places), 2),
            delays=leaving,
        )
    )
    chain.notes.append(
        f"{chain.source.name}: neurons that repeat the spikes of {last.name} as late as the last"
        " layer's delays say, and one step later."
    )


def _in_order(chain: Chain, own: Mapping[str, Any]) -> FixedPointNetwork:
    """Records in the order of the network that was written, if it was one of ours."""
    parts: list[list[Any]] = []
    for what, records in (("populations", chain.populations), ("projections", chain.projections)):
        names = [str(name) for name in np.atleast_1d(own.get(what, np.zeros(0, dtype=object)))]
        if sorted(names) == sorted(record.name for record in records):
            records = sorted(records, key=lambda record: names.index(record.name))
        parts.append(records)
    return FixedPointNetwork(populations=parts[0], projections=parts[1])


READERS: dict[str, Callable[[Chain, FileLayer], None]] = {
    "input": _input,
    "flatten": _flatten,
    "dense": _dense,
    "dense_rec": _dense,
    "conv": _conv,
    "pool": _pool,
}
