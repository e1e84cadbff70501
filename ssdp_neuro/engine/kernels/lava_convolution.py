"""What Lava's Conv computes in a step, from the pixels that are not 0.

Numbers are float64, in both number worlds, as in SciPy's ``convolve2d``, and every sum is taken
in its order: of each input channel column after column of the kernel, of these four taps at a
time and the last ones singly, then channel after channel. What is left out are zeros, which change
no sum.
"""

from __future__ import annotations

from typing import Any

from ssdp_neuro.compilation.compiler import lean_kernel

(WIDTH, HEIGHT, CHANNELS, WIDTH_OUT, HEIGHT_OUT, CHANNELS_OUT, KERNEL_X, KERNEL_Y, STRIDE_X,
 STRIDE_Y, PADDING_X, PADDING_Y, DILATION_X, DILATION_Y, GROUPS) = range(15)  # fmt: skip
TAPS = 4  # that SciPy adds up before it adds them to the others


@lean_kernel
def list_pixels(image: Any, n_channels: int, starts: Any, channels: Any, heights: Any) -> None:
    """Numbers other than 0 of an image ``(n_pixels * n_channels,)``, pixel after pixel.

    Those of a pixel begin in ``channels`` and ``heights`` at ``starts[pixel]``.
    """
    n = 0
    n_pixels = image.size // n_channels
    for pixel in range(n_pixels):
        starts[pixel] = n
        for c in range(n_channels):
            height = image[pixel * n_channels + c]
            if height != 0:
                channels[n] = c
                heights[n] = height
                n += 1
    starts[n_pixels] = n


@lean_kernel
def join_taps(hits: Any, n_hits: int, is_hit: Any, sums: Any, n_each: int) -> None:
    """Add sums of some taps to those of whole kernels, of the channels that were hit."""
    n_in = is_hit.size // 2
    for hit in range(n_hits):
        c = hits[hit]
        is_hit[c] = False
        own, whole = c * n_each, (n_in + c) * n_each
        if is_hit[n_in + c]:
            for k in range(n_each):
                sums[whole + k] += sums[own + k]
        else:
            is_hit[n_in + c] = True
            for k in range(n_each):
                sums[whole + k] = sums[own + k]


@lean_kernel
def convolve(
    shape: Any, weights: Any, image: Any, starts: Any, channels: Any, heights: Any, hits: Any,
    hit_flags: Any, sums: Any, total: Any,
) -> None:  # fmt: skip
    """A convolution of an image ``(width * height * channels,)``, all flat.

    ``weights`` is ``(kernel_x, kernel_y, channels, channels_out // groups)``, ``total``
    ``(width_out, height_out, channels_out)``; ``shape`` has the numbers named above. The others
    are scratch: ``starts`` of one more than pixels, ``channels`` and ``heights`` of the image's
    size, ``hits`` of the channels, ``hit_flags`` false for each of them twice, ``sums``
    ``(2, channels, channels_out // groups)``: of some taps, and of the whole kernel.
    """
    width, height, n_in = shape[WIDTH], shape[HEIGHT], shape[CHANNELS]
    height_out, n_out = shape[HEIGHT_OUT], shape[CHANNELS_OUT]
    n_each, n_group = n_out // shape[GROUPS], n_in // shape[GROUPS]
    list_pixels(image[0 : width * height * n_in], n_in, starts, channels, heights)
    is_hit = hit_flags[0 : 2 * n_in]
    kernel_x, kernel_y = shape[KERNEL_X], shape[KERNEL_Y]
    stride_y, dilation_x, dilation_y = shape[STRIDE_Y], shape[DILATION_X], shape[DILATION_Y]
    across = (kernel_x - 1) * dilation_x - shape[PADDING_X]
    span, padding_y = (kernel_y - 1) * dilation_y, shape[PADDING_Y]
    in_fours = (span + 1) - (span + 1) % TAPS
    for k in range(total.size):
        total[k] = 0.0
    for x in range(shape[WIDTH_OUT]):
        right = x * shape[STRIDE_X] + across
        for y in range(height_out):
            n_all = 0
            down = y * stride_y + span - padding_y
            for i in range(kernel_x):
                column = right - i * dilation_x
                if column < 0 or column >= width:
                    continue
                n_hits = block = 0
                for j in range(kernel_y):
                    row = down - j * dilation_y
                    if row < 0 or row >= height:
                        continue
                    pixel = column * height + row
                    begin, end = starts[pixel], starts[pixel + 1]
                    if begin == end:
                        continue
                    tap = j * dilation_y
                    now = tap // TAPS if tap < in_fours else tap
                    if now != block:
                        join_taps(hits, n_hits, is_hit, sums, n_each)
                        n_hits, block = 0, now
                    n_all += 1
                    for event in range(begin, end):
                        c, number = channels[event], heights[event]
                        first = ((i * kernel_y + j) * n_in + c) * n_each
                        taps, own = weights[first : first + n_each], c * n_each
                        if is_hit[c]:
                            for k in range(n_each):
                                sums[own + k] += taps[k] * number
                        else:
                            is_hit[c] = True
                            hits[n_hits] = c
                            n_hits += 1
                            for k in range(n_each):
                                sums[own + k] = taps[k] * number
                join_taps(hits, n_hits, is_hit, sums, n_each)
            if n_all > 0:
                place = (x * height_out + y) * n_out
                for c in range(n_in):
                    if is_hit[n_in + c]:
                        is_hit[n_in + c] = False
                        whole, to = (n_in + c) * n_each, place + c // n_group * n_each
                        for k in range(n_each):
                            total[to + k] += sums[whole + k]


@lean_kernel
def convolve_whole(shape: Any, weights: Any, image: Any, total: Any) -> None:
    """The same of whole numbers whose sums are exact, so that their order does not matter."""
    n_in, n_out = shape[CHANNELS], shape[CHANNELS_OUT]
    n_each, n_group = n_out // shape[GROUPS], n_in // shape[GROUPS]
    height, height_out = shape[HEIGHT], shape[HEIGHT_OUT]
    stride_x, stride_y = shape[STRIDE_X], shape[STRIDE_Y]
    dilation_x, dilation_y = shape[DILATION_X], shape[DILATION_Y]
    span_x, span_y = (shape[KERNEL_X] - 1) * dilation_x, (shape[KERNEL_Y] - 1) * dilation_y
    for k in range(total.size):
        total[k] = 0
    for pixel in range(shape[WIDTH] * height):
        own = image[pixel * n_in : (pixel + 1) * n_in]
        is_dark = True
        for c in range(n_in):
            is_dark = is_dark and own[c] == 0
        if is_dark:
            continue
        # taps that reach it from output x lie across to the right
        right = pixel // height + shape[PADDING_X] - span_x
        low = pixel % height + shape[PADDING_Y] - span_y
        for x in range(max(0, -(-right // stride_x)), shape[WIDTH_OUT]):
            across = x * stride_x - right
            if across > span_x:
                break
            if across % dilation_x != 0:
                continue
            for y in range(max(0, -(-low // stride_y)), height_out):
                down = y * stride_y - low
                if down > span_y:
                    break
                if down % dilation_y != 0:
                    continue
                tap = (across // dilation_x * shape[KERNEL_Y] + down // dilation_y) * n_in
                to = (x * height_out + y) * n_out
                for c in range(n_in):
                    number = own[c]
                    if number != 0:
                        taps = weights[(tap + c) * n_each : (tap + c + 1) * n_each]
                        first = to + c // n_group * n_each
                        targets = total[first : first + n_each]
                        for k in range(n_each):
                            targets[k] += taps[k] * number
