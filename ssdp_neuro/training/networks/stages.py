"""What a model of alternating synapses and neurons consists of, from input to output."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
from torch import nn
from torch.nn.utils import parametrize

from hw_models import ConversionError
from ssdp_neuro.training.layers.neurons import CubaLif

SYNAPSES = (nn.Linear, nn.Conv2d)
SHAPERS = (nn.Flatten, nn.Dropout, nn.Identity)


class Stage(NamedTuple):
    """One projection and the neurons it ends at, each with its path in the model.

    ``modules`` holds both and what stands before them since the last neurons, by path.
    """

    synapses_path: str
    synapses: nn.Module
    neurons_path: str
    neurons: CubaLif
    modules: OrderedDict[str, nn.Module]


def stages(model: nn.Sequential) -> list[Stage]:
    """Each projection of a model with the neurons it ends at, from input to output.

    Raises
    ------
    ConversionError
        If the modules do not alternate so, or one is not supported; names its path.
    """
    found: list[Stage] = []
    waiting: tuple[str, nn.Module] | None = None
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for path, module in model.named_children():
        modules[path] = module
        if isinstance(module, SHAPERS):
            continue
        if isinstance(module, CubaLif):
            if waiting is None:
                raise ConversionError(f"{path}: CubaLif without Linear or Conv2d before it")
            found.append(Stage(*waiting, path, module, modules))
            waiting, modules = None, OrderedDict()
        elif isinstance(module, SYNAPSES):
            if waiting is not None:
                raise ConversionError(f"{path}: no CubaLif between it and {waiting[0]}")
            waiting = (path, module)
        else:
            names = ", ".join(kind.__name__ for kind in (*SYNAPSES, CubaLif, *SHAPERS))
            raise ConversionError(f"{path}: {type(module).__name__}; supported are {names}")
    if waiting is not None:
        raise ConversionError(f"{waiting[0]}: no CubaLif after it")
    if not found:
        raise ConversionError("the model has no CubaLif")
    return found


def weight_of(synapses: nn.Module) -> np.ndarray:
    """Real weights of a Linear or Conv2d, float64; those under the grid of a quantized one."""
    weight: Any = (
        synapses.parametrizations.weight.original  # type: ignore[union-attr]
        if parametrize.is_parametrized(synapses)
        else synapses.weight
    )
    return weight.detach().cpu().double().numpy()


def weights_into(stage: Stage) -> np.ndarray:
    """All real weights that end at a stage's neurons, its own ones included, ``(n_post, -1)``."""
    parts = [stage.synapses]
    if stage.neurons.recurrent is not None:
        parts.append(stage.neurons.recurrent)
    rows = [weight_of(part) for part in parts]
    return np.concatenate([part.reshape(len(part), -1) for part in rows], axis=1)
