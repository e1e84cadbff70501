"""PyTorch's global settings, which a caller may have changed, as training needs them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn


@contextlib.contextmanager
def usual_torch(dtype: torch.dtype = torch.float32, device: str = "cpu") -> Iterator[None]:
    """Let new tensors be of one type and place and have gradients, whatever was set before.

    So the same seed gives the same weights, and nothing meets a tensor of another type.

    Parameters
    ----------
    dtype
        Of new floating-point tensors.
    device
        Where the work is done; a default device of another kind is out of force meanwhile.
    """
    type_before, place_before = torch.get_default_dtype(), torch.get_default_device()
    moves = place_before.type != torch.device(device).type
    torch.set_default_dtype(dtype)
    if moves:
        torch.set_default_device(None)
    try:
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(torch.device(device).type, enabled=False),
        ):
            yield
    finally:
        torch.set_default_dtype(type_before)
        if moves:
            torch.set_default_device(place_before)


def real_type(model: nn.Module) -> torch.dtype:
    """Type of a model's first floating-point parameter; float32 if it has none."""
    types = (p.dtype for p in model.parameters() if p.is_floating_point())
    return next(types, torch.float32)
