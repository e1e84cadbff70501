"""Layers of a network as JSON, for model files: what their constructors are given."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from hw_models import NetworkFileError, ResetMode
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.layers.adaptation import Adaptation
from ssdp_neuro.training.layers.delay_windows import DelayWindow
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.layers.neurons import CubaLif
from ssdp_neuro.training.layers.surrogate import SURROGATES

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
DELAYED = "DelayedLinear"
DELAYS = "delays"  # a tensor of the file, beside the parameters
NUMBERS = {"refractory": 0, "latency": 1, "detach_reset": False}  # written if they differ
LEARNED = {"learn_current_decay": "decay_of_current", "learn_voltage_decay": "decay_of_voltage"}


def describe(path: str, module: nn.Module) -> dict[str, Any]:
    """A module as JSON; NetworkFileError if it cannot be stored."""
    if isinstance(module, CubaLif):
        return _describe_neurons(path, module)
    kind: Any = type(module)
    if parametrize.is_parametrized(module):
        kind = kind.__bases__[0]  # registering one makes a subclass
    if kind is DelayedLinear:
        return {"kind": DELAYED, **_describe_delays(module)}
    settings = SETTINGS.get(kind.__name__)
    if settings is None or kind is not getattr(nn, kind.__name__):
        raise NetworkFileError(
            f"{path}: {kind.__name__} cannot be stored;"
            f" {', '.join(SETTINGS)}, {DELAYED} and CubaLif can"
        )
    if getattr(module, "padding_mode", "zeros") != "zeros":
        raise NetworkFileError(f"{path}.padding_mode: {module.padding_mode!r}; 'zeros' is needed")
    described = {key: getattr(module, key) for key in settings}
    if kind in (nn.Linear, nn.Conv2d):
        described["bias"] = module.bias is not None
    return {"kind": kind.__name__, **described}


def build(path: str, settings: dict[str, Any], tensors: dict[str, Tensor]) -> nn.Module:
    """A module without the memory of its parameters, which the file's tensors become.

    Parameters
    ----------
    path
        Of the module in the model.
    settings
        What :func:`describe` gave, without the ``grid`` of neurons.
    tensors
        Of the file; delays are taken out.
    """
    kind, given = settings["kind"], {k: v for k, v in settings.items() if k != "kind"}
    if kind == "CubaLif":
        return _build_neurons(path, given, tensors)
    if kind == DELAYED:
        return _build_delays(path, given, tensors)
    if kind not in SETTINGS:
        raise NetworkFileError(f"layer {path!r} of unknown kind {kind!r}")
    with torch.device("meta"):
        return getattr(nn, kind)(**given)


def _describe_delays(module: Any) -> dict[str, Any]:
    described: dict[str, Any] = {key: getattr(module, key) for key in SETTINGS["Linear"]}
    if module.learned:
        described |= {"longest": module.longest, "window": module.window.value}
    return described


def _build_delays(path: str, given: dict[str, Any], tensors: dict[str, Tensor]) -> DelayedLinear:
    if "longest" not in given:
        return DelayedLinear(**given, delays=tensors.pop(f"{path}.{DELAYS}").numpy())
    window = DelayWindow(given.pop("window"))
    shape = tuple(tensors[f"{path}.delay"].shape)  # which becomes the parameter
    return DelayedLinear(**given, window=window, learned=True, delays=np.zeros(shape))


def _describe_neurons(path: str, neurons: CubaLif) -> dict[str, Any]:
    surrogate, grid = neurons.surrogate, neurons.grid
    described: dict[str, Any] = {
        "kind": "CubaLif",
        "current_decay": np.asarray(neurons.current_decay).tolist(),
        "voltage_decay": np.asarray(neurons.voltage_decay).tolist(),
        "threshold": neurons.threshold,
        "reset": neurons.reset.name,
        "surrogate": {"kind": type(surrogate).__name__, **dataclasses.asdict(surrogate)},
        "grid": None if grid is None else dataclasses.asdict(grid),
    }
    for key, usual in NUMBERS.items():
        if getattr(neurons, key) != usual:
            described[key] = getattr(neurons, key)
    for key, decay in LEARNED.items():
        if getattr(neurons, decay).learned:
            described[key] = True
    if neurons.bias is not None:
        described["bias"] = list(neurons.bias.value.shape)
    if neurons.adaptation is not None:
        described["adaptation"] = dataclasses.asdict(neurons.adaptation)
    if neurons.recurrent is not None:
        described["recurrent"] = describe(f"{path}.recurrent", neurons.recurrent)
    return described


def _build_neurons(path: str, given: dict[str, Any], tensors: dict[str, Tensor]) -> CubaLif:
    surrogate = dict(given.pop("surrogate"))
    kind = SURROGATES[surrogate.pop("kind")]
    if "bias" in given:
        given["bias"] = np.zeros(given["bias"])
    if "adaptation" in given:
        given["adaptation"] = Adaptation(**given["adaptation"])
    if "recurrent" in given:
        given["recurrent"] = build(f"{path}.recurrent", given["recurrent"], tensors)
    return CubaLif(
        reset=ResetMode[given.pop("reset")],
        surrogate=kind(**surrogate),
        **given,
    )


def grid_of(settings: dict[str, Any]) -> WeightGrid | None:
    """Take the grid out of the description of neurons; None if there is none."""
    grid = settings.pop("grid", None)
    return None if grid is None else WeightGrid(**grid)
