"""SSDP and DA-SSDP in real numbers: the change of a weight matrix from first spikes.

With flags ``f`` (fired) and latencies ``t`` (first spike's step, ``n_steps`` if silent),

    dW[j, i] = mean_b gate_b * exp(-(t_bj - t_bi)**2 / (2 sigma**2))
                             * (a_plus * lam - a_baseline * (1 - lam)),   lam = f_bj * f_bi

Latencies are integers, so everything but the gate depends on two small numbers, the codes
``2 t + f`` of the two neurons: it is one table ``H[code_post, code_pre]``. Two ways to sum
it over a batch, both exact, neither with a tensor of B x n_post x n_pre:

- short windows: ``H[c, d] = sum_k one_hot(c)[k] H[k, d]``, so the whole sum is one matrix
  product with ``2 B (n_steps + 1)`` inner terms;
- long windows: that product grows with the window, so the table is looked up sample by
  sample; no more memory than a few matrices, whatever B and ``n_steps`` are. On a GPU one
  kernel of Triton does that for all samples (:mod:`.synchrony_triton`).

Sums are made in float32, in float64 if the gate or a flag is float64, never in less: not
under autocast, not with bfloat16 spikes. (On CUDA the user's choice of TF32 holds here too.)

References
----------
DA-SSDP, arXiv 2512.07194; SSDP (the same with gate one), arXiv 2505.14841.
"""

from __future__ import annotations

import importlib.util
import math

import torch
from torch import Tensor

from hw_models import RangeError, ShapeError, TypeMismatchError
from hw_models.integers import integer

# Steps up to which the product is faster than looking up (benchmarks/bench_da_ssdp_torch.py):
# measured on a CPU. Elsewhere the arithmetic is cheaper against memory and calls; not measured.
PRODUCT_UP_TO = {"cpu": 20}
PRODUCT_UP_TO_ELSEWHERE = 64
PRODUCT_ELEMENTS = 2**24  # of both factors at a time
HAS_TRITON = importlib.util.find_spec("triton") is not None


@torch.no_grad()
def da_ssdp_update(
    pre_flag: Tensor,
    pre_latency: Tensor,
    post_flag: Tensor,
    post_latency: Tensor,
    *,
    gate: Tensor,
    a_plus: float,
    a_baseline: float,
    sigma: float,
    n_steps: int,
) -> Tensor:
    """Change of a weight matrix by DA-SSDP; see the module for the equation.

    Parameters
    ----------
    pre_flag : 0 and 1 of any dtype, shape (B, n_pre)
        Fired in the window. Taken as given, also where it contradicts the latency.
    pre_latency : integers, shape (B, n_pre)
        Step of the first spike, 0..n_steps; ``n_steps`` is silent.
    post_flag, post_latency : as for pre, shape (B, n_post)
    gate : real, shape (B,)
        Third factor of each sample.
    a_plus
        Change at equal latencies if both fired, in units of the weight.
    a_baseline
        Depression at equal latencies otherwise.
    sigma
        Width of the kernel, steps; > 0.
    n_steps
        Steps of the window.

    Returns
    -------
    float32 or float64, shape (n_post, n_pre), without gradient

    Raises
    ------
    ShapeError, RangeError, TypeMismatchError
        If something does not fit. Under ``torch.compile`` nothing is checked; on an
        accelerator a latency out of range is the device's own indexing error, or makes NaN.

    Examples
    --------
    >>> flag, latency = torch.tensor([[1, 0]]), torch.tensor([[2, 4]])
    >>> update = da_ssdp_update(flag, latency, flag[:, :1], latency[:, :1], gate=torch.ones(1),
    ...                         a_plus=1.0, a_baseline=0.5, sigma=1.0, n_steps=4)
    >>> [round(value, 4) for value in update.flatten().tolist()]
    [1.0, -0.0677]
    """
    if not torch.compiler.is_compiling():
        _check_sides(pre_flag, pre_latency, post_flag, post_latency, gate, n_steps)
        for name, value in (("a_plus", a_plus), ("a_baseline", a_baseline), ("sigma", sigma)):
            if not math.isfinite(value) or (name == "sigma" and value <= 0):
                raise RangeError(f"da_ssdp_update.{name}: {value}; it must be finite, sigma > 0")
    double = torch.float64 in (gate.dtype, pre_flag.dtype, post_flag.dtype)
    dtype = torch.float64 if double else torch.float32
    pre, post = _codes(pre_flag, pre_latency), _codes(post_flag, post_latency)
    amplitudes = torch.full((2,), -a_baseline, dtype=dtype, device=pre.device)
    amplitudes[0] = a_plus  # nothing comes from the host, which would be waited for
    kernel = _kernel(sigma, n_steps, dtype, pre.device)
    share = gate.to(dtype) / gate.shape[0]
    if n_steps <= PRODUCT_UP_TO.get(pre.device.type, PRODUCT_UP_TO_ELSEWHERE):
        return _by_product(_table(kernel, amplitudes, n_steps), post, pre, share)
    if pre.device.type == "cuda" and HAS_TRITON:
        return by_gpu_kernel(kernel, amplitudes, post, pre, share, n_steps)
    return _by_lookup(_table(kernel, amplitudes, n_steps), post, pre, share)


def ssdp_update(
    pre_flag: Tensor,
    pre_latency: Tensor,
    post_flag: Tensor,
    post_latency: Tensor,
    *,
    a_plus: float,
    a_baseline: float,
    sigma: float,
    n_steps: int,
) -> Tensor:
    """Change of a weight matrix by SSDP: :func:`da_ssdp_update` with gate one."""
    return da_ssdp_update(
        pre_flag,
        pre_latency,
        post_flag,
        post_latency,
        gate=torch.ones(pre_flag.shape[0], device=pre_flag.device),
        a_plus=a_plus,
        a_baseline=a_baseline,
        sigma=sigma,
        n_steps=n_steps,
    )


@torch.no_grad()
def synchrony(pre_flag: Tensor, post_flag: Tensor) -> Tensor:
    """Share of the pairs of which both ends fired, float64 ``(B,)``.

    It is the product of two means, exactly: no timing is in it.
    """
    return pre_flag.double().mean(1) * post_flag.double().mean(1)


def _codes(flag: Tensor, latency: Tensor) -> Tensor:
    """``2 t + f``, so that a latency out of range is never the code of another one."""
    return 2 * latency.long() + (flag != 0).long()


def _kernel(sigma: float, n_steps: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Of differences ``-n_steps..n_steps`` of latencies."""
    difference = torch.arange(-n_steps, n_steps + 1, dtype=torch.float64, device=device)
    return torch.exp(-0.5 * (difference / sigma) ** 2).to(dtype)


def _table(kernel: Tensor, amplitudes: Tensor, n_steps: int) -> Tensor:
    """Change of a pair by its codes; ``amplitudes`` if both fired, and if not."""
    # windows[s, u] = kernel[s - u]: windows of one vector, no exponential is taken twice
    windows = kernel.unfold(0, n_steps + 1, 1).flip(0)
    both_fired, otherwise = amplitudes
    amplitude = torch.stack([otherwise, otherwise, otherwise, both_fired]).view(2, 2)
    table = windows[:, None, :, None] * amplitude[None, :, None, :]
    return table.reshape(2 * (n_steps + 1), -1)


def _by_product(table: Tensor, post: Tensor, pre: Tensor, share: Tensor) -> Tensor:
    n_codes, (n_samples, n_post), n_pre = table.shape[0], post.shape, pre.shape[1]
    one_hot = torch.eye(n_codes, dtype=table.dtype, device=table.device)
    at_once = max(1, PRODUCT_ELEMENTS // (n_codes * max(1, n_post + n_pre)))
    update = table.new_zeros(n_post, n_pre)
    for start in range(0, n_samples, at_once):
        some = slice(start, start + at_once)
        left = one_hot.index_select(0, post[some].T.reshape(-1)).view(n_post, -1)
        right = table.index_select(0, pre[some].T.reshape(-1)).view(n_pre, -1, n_codes)
        right = right.mul_(share[some, None]).flatten(1)
        update.addmm_(left, right.T)  # autocast leaves products in place alone
    return update


def _by_lookup(table: Tensor, post: Tensor, pre: Tensor, share: Tensor) -> Tensor:
    update = table.new_zeros(post.shape[1], pre.shape[1])
    for post_codes, pre_codes, weight in zip(post, pre, share, strict=True):
        rows = table.index_select(0, post_codes)
        update.addcmul_(rows.index_select(1, pre_codes), weight)
    return update


def by_gpu_kernel(
    kernel: Tensor, amplitudes: Tensor, post: Tensor, pre: Tensor, share: Tensor, n_steps: int
) -> Tensor:
    """The sum by one kernel of Triton, arguments as of the others."""
    from ssdp_neuro.training.plasticity import synchrony_triton

    (n_samples, n_post), n_pre = post.shape, pre.shape[1]
    update = kernel.new_empty(n_post, n_pre)
    blocks = synchrony_triton.BLOCK_POST, synchrony_triton.BLOCK_PRE
    grid = tuple(-(-n // block) for n, block in zip((n_post, n_pre), blocks, strict=True))
    codes = post.int().contiguous(), pre.int().contiguous()
    synchrony_triton.sum_over_samples[grid](
        *codes, kernel, amplitudes, share, update, n_samples, n_post, n_pre, n_steps, *blocks
    )
    return update


def _check_sides(
    pre_flag: Tensor,
    pre_latency: Tensor,
    post_flag: Tensor,
    post_latency: Tensor,
    gate: Tensor,
    n_steps: int,
) -> None:
    where = "da_ssdp_update"
    integer(f"{where}.n_steps", n_steps, 1, 2**31 - 1)
    n_samples = gate.shape[0] if gate.ndim == 1 else 0
    if n_samples == 0:
        raise ShapeError(f"{where}.gate: shape {tuple(gate.shape)}; (B,) with B > 0 is needed")
    for side, flag, latency in (("pre", pre_flag, pre_latency), ("post", post_flag, post_latency)):
        if flag.ndim != 2 or flag.shape != latency.shape or flag.shape[0] != n_samples:
            raise ShapeError(
                f"{where}.{side}_flag, {side}_latency: shapes {tuple(flag.shape)} and"
                f" {tuple(latency.shape)}; ({n_samples}, n_{side}) is needed for both, by the gate"
            )
        if latency.is_floating_point() or latency.is_complex() or latency.dtype == torch.bool:
            raise TypeMismatchError(
                f"{where}.{side}_latency: dtype {latency.dtype}; integers are needed"
            )
        # elsewhere a look at the values would stall the device
        if latency.device.type == "cpu" and latency.numel():
            low, high = (int(value) for value in latency.aminmax())
            if low < 0 or high > n_steps:
                raise RangeError(
                    f"{where}.{side}_latency: {low if low < 0 else high};"
                    f" allowed 0..n_steps = {n_steps}"
                )
