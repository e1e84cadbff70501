"""Convolutions and pooling of a file."""

from __future__ import annotations

import numpy as np

from conversions.linear_maps.synapse_list import synapses
from conversions.netx.chain import (
    Chain,
    add_population,
    begin,
    exponent_kept,
    name_of_record,
    power_of_two,
)
from conversions.netx.delays import conv_delays
from conversions.netx.hdf5_layers import FileLayer
from conversions.netx.loaded_weights import fitted
from conversions.real_network import RealConv
from hw_models import ConversionError, ConvProjection, PoolProjection, SparseProjection


def read_conv(chain: Chain, layer: FileLayer) -> None:
    """Add a convolution."""
    weights = layer.numbers("weight")
    if weights.ndim == 5 and weights.shape[4] == 1:
        weights = weights[..., 0]
    if weights.ndim != 4:
        raise ConversionError(f"{layer.where}.weight: shape {weights.shape}; four axes are needed")
    shape = _image_shape(chain, layer)
    power = power_of_two(chain, layer)
    made = exponent_kept(layer, fitted(layer.where, weights, power))
    conv = ConvProjection(
        source=chain.source.name,
        target=name_of_record(layer, f"{layer.kind}{layer.place}", "population"),
        name=name_of_record(layer, "", "projection"),
        weights=made.values,
        stride=_pair(layer, "stride", 1),
        padding=_pair(layer, "padding", 0),
        dilation=_pair(layer, "dilation", 1),
        groups=layer.number("groups", 1),
        weight_exponent=made.exponent,
    )
    _images(chain, layer, conv, shape, power)


def read_pool(chain: Chain, layer: FileLayer) -> None:
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
    power = power_of_two(chain, layer)
    made = fitted(layer.where, taps[:1], power)
    pool = PoolProjection(
        source=chain.source.name,
        target=name_of_record(layer, f"{layer.kind}{layer.place}", "population"),
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
    add_population(chain, layer, shape, power=power)
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
    begin(chain, layer, None)
    if len(chain.source.shape) != 3 or chain.flat:
        raise ConversionError(
            f"{layer.where}: fed by shape {chain.source.shape}"
            f"{', flattened' if chain.flat else ''}; images (C, H, W) are needed"
        )
    return tuple(layer.numbers("shape").reshape(-1).tolist())


def _pair(layer: FileLayer, field_name: str, default: int) -> tuple[int, int]:
    if field_name not in layer.values:
        return default, default
    found = layer.numbers(field_name).reshape(-1)
    if found.size not in (1, 2):
        raise ConversionError(f"{layer.where}.{field_name}: {found.size} numbers; one or two")
    return int(found[0]), int(found[-1])
