"""Spiking networks as safetensors files: tensors, and the layers as JSON in the metadata.

Loading executes nothing from the file: the tensors are plain arrays, and the JSON names
layers and numbers that go through the constructors of :mod:`torch.nn` and of
:class:`CubaLif`, which check them.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from hw_models import NetworkFileError, SsdpError
from hw_models.atomic_file import write_whole
from hw_models.spike_code import SpikeCode
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.networks import layer_records
from ssdp_neuro.training.networks.quantization import quantize
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.networks.tensor_file import read_tensors, tensor_file
from ssdp_neuro.training.torch_settings import real_type

FORMAT = "ssdp_neuro spiking network"
PLAIN = "ssdp_neuro state of a model"  # tensors alone, of any other module
VERSION = 3
READABLE = ("1", "2", "3")  # 2 had no learned delays; 1 none, no recurrent layers, plain neurons
CODE = "code"
UNDER_GRID = "parametrizations.weight.original"


def save_model(
    model: SpikingNetwork, path: str | os.PathLike[str], *, code: SpikeCode | None = None
) -> None:
    """Write a model to a safetensors file, whole or not at all.

    Parameters
    ----------
    model
        Of Linear, DelayedLinear, Conv2d, Flatten, Dropout, Identity and CubaLif; quantized
        or not. Of a quantized one the real weights are kept, and its grids.
    path
        Replaced if it exists.
    code
        How the samples that it was trained on became spikes, such as ``load(...).code``; kept in
        the file, see :func:`load_model_code`.

    Raises
    ------
    NetworkFileError
        If the model holds something else or is not float32, or the file cannot be written.
    """
    if real_type(model) != torch.float32:
        raise NetworkFileError(f"{path}: the model is {real_type(model)}; model.float() is needed")
    layers: list[dict[str, Any]] = []
    tensors: dict[str, torch.Tensor] = {}
    for name, module in model.named_children():
        layers.append({"name": name, **layer_records.describe(name, module)})
        for key, value in module.named_parameters():
            # the real weights of a quantized layer are kept under their usual name
            tensors[f"{name}.{key.replace(UNDER_GRID, 'weight')}"] = value
        for key, part in module.named_modules(prefix=name):
            if isinstance(part, DelayedLinear) and not part.learned:
                tensors[f"{key}.{layer_records.DELAYS}"] = part.delays
    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "model": json.dumps({"input_shape": list(model.input_shape), "layers": layers}),
    }
    if code is not None:
        metadata[CODE] = code.to_text()
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_whole(path, tensor_file(stored, metadata))


def load_model(path: str | os.PathLike[str]) -> SpikingNetwork:
    """Read a model that :func:`save_model` wrote, on the CPU, in evaluation mode.

    Parameters
    ----------
    path
        A safetensors file.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NetworkFileError
        If the file cannot be read, is not such a model, or is damaged or newer.
    """
    metadata, tensors = read_tensors(path)
    if metadata.get("format") == PLAIN:
        raise NetworkFileError(
            f"{path}: holds the tensors of a model that has no form on the chip, such as a"
            " transformer; it can be trained on by [model] start_from, not converted"
        )
    if metadata.get("format") != FORMAT:
        raise NetworkFileError(
            f"{path}: format {metadata.get('format')!r} in the metadata; {FORMAT!r} is needed,"
            " as ssdp_neuro.training.save_model writes it"
        )
    if metadata.get("version") not in READABLE:
        raise NetworkFileError(
            f"{path}: version {metadata.get('version')!r};"
            f" this release reads {', '.join(READABLE[:-1])} and {READABLE[-1]}"
        )
    try:
        return _build(json.loads(metadata["model"]), tensors).eval()
    except Exception as error:  # whatever a strange description makes of layers
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NetworkFileError(f"{path}: damaged model: {reason}") from None


def load_model_code(path: str | os.PathLike[str]) -> SpikeCode | None:
    """The code in which a model was trained, of a file of :func:`save_model`; None if unknown.

    Raises
    ------
    NetworkFileError
        If the file cannot be read, or the code in it is damaged.
    """
    text = read_tensors(path)[0].get(CODE)
    try:
        return None if text is None else SpikeCode.from_text(text)
    except SsdpError as error:
        raise NetworkFileError(f"{path}: {error}") from None


def _build(described: dict[str, Any], tensors: dict[str, torch.Tensor]) -> SpikingNetwork:
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    grids = {}
    for layer in described["layers"]:
        settings = dict(layer)
        name = settings.pop("name")
        grid = layer_records.grid_of(settings)
        if grid is not None:
            grids[name] = grid
        modules[name] = layer_records.build(name, settings, tensors)
    model = SpikingNetwork(modules, input_shape=tuple(described["input_shape"]))
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32 or not bool(torch.isfinite(tensor).all()):
            raise NetworkFileError(f"tensor {name!r} is not float32, or not finite everywhere")
    model.load_state_dict(tensors, assign=True)  # the layers held no memory until here
    if grids:
        quantize(model, grids)
    return model
