"""The best model of a run: as the converter reads it where it can be, else its tensors."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hw_models import InputError, NetworkFileError
from hw_models.atomic_file import write_whole
from hw_models.spike_code import SpikeCode
from ssdp_neuro.training.networks.checkpoint import PLAIN, UNDER_GRID, load_model, save_model
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.networks.tensor_file import read_tensors, tensor_file


def write_model(model: nn.Module, path: Path, code: SpikeCode | None = None) -> bool:
    """Write a model by :func:`ssdp_neuro.training.save_model`, or its tensors by name.

    Returns
    -------
    bool
        Whether the converter can read it.

    Raises
    ------
    NetworkFileError
        If the file cannot be written.
    """
    if isinstance(model, SpikingNetwork):
        # what has no form there is stored below; a full disk makes that fail too
        with contextlib.suppress(NetworkFileError):
            save_model(model, path, code=code)
            return True
    tensors = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
        if isinstance(value, torch.Tensor)
    }
    write_whole(path, tensor_file(tensors, {"format": PLAIN}))
    return False


def read_model(model: nn.Module, path: Path) -> None:
    """Give a model the tensors of one of the same layers.

    Raises
    ------
    MissingFileError, NetworkFileError, InputError
        If there is no file, it cannot be read, or is of another network.

    Mutates
    -------
    model
    """
    metadata, tensors = read_tensors(path)
    if metadata.get("format") != PLAIN:
        tensors = load_model(path).state_dict()
    own: dict[str, Any] = dict(model.state_dict())
    found = {_bare(name): value for name, value in tensors.items()}
    more = sorted(found.keys() - {_bare(name) for name in own})
    if more:
        raise InputError(f"{path}: is of another network: it has {more[0]}, this one has not")
    for name in own:
        if isinstance(own[name], torch.Tensor):
            stored = found.get(_bare(name))
            if stored is None or stored.shape != own[name].shape:
                has = "is not there" if stored is None else f"has shape {tuple(stored.shape)}"
                raise InputError(f"{path}: {name} {has}; {tuple(own[name].shape)} is needed")
            own[name] = stored
    model.load_state_dict(own)


def _bare(name: str) -> str:
    """Without what a grid adds to the name of a weight."""
    return name.replace(UNDER_GRID, "weight")
