"""The fused layer of neurons on a GPU: what lif_scan.py does on a CPU, by Triton's kernels.

Going forward the membrane potentials are kept in float32, which holds a chip's exactly; going
back nothing is computed once more. A recurrent layer multiplies by its own weights between
steps, and makes the gradient of its weights in one product at the end.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from hw_models import ResetMode
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY, STATE_LIMIT
from ssdp_neuro.training.layers.lif_scan import CODES, ScanSettings, real_of

MOST_SETTINGS = 4  # of a surrogate


class GpuScan(torch.autograd.Function):
    """Spikes of all steps ``(B, T, N)``, with a gradient by every tensor; see ``lif_scan.scan``."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        given: Tensor,
        current_kept: Tensor,
        voltage_kept: Tensor,
        bias: Tensor,
        recurrent: Tensor | None,
        settings: ScanSettings,
    ) -> Tensor:
        learned = any(ctx.needs_input_grad[1:4])
        keeps = any(ctx.needs_input_grad)
        shared = (current_kept, voltage_kept, bias)
        fired, voltage, current = _forward(given, shared, recurrent, settings, keeps, learned)
        ctx.settings, ctx.learned, ctx.shape = settings, learned, given.shape
        ctx.save_for_backward(*shared, recurrent, fired, voltage, current)
        return fired

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        *shared, recurrent, fired, voltage, current = ctx.saved_tensors
        back = _Back(ctx.settings, ctx.learned, shared, fired, voltage, current)
        by_given, by_recurrent = back.steps(gradient, recurrent)
        by_shared: tuple[Tensor | None, ...] = (None, None, None)
        if ctx.learned:
            by_shared = tuple(each.sum(0).to(shared[0]) for each in back.sums)
        return by_given, *by_shared, by_recurrent, None


def _kernels() -> Any:
    from ssdp_neuro.training.layers import lif_triton

    return lif_triton


@functools.lru_cache(maxsize=64)  # made once: what comes from the host is waited for
def _numbers(settings: ScanSettings, dtype: torch.dtype, device: torch.device) -> Tensor:
    gain, edge = 1.0, math.inf
    if settings.integers:
        gain, edge = 2.0**ALIGN_SHIFT, STATE_LIMIT - 1
    chosen = [*dataclasses.astuple(settings.surrogate), *[0.0] * MOST_SETTINGS][:MOST_SETTINGS]
    values = [settings.threshold, edge, gain, *chosen, (2 * math.pi) ** -0.5, math.pi / 2]
    return torch.tensor(values, dtype=dtype, device=device)


def _forward(
    given: Tensor,
    shared: tuple[Tensor, ...],
    recurrent: Tensor | None,
    settings: ScanSettings,
    keeps: bool,
    learned: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    kernels = _kernels()
    n_samples, n_steps, n_neurons = given.shape
    real = real_of(given)
    state = torch.int64 if settings.integers else real
    u = torch.zeros(n_samples, n_neurons, dtype=state, device=given.device)
    v, rest = torch.zeros_like(u), torch.zeros_like(u, dtype=torch.int32)
    fired = torch.empty_like(given, memory_format=torch.contiguous_format)
    voltage = torch.empty(given.shape if keeps else (1,), dtype=real, device=given.device)
    current = torch.empty(given.shape if learned else (1,), dtype=real, device=given.device)
    if settings.integers:
        units = (DECAY_UNITY, DECAY_UNITY, 1)
        kept = [(x * unit).round().long() for x, unit in zip(shared, units, strict=True)]
    else:
        kept = [x.to(real).contiguous() for x in shared]
    numbers = _numbers(settings, real, given.device)
    blocks = -(-n_neurons // kernels.BLOCK) * n_samples

    def steps(sent: Tensor, late: int, begin: int, end: int) -> None:
        kernels.run_steps[(blocks,)](
            sent, *kept, numbers, u, v, rest, fired, voltage, current,
            sent.shape[1], n_steps, n_neurons, late, begin, end,
            subtract=settings.reset is ResetMode.SUBTRACT, refractory=settings.refractory,
            integers=settings.integers, keeps_voltage=keeps, keeps_current=learned,
            block=kernels.BLOCK,
            enable_fp_fusion=False,  # the loop over the steps rounds every product
        )  # fmt: skip

    if recurrent is None:
        steps(given.contiguous(), settings.latency, 0, n_steps)
        return fired, voltage, current
    felt = torch.zeros(n_samples, 1, n_neurons, dtype=given.dtype, device=given.device)
    for t in range(n_steps):
        if t >= settings.latency:
            felt[:, 0] = given[:, t - settings.latency]
        if t > 0:
            felt[:, 0] += functional.linear(fired[:, t - 1], recurrent)
        steps(felt, t, t, t + 1)
    return fired, voltage, current


class _Back:
    def __init__(
        self,
        settings: ScanSettings,
        learned: bool,
        shared: list[Tensor],
        fired: Tensor,
        voltage: Tensor,
        current: Tensor,
    ) -> None:
        self.settings, self.learned = settings, learned
        self.fired, self.voltage, self.current = fired, voltage, current
        n_samples, _, n_neurons = fired.shape
        self.kept = [x.to(voltage.dtype).contiguous() for x in shared[:2]]
        self.numbers = _numbers(settings, voltage.dtype, voltage.device)
        rooms = (3, n_samples, n_neurons) if learned else (1,)
        self.sums = torch.zeros(rooms, dtype=voltage.dtype, device=fired.device)
        self.by_given = torch.zeros_like(fired)

    def steps(self, gradient: Tensor, recurrent: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Gradients by what was given and by the weights of a recurrent layer."""
        n_samples, n_steps, n_neurons = self.fired.shape
        state = torch.zeros(
            2, n_samples, n_neurons, dtype=self.voltage.dtype, device=gradient.device
        )
        late, by_given, fired = self.settings.latency, self.by_given, self.fired
        if recurrent is None:
            self._run(gradient.contiguous(), state, 0, n_steps)
            return by_given, None
        wanted = gradient.clone(memory_format=torch.contiguous_format)
        felt = torch.zeros_like(fired)  # by what arrived in each step, from outside and inside
        self.by_given = felt
        for t in range(n_steps - 1, -1, -1):
            if t + 1 < n_steps:  # what its spikes sent was felt one step later
                wanted[:, t] += felt[:, t + 1] @ recurrent
            self._run(wanted, state, t, t + 1, late=0)
        by_given[:, : n_steps - late] = felt[:, late:]
        by_recurrent = felt[:, 1:].flatten(0, 1).T @ fired[:, :-1].flatten(0, 1)
        return by_given, by_recurrent

    def _run(
        self, gradient: Tensor, state: Tensor, begin: int, end: int, late: int | None = None
    ) -> None:
        kernels, settings = _kernels(), self.settings
        n_samples, n_steps, n_neurons = self.fired.shape
        kernels.run_back[(-(-n_neurons // kernels.BLOCK) * n_samples,)](
            gradient, self.fired, self.voltage, self.current, *self.kept, self.numbers,
            state[0], state[1], self.by_given, self.sums, n_steps, n_steps, n_neurons, n_samples,
            settings.latency if late is None else late, begin, end,
            subtract=settings.reset is ResetMode.SUBTRACT, refractory=settings.refractory,
            detached=settings.detach_reset, learned=self.learned,
            kind=CODES[type(settings.surrogate)], block=kernels.BLOCK,
            enable_fp_fusion=False,
        )  # fmt: skip
