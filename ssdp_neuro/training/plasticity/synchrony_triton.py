"""SSDP and DA-SSDP on a GPU: a tile of the weight matrix stays in registers over all samples."""

from __future__ import annotations

import triton
import triton.language as tl

BLOCK_POST, BLOCK_PRE = 32, 64


@triton.jit
def sum_over_samples(
    post, pre, kernel, amplitudes, share, update, n_samples, n_post, n_pre, n_steps,
    block_post: tl.constexpr, block_pre: tl.constexpr,
):  # fmt: skip
    """Write one tile of ``update``, ``(n_post, n_pre)``.

    ``post`` and ``pre`` are codes ``2 t + f``, int32 ``(B, n)``; ``kernel`` has the values of
    differences ``-n_steps..n_steps``, ``amplitudes`` that of a pair that both fired and that of
    any other, ``share`` is ``(B,)``. A latency out of range makes NaN: to look at it on the host
    would stall the device.
    """
    rows = tl.program_id(0).to(tl.int64) * block_post + tl.arange(0, block_post)
    columns = tl.program_id(1).to(tl.int64) * block_pre + tl.arange(0, block_pre)
    is_row, is_column = rows < n_post, columns < n_pre
    both_fired, otherwise = tl.load(amplitudes), tl.load(amplitudes + 1)
    total = tl.zeros((block_post, block_pre), dtype=update.dtype.element_ty)
    for sample in range(n_samples):
        after = tl.load(post + rows, mask=is_row, other=0)[:, None]
        before = tl.load(pre + columns, mask=is_column, other=0)[None, :]
        place = (after >> 1) - (before >> 1) + n_steps
        known = (place >= 0) & (place <= 2 * n_steps)
        value = tl.load(kernel + place, mask=known, other=float("nan"))
        amplitude = tl.where((after & before & 1) != 0, both_fired, otherwise)
        total += tl.load(share + sample) * (value * amplitude)
        post += n_post
        pre += n_pre
    tile = update + rows[:, None] * n_pre + columns[None, :]
    tl.store(tile, total, mask=is_row[:, None] & is_column[None, :])
