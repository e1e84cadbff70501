"""The fused layer of neurons: one pass over all steps forward, one back.

On a GPU lif_scan_gpu.py does it, where Triton is installed. On a CPU nothing is kept for the way
back but what the layer was given: the steps are computed once more. A recurrent layer multiplies
by its own weights step by step, keeps its membrane potentials, and makes the gradient of its
weights in one product at the end.
"""

from __future__ import annotations

import dataclasses
import importlib.util
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

from hw_models import ResetMode, ShapeError, TypeMismatchError
from hw_models.arithmetic import ALIGN_SHIFT, STATE_LIMIT
from ssdp_neuro.training.layers import surrogate

CODES = {kind: code for code, kind in enumerate(surrogate.KINDS)}  # as rows_back.py has them
SMALL = 2**16  # values; less is not worth a second thread
HAS_TRITON = importlib.util.find_spec("triton") is not None


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
    return takes(given) and type(chosen) in CODES and not torch.compiler.is_compiling()


def takes(given: Tensor) -> bool:
    """Whether :func:`scan` takes values of this dtype as they are, on their device."""
    return given.dtype in _taken(given.device.type)


def real_of(given: Tensor) -> torch.dtype:
    """In which :func:`scan` computes potentials and gradients in real numbers."""
    return torch.float64 if given.dtype == torch.float64 else torch.float32


def _taken(device: str) -> tuple[torch.dtype, ...]:
    if device == "cuda" and HAS_TRITON:
        return (torch.float32, torch.float64, torch.bfloat16, torch.float16)
    return (torch.float32, torch.float64) if device == "cpu" else ()


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
        What is sent to the neurons in each step; on a GPU also bfloat16 and float16.
    current_kept, voltage_kept, bias : shape (N,)
        In the dtype of :func:`real_of`, or in float64 if the settings say integers.
    recurrent : shape (N, N) or None
        Weights from the layer's own spikes, felt one step later.
    settings
        Of the layer.

    Returns
    -------
    0 and 1, shape and dtype of ``given``

    Raises
    ------
    ShapeError, TypeMismatchError
        If tensors do not fit each other: kernels do not look where an array ends.
    """
    _check(given, (current_kept, voltage_kept, bias), settings)
    current_kept, voltage_kept = current_kept.contiguous(), voltage_kept.contiguous()
    tensors = (given, current_kept, voltage_kept, bias.contiguous(), recurrent)
    if given.device.type == "cuda":
        from ssdp_neuro.training.layers.lif_scan_gpu import GpuScan

        return GpuScan.apply(*tensors, settings)
    if torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in tensors):
        return _Scan.apply(*tensors, settings)
    return _forward(*tensors, settings)


def _check(given: Tensor, shared: tuple[Tensor, ...], settings: ScanSettings) -> None:
    if given.ndim != 3 or any(each.shape != given.shape[2:] for each in shared):
        raise ShapeError(
            f"lif_scan: given {tuple(given.shape)}, decays and bias"
            f" {[tuple(each.shape) for each in shared]}; (B, T, N) and (N,) are needed"
        )
    dtype = torch.float64 if settings.integers else real_of(given)
    if any(each.dtype != dtype for each in shared):
        raise TypeMismatchError(
            f"lif_scan: decays and bias in {[each.dtype for each in shared]}; {dtype} is needed"
        )


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
        shared = (current_kept, voltage_kept, bias)
        if recurrent is None:
            fired = _forward(given, *shared, None, settings)
            ctx.save_for_backward(given, *shared)
            return fired
        kept = tuple(torch.empty_like(given) for _ in range(1 + ctx.learned))
        fired = _forward(given, *shared, recurrent, settings, kept)
        ctx.save_for_backward(given, *shared, recurrent, fired, *kept)
        return fired

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        given, *shared = saved[:4]
        call = _Backward(given, tuple(shared), ctx.settings, ctx.learned)
        by_recurrent = None
        if len(saved) == 4:
            by_given = call.whole(gradient.contiguous())
        else:
            by_given, by_recurrent = call.step_by_step(gradient, *saved[4:])
        by_shared = call.by_shared() if ctx.learned else (None, None, None)
        return by_given, *by_shared, by_recurrent, None


def _forward(
    given: Tensor,
    current_kept: Tensor,
    voltage_kept: Tensor,
    bias: Tensor,
    recurrent: Tensor | None,
    settings: ScanSettings,
    kept: tuple[Tensor, ...] = (),
) -> Tensor:
    """Spikes; ``kept`` takes the membrane potentials and currents of a recurrent layer."""
    from ssdp_neuro.training.layers.kernels import scan as kernels

    n_samples, n_steps, n_neurons = given.shape
    fired = torch.empty(given.shape, dtype=given.dtype)
    state = np.zeros((2, n_samples, n_neurons), dtype=_array(current_kept).dtype)
    resting = np.zeros((n_samples, n_neurons), dtype=np.int32)
    shared = [_array(tensor) for tensor in (current_kept, voltage_kept, bias)]
    threshold = np.full(1, settings.threshold, state.dtype)
    mode = _mode(settings, current_kept)
    voltage = _array(kept[0] if kept else torch.empty(0, 0, 0, dtype=given.dtype))

    def steps(sent: Tensor, late: int, begin: int, end: int) -> None:
        arguments = (
            _array(sent), late, *shared, threshold, mode, *state, resting, _array(fired), voltage,
            bool(kept),
        )  # fmt: skip
        _split(kernels.scan, arguments, n_samples, n_neurons, begin, end)

    if recurrent is None:
        steps(given.contiguous(), settings.latency, 0, n_steps)
        return fired
    felt = torch.zeros(n_samples, 1, n_neurons, dtype=given.dtype)
    for t in range(n_steps):
        if t >= settings.latency:
            felt[:, 0] = given[:, t - settings.latency]
        if t > 0:
            felt[:, 0] += functional.linear(fired[:, t - 1].contiguous(), recurrent)
        steps(felt, t, t, t + 1)
        if len(kept) > 1:
            kept[1][:, t] = torch.from_numpy(state[0])
    return fired


class _Backward:
    """What both ways of going back share."""

    def __init__(
        self,
        given: Tensor,
        shared: tuple[Tensor, ...],
        settings: ScanSettings,
        learned: bool,
    ) -> None:
        self.given, self.shared, self.settings = given, shared, settings
        dtype = _array(given).dtype
        chosen = settings.surrogate
        gain, edge = 1.0, math.inf
        if settings.integers:
            gain, edge = 2.0**ALIGN_SHIFT, STATE_LIMIT - 1
        self.mode = _mode(settings, shared[0])
        self.constants = (
            *(_array(tensor.to(given)) for tensor in shared[:2]),
            *(np.full(1, value, dtype) for value in (settings.threshold, edge, gain)),
            settings.detach_reset,
            (CODES[type(chosen)], np.array(dataclasses.astuple(chosen), dtype)),
            learned,
        )
        self.sums = np.zeros((3, *(len(given), given.shape[2] if learned else 0)), dtype)
        self.by_given = torch.empty_like(given, memory_format=torch.contiguous_format)
        self.by_given[:, given.shape[1] - settings.latency :] = 0

    def whole(self, gradient: Tensor) -> Tensor:
        """Gradient by what was given, of a layer that does not hear itself."""
        from ssdp_neuro.training.layers.kernels import scan as kernels

        n_samples, n_steps, n_neurons = gradient.shape
        shared = [_array(tensor) for tensor in self.shared]
        threshold = np.full(1, self.settings.threshold, shared[0].dtype)
        arguments = (
            _array(self.given.contiguous()), self.settings.latency, *shared, threshold, self.mode,
            _array(gradient), *self.constants, _array(self.by_given), self.sums,
        )  # fmt: skip
        _split(kernels.scan_back, arguments, n_samples, n_neurons, 0, n_steps)
        return self.by_given

    def step_by_step(
        self,
        gradient: Tensor,
        recurrent: Tensor,
        fired: Tensor,
        voltage: Tensor,
        current: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Gradients by what was given and by the weights of a recurrent layer."""
        from ssdp_neuro.training.layers.kernels import scan as kernels

        n_samples, n_steps, n_neurons = gradient.shape
        state = np.zeros((2, n_samples, n_neurons), _array(fired).dtype)
        late, by_given = self.settings.latency, self.by_given
        wanted = gradient.clone(memory_format=torch.contiguous_format)
        kept = [_array(fired), _array(voltage), _array(voltage if current is None else current)]
        arguments = (
            *kept, self.mode, _array(wanted), *self.constants, *state, _array(by_given), late,
            self.sums,
        )  # fmt: skip
        for t in range(n_steps - 1, -1, -1):
            if t + 1 < n_steps:  # what its spikes sent was felt one step later
                wanted[:, t] += by_given[:, t + 1 - late] @ recurrent
            _split(kernels.steps_back, arguments, n_samples, n_neurons, t, t + 1)
        felt, sent = (by_given, fired) if late else (by_given[:, 1:], fired[:, :-1])
        return by_given, felt.flatten(0, 1).T @ sent.flatten(0, 1)

    def by_shared(self) -> tuple[Tensor, ...]:
        """Gradients by both decays and the bias."""
        return tuple(torch.from_numpy(each.sum(0)).to(self.shared[0]) for each in self.sums)


def _mode(settings: ScanSettings, current_kept: Tensor) -> tuple[bool, int, bool, bool]:
    memoryless = not current_kept.requires_grad and not bool(current_kept.any())
    subtract = settings.reset is ResetMode.SUBTRACT
    return subtract, settings.refractory, memoryless, settings.integers


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _split(
    compiled: Callable[..., Any],
    arguments: tuple[Any, ...],
    n_samples: int,
    n_neurons: int,
    begin: int,
    end: int,
) -> None:
    """Call a kernel on shares of the samples, on as many threads as PyTorch has."""
    values = n_samples * n_neurons * (end - begin)
    n_threads = max(min(torch.get_num_threads(), n_samples, 1 + values // SMALL), 1)
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
