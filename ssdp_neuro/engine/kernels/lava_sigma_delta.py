"""What Lava's Sigma, Delta and SigmaDelta compute in a step, bit for bit, on flat arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ssdp_neuro.compilation.compiler import lean_kernel

LIF, SIGMA, DELTA, SIGMA_DELTA, RECTIFIED = range(
    5
)  # kinds of neurons; the last is SIGMA_DELTA too


@lean_kernel
def fixed_sigma_delta(
    sigma: Any, act: Any, residue: Any, error: Any, activation: Any, bias: Any, vth: Any,
    kind: int, is_cumulative: bool, shift_in: int, shift_out: int, spikes: Any,
) -> None:  # fmt: skip
    """One step of integers ``(n,)`` that wrap as int32 does; shifts are 0 to 31."""
    for k in range(spikes.size):
        if kind == DELTA:
            new = np.int64(np.int32(np.int64(activation[k]) << shift_in))
        else:
            new = np.int64(np.int32(np.int64(activation[k]) + np.int64(sigma[k])))
            sigma[k] = new
        if kind == SIGMA:
            spikes[k] = new
            continue
        if kind != DELTA:
            new = np.int64(np.int32(new + np.int64(bias[k])))
            if kind == RECTIFIED:
                new = max(new, np.int64(0))
        delta = np.int64(np.int32(new - np.int64(act[k]) + np.int64(residue[k])))
        judged = delta
        if is_cumulative:
            judged = np.int64(np.int32(np.int64(error[k]) + delta))
            error[k] = judged
        # the lowest number of int32 has no absolute value there
        sent = delta if np.int64(np.int32(abs(judged))) >= np.int64(vth[k]) else np.int64(0)
        if is_cumulative and np.int64(np.int32(abs(sent))) > 0:
            error[k] = 0
        residue[k] = np.int32(delta - sent)
        act[k] = new
        spikes[k] = sent >> shift_out


@lean_kernel
def float_sigma_delta(
    sigma: Any, act: Any, residue: Any, error: Any, activation: Any, bias: Any, vth: Any,
    kind: int, is_cumulative: bool, spikes: Any,
) -> None:  # fmt: skip
    """The same in float64; what is not a number stays so."""
    for k in range(spikes.size):
        new = activation[k]
        if kind != DELTA:
            new += sigma[k]
            sigma[k] = new
        if kind == SIGMA:
            spikes[k] = new
            continue
        if kind != DELTA:
            new += bias[k]
            if kind == RECTIFIED and new < 0.0:
                new = 0.0
        delta = new - act[k] + residue[k]
        judged = delta
        if is_cumulative:
            judged = error[k] + delta
            error[k] = judged
        sent = delta if abs(judged) >= vth[k] else 0.0
        if is_cumulative and abs(sent) > 0.0:
            error[k] = judged * 0.0
        residue[k] = delta - sent
        act[k] = new
        spikes[k] = sent
