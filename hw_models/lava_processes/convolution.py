"""A convolution as a matrix of synapses, for what Lava's Conv cannot compute exactly."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from hw_models.projections import ConvProjection


def convolution_matrix(projection: ConvProjection, source_shape: tuple[int, ...]) -> csr_matrix:
    """The weights of every synapse of a convolution.

    Parameters
    ----------
    projection
        Its weight exponent is not applied.
    source_shape
        ``(channels, height, width)``.

    Returns
    -------
    int32, ``(n_post, n_pre)``, in C order of both populations; no zeros are stored
    """
    _, height, width = source_shape
    channels_out, rows_out, columns_out = projection.output_shape(source_shape)
    channels_in = projection.weights.shape[1]
    row_tap, row_out, row_in = _taps(projection, 0, height, rows_out)
    column_tap, column_out, column_in = _taps(projection, 1, width, columns_out)

    channel_out = np.arange(channels_out)[:, None, None, None]
    channel = np.arange(channels_in)[None, :, None, None]
    group = channel_out // (channels_out // projection.groups)
    row, column = (slice(None), None), (None, slice(None))
    pre = ((group * channels_in + channel) * height + row_in[row]) * width + column_in[column]
    post = (channel_out * rows_out + row_out[row]) * columns_out + column_out[column]
    weights = projection.weights[:, :, row_tap][..., column_tap].astype(np.int32)

    used = np.flatnonzero(weights)
    where = [np.broadcast_to(index, weights.shape).reshape(-1)[used] for index in (post, pre)]
    shape = (channels_out * rows_out * columns_out, int(np.prod(source_shape)))
    return csr_matrix((weights.reshape(-1)[used], tuple(where)), shape=shape)


def _taps(
    projection: ConvProjection, axis: int, size: int, size_out: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kernel, output and input positions along an axis, of every tap inside the image."""
    tap, out = np.indices((projection.weights.shape[2 + axis], size_out)).reshape(2, -1)
    position = (
        out * projection.stride[axis] + tap * projection.dilation[axis] - projection.padding[axis]
    )
    inside = (position >= 0) & (position < size)
    return tap[inside], out[inside], position[inside]
