"""The fused layer of neurons: one pass over all steps forward, one back, on the CPU.

What is kept for the way back is the membrane potential alone (and the current if decays are
learned); everything else is computed anew. A recurrent layer multiplies by its own weights
step by step, and makes their gradient in one product at the end.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from hw_models import ResetMode
from hw_models.arithmetic import ALIGN_SHIFT, STATE_LIMIT
from ssdp_neuro.training import surrogate

CODES = {kind: code for code, kind in enumerate(surrogate.KINDS)}  # as lif_kernels has them
SMALL = 2**16  # values; less is not worth a second thread


@dataclass(frozen=True, kw_only=True)
class ScanSettings:
    """What a layer computes, besides its tensors.

    Parameters
    ----------
    threshold
        In the unit of the state: shifted by six bits if ``integers``.
    integers
        Whether the state is the chip's.
    """

    threshold: float
    latency: int
    reset: ResetMode
    refractory: int
    detach_reset: bool
    surrogate: surrogate.Surrogate
    integers: bool


def can_scan(given: Tensor, chosen: surrogate.Surrogate) -> bool:
    """Whether :func:`scan` does this; otherwise the loop over the steps has to."""
    return (
        given.device.type == "cpu"
        and given.dtype in (torch.float32, torch.float64)
        and type(chosen) in CODES
        and not torch.compiler.is_compiling()
    )


def scan(
    given: Tensor,
    current_kept: Tensor,
    voltage_kept: Tensor,
    bias: Tensor,
    recurrent: Tensor | None,
    settings: ScanSettings,
) -> Tensor:
    """Spikes of all steps, with a gradient by every tensor.

    Parameters
    ----------
    given : float32 or float64, shape (B, T, N)
        What is sent to the neurons in each step.
    current_kept, voltage_kept, bias : shape (N,)
        In the dtype of ``given``, or in float64 if the settings say integers.
    recurrent : shape (N, N) or None
        Weights from the layer's own spikes, felt one step later.
    settings
        Of the layer.

    Returns
    -------
    0 and 1, shape and dtype of ``given``
    """
    tensors = (given, current_kept, voltage_kept, bias, recurrent)
    if torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in tensors):
        return _Scan.apply(*tensors, settings)
    return _forward(*tensors, settings, (False, False))[0]


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        given: Tensor,
        current_kept: Tensor,
        voltage_kept: Tensor,
        bias: Tensor,
        recurrent: Tensor | None,
        settings: ScanSettings,
    ) -> Tensor:
        ctx.settings = settings
        ctx.learned = any(ctx.needs_input_grad[1:4])
        tensors = (given, current_kept, voltage_kept, bias, recurrent)
        fired, voltage, current = _forward(*tensors, settings, (True, ctx.learned))
        ctx.save_for_backward(fired, voltage, current, current_kept, voltage_kept, recurrent)
        return fired

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return (*_backward(ctx.saved_tensors, gradient, ctx.settings, ctx.learned), None)


def _forward(
    given: Tensor,
    current_kept: Tensor,
    voltage_kept: Tensor,
    bias: Tensor,
    recurrent: Tensor | None,
    settings: ScanSettings,
    keeps: tuple[bool, bool],
) -> tuple[Tensor, Tensor, Tensor]:
    from ssdp_neuro.training import lif_kernels

    compiled = lif_kernels.scan_integer if settings.integers else lif_kernels.scan_real
    n_samples, n_steps, n_neurons = given.shape
    fired = torch.empty(given.shape, dtype=given.dtype)
    voltage, current = (
        torch.empty(given.shape if keep else (0, 0, 0), dtype=given.dtype) for keep in keeps
    )
    state = np.zeros((2, n_samples, n_neurons), dtype=_array(current_kept).dtype)
    resting = np.zeros((n_samples, n_neurons), dtype=np.int32)

    def steps(sent: Tensor, late: int, begin: int, end: int) -> None:
        arguments = (
            _array(sent), late, _array(current_kept), _array(voltage_kept), _array(bias),
            np.full(1, settings.threshold, state.dtype), settings.reset is ResetMode.SUBTRACT,
            settings.refractory, *state, resting, _array(fired), _array(voltage),
            _array(current), keeps,
        )  # fmt: skip
        _split(compiled, arguments, n_samples, (end - begin) * n_neurons, begin, end)

    if recurrent is None:
        steps(given.contiguous(), settings.latency, 0, n_steps)
        return fired, voltage, current
    felt = torch.zeros(n_samples, 1, n_neurons, dtype=given.dtype)
    for t in range(n_steps):
        if t >= settings.latency:
            felt[:, 0] = given[:, t - settings.latency]
        if t > 0:
            felt[:, 0] += functional.linear(fired[:, t - 1].contiguous(), recurrent)
        steps(felt, t, t, t + 1)
    return fired, voltage, current


def _backward(
    saved: tuple[Tensor, ...], gradient: Tensor, settings: ScanSettings, learned: bool
) -> tuple[Tensor | None, ...]:
    from ssdp_neuro.training import lif_kernels

    fired, voltage, current, current_kept, voltage_kept, recurrent = saved
    n_samples, n_steps, n_neurons = fired.shape
    dtype = _array(fired).dtype
    chosen = settings.surrogate
    gain, edge = (2.0**ALIGN_SHIFT, STATE_LIMIT - 1) if settings.integers else (1.0, math.inf)
    state = np.zeros((2, n_samples, n_neurons), dtype)
    sums = np.zeros((3, n_samples, n_neurons) if learned else (3, 0, 0), dtype)
    gradient = gradient.contiguous()
    late = settings.latency
    by_given = torch.empty_like(fired)  # at t that by what is felt in step t + late
    by_given[:, n_steps - late :] = 0

    def steps(wanted: Tensor, begin: int, end: int) -> None:
        arguments = (
            _array(wanted), _array(fired), _array(voltage), _array(current),
            _array(current_kept.to(fired)), _array(voltage_kept.to(fired)),
            *(np.full(1, value, dtype) for value in (settings.threshold, gain, edge)),
            settings.reset is ResetMode.SUBTRACT, settings.detach_reset, settings.refractory,
            CODES[type(chosen)], np.array(dataclasses.astuple(chosen), dtype), learned,
            *state, _array(by_given), late, *sums,
        )  # fmt: skip
        compiled = lif_kernels.scan_back
        _split(compiled, arguments, n_samples, (end - begin) * n_neurons, begin, end)

    by_recurrent = None
    if recurrent is None:
        steps(gradient, 0, n_steps)
    else:
        wanted = gradient.clone()
        for t in range(n_steps - 1, -1, -1):
            if t + 1 < n_steps:
                wanted[:, t] += by_given[:, t + 1 - late] @ recurrent
            steps(wanted, t, t + 1)
        felt, sent = (by_given, fired) if late else (by_given[:, 1:], fired[:, :-1])
        by_recurrent = felt.flatten(0, 1).T @ sent.flatten(0, 1)
    by_state = [torch.from_numpy(each.sum(0)).to(current_kept) for each in sums]
    return by_given, *(by_state if learned else [None] * 3), by_recurrent


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _split(
    compiled: Callable[..., Any],
    arguments: tuple[Any, ...],
    n_samples: int,
    values: int,
    begin: int,
    end: int,
) -> None:
    """Call a kernel on shares of the samples, on as many threads as PyTorch has."""
    n_threads = min(torch.get_num_threads(), n_samples, 1 + n_samples * values // SMALL)
    edges = [n_samples * share // n_threads for share in range(n_threads + 1)]
    if n_threads == 1:
        compiled(*arguments, 0, n_samples, begin, end)
        return
    with ThreadPoolExecutor(n_threads - 1) as pool:
        others = [
            pool.submit(compiled, *arguments, low, high, begin, end)
            for low, high in itertools.pairwise(edges[1:])
        ]
        compiled(*arguments, edges[0], edges[1], begin, end)
        for other in others:
            other.result()
