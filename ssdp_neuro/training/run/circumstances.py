"""Under what a run was made, and whether it can go on under what there is now."""

from __future__ import annotations

import hashlib
import warnings
from importlib import metadata
from typing import Any

import numpy as np
import torch

from hw_models import InputError
from ssdp_neuro.data import DataSplit
from ssdp_neuro.training.run.config import RunConfig, refuse_other_config
from ssdp_neuro.training.run.device import Place

FINGERPRINT_SAMPLES = 8
PACKAGES = ("torch", "numpy", "numba", "ssdp-neuro")


class OtherCircumstancesWarning(UserWarning):
    """A resumed run is not where it began: its numbers may differ in their last bits."""


def circumstances(data: DataSplit, place: Place) -> dict[str, Any]:
    """What a checkpoint says of its run beside the settings."""
    return {
        "circumstances": {
            **{name: metadata.version(name) for name in PACKAGES},
            "device": place.device.type,
            "processor": _processor(place),
            "threads": torch.get_num_threads(),
        },
        "ranks": place.n_ranks,
        "data": fingerprint(data),
    }


def _processor(place: Place) -> str:
    """What the order of floating-point operations depends on."""
    if place.device.type == "cuda":
        return torch.cuda.get_device_name(place.device)
    return torch.backends.cpu.get_cpu_capability()


def fingerprint(data: DataSplit) -> str:
    """A hash of all labels, and of the spikes of a few training samples."""
    digest = hashlib.sha256()
    for part in (data.train, data.validation, data.test):
        digest.update(repr((part.n_steps, tuple(part.input_shape), part.n_classes)).encode())
        digest.update(np.ascontiguousarray(part.labels, dtype="<i8").tobytes())
    some = np.linspace(0, len(data.train) - 1, FINGERPRINT_SAMPLES).astype(np.int64)
    digest.update(np.packbits(data.train.spikes(some)).tobytes())
    return digest.hexdigest()


def refuse_other_run(
    stored: dict[str, Any], config: RunConfig, extra: dict[str, Any], where: str
) -> None:
    """Refuse to go on with a checkpoint of other settings, ranks or data; warn of the rest.

    Raises
    ------
    InputError
        Says what differs.
    """
    refuse_other_config(stored["config"], config, where)
    begun = stored["progress"]["epoch"] + (stored["progress"]["batch"] > 0)
    if begun > config.training.epochs:
        raise InputError(
            f"{where}: [training] epochs is {config.training.epochs}, and {begun} have begun"
            " already; as many are needed, or more"
        )
    if stored["ranks"] != extra["ranks"]:
        raise InputError(
            f"{where}: was trained by {stored['ranks']} processes and now there are"
            f" {extra['ranks']}; a resumed run needs as many"
        )
    if stored["data"] != extra["data"]:
        raise InputError(f"{where}: the data are not those that it was trained on before")
    before, now = stored["circumstances"], extra["circumstances"]
    for name, value in now.items():
        if before.get(name) != value:
            warnings.warn(
                f"{where}: {name} was {before.get(name)} and is now {value}; the numbers may"
                " differ in their last bits",
                OtherCircumstancesWarning,
                stacklevel=3,
            )
