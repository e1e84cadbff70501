"""Spiking networks as safetensors files: tensors, and the layers as JSON in the metadata.

Loading executes nothing from the file: the tensors are plain arrays, and the JSON names
layers and numbers that go through the constructors of :mod:`torch.nn` and of
:class:`CubaLif`, which check them.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from hw_models import NetworkFileError, ResetMode, SsdpError
from hw_models.atomic_file import write_whole
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.network import SpikingNetwork, quantize
from ssdp_neuro.training.neurons import CubaLif
from ssdp_neuro.training.surrogate import SURROGATES

FORMAT = "ssdp_neuro spiking network"
VERSION = 1
SETTINGS: dict[str, tuple[str, ...]] = {
    "Linear": ("in_features", "out_features"),
    "Conv2d": (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
    ),
    "Flatten": ("start_dim", "end_dim"),
    "Dropout": ("p",),
    "Identity": (),
}
UNDER_GRID = "parametrizations.weight.original"
NEURON_SETTINGS = ("current_decay", "voltage_decay", "threshold")


def save_model(model: SpikingNetwork, path: str | os.PathLike[str]) -> None:
    """Write a model to a safetensors file, whole or not at all.

    Parameters
    ----------
    model
        Of Linear, Conv2d, Flatten, Dropout, Identity and CubaLif; quantized or not. Of a
        quantized one the real weights are kept, and its grids.
    path
        Replaced if it exists.

    Raises
    ------
    NetworkFileError
        If the model holds something else, or the file cannot be written.
    """
    from safetensors.torch import save

    layers, tensors = [], {}
    for name, module in model.named_children():
        layers.append({"name": name, **_describe(name, module)})
        for key, value in module.named_parameters():
            # the real weights of a quantized layer are kept under their usual name
            tensors[f"{name}.{key.replace(UNDER_GRID, 'weight')}"] = value
    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "model": json.dumps({"input_shape": list(model.input_shape), "layers": layers}),
    }
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_whole(path, save(stored, metadata=metadata))


def load_model(path: str | os.PathLike[str]) -> SpikingNetwork:
    """Read a model that :func:`save_model` wrote, on the CPU, in evaluation mode.

    Parameters
    ----------
    path
        A safetensors file.

    Raises
    ------
    NetworkFileError
        If the file cannot be read, is not such a model, or is damaged or newer.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NetworkFileError(f"{path}: not a readable safetensors file: {reason}") from None
    if metadata.get("format") != FORMAT:
        raise NetworkFileError(
            f"{path}: format {metadata.get('format')!r} in the metadata; {FORMAT!r} is needed,"
            " as ssdp_neuro.training.save_model writes it"
        )
    if metadata.get("version") != str(VERSION):
        raise NetworkFileError(
            f"{path}: version {metadata.get('version')!r}; this release reads {VERSION}"
        )
    try:
        return _build(json.loads(metadata["model"]), tensors).eval()
    except (SsdpError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NetworkFileError(f"{path}: damaged model: {reason}") from None


def _describe(name: str, module: nn.Module) -> dict[str, Any]:
    if isinstance(module, CubaLif):
        surrogate = module.surrogate
        return {
            "kind": "CubaLif",
            **{key: getattr(module, key) for key in NEURON_SETTINGS},
            "reset": module.reset.name,
            "surrogate": {"kind": type(surrogate).__name__, **dataclasses.asdict(surrogate)},
            "grid": None if module.grid is None else dataclasses.asdict(module.grid),
        }
    kind: Any = type(module)
    if parametrize.is_parametrized(module):
        kind = kind.__bases__[0]  # registering one makes a subclass
    settings = SETTINGS.get(kind.__name__)
    if settings is None or kind is not getattr(nn, kind.__name__):
        raise NetworkFileError(
            f"{name}: {kind.__name__} cannot be stored; {', '.join(SETTINGS)} and CubaLif can"
        )
    if getattr(module, "padding_mode", "zeros") != "zeros":
        raise NetworkFileError(f"{name}.padding_mode: {module.padding_mode!r}; 'zeros' is needed")
    described = {key: getattr(module, key) for key in settings}
    if kind in (nn.Linear, nn.Conv2d):
        described["bias"] = module.bias is not None
    return {"kind": kind.__name__, **described}


def _build(described: dict[str, Any], tensors: dict[str, torch.Tensor]) -> SpikingNetwork:
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    grids = {}
    for layer in described["layers"]:
        settings = dict(layer)
        name, kind = settings.pop("name"), settings.pop("kind")
        if kind == "CubaLif":
            grid = settings.pop("grid")
            modules[name] = _neurons(settings)
            if grid is not None:
                grids[name] = WeightGrid(**grid)
        elif kind in SETTINGS:
            with torch.device("meta"):
                modules[name] = getattr(nn, kind)(**settings)
        else:
            raise NetworkFileError(f"layer {name!r} of unknown kind {kind!r}")
    model = SpikingNetwork(modules, input_shape=tuple(described["input_shape"]))
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32 or not bool(torch.isfinite(tensor).all()):
            raise NetworkFileError(f"tensor {name!r} is not float32, or not finite everywhere")
    model.load_state_dict(tensors, assign=True)  # the layers held no memory until here
    if grids:
        quantize(model, grids)
    return model


def _neurons(settings: dict[str, Any]) -> CubaLif:
    reset = ResetMode[settings.pop("reset")]
    surrogate = dict(settings.pop("surrogate"))
    kind = SURROGATES[surrogate.pop("kind")]
    return CubaLif(reset=reset, surrogate=kind(**surrogate), **settings)
