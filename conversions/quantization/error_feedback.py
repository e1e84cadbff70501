"""Rounding that makes up for itself: what a weight loses is given to those it fires with.

A neuron feels the sum over its inputs, not its weights. With ``H`` the second moments of the
inputs' traces, the error of that sum is ``e H e`` for rounding errors ``e``. Weights are
rounded one after another; each error is then spread over the weights still to come, so that
``e H e`` grows least.

References
----------
.. [1] Hassibi, Stork: Second order derivatives for network pruning: Optimal Brain Surgeon,
   NIPS 1992, eq. 5 (the update of the others when one weight is fixed).
.. [2] Frantar et al.: OPTQ: Accurate quantization for generative pre-trained transformers,
   ICLR 2023, section 3 (one order for all rows, by a Cholesky factor).
"""

from __future__ import annotations

import numpy as np

from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.quantization.synapses import ScaledSynapses
from conversions.real_network import RealConv, RealDense
from conversions.real_network.delivery import distinct_channels, summed_by, unfolded
from hw_models.weight_grid import nearest_mantissas

DAMPING = 0.2  # of the mean second moment; less fits the calibration data, not the next
LONGEST_KEPT = 0.95  # of a potential, between resets
ROWS = 8192  # traces that moments are taken of, at most
TOGETHER = 64  # weights whose losses are given to those far behind by one product of matrices
LARGEST_FAN_IN = 4096  # moments take its square


def round_with_feedback(
    synapses: ScaledSynapses, layer: Layer, grid: LayerGrid, spikes: np.ndarray
) -> np.ndarray:
    """Mantissas of a projection, rounded with regard to what its source sends.

    Parameters
    ----------
    synapses, layer, grid
        What is rounded. Weights of 0 stay 0.
    spikes : bool or real, shape (B, T, n_pre)
        Of the source, or the numbers that it sends the binary digits of.

    Returns
    -------
    int64, shape of the weights
        The nearest mantissas where there is nothing to gain: of listed synapses, of those
        with delays of their own, and of a fan-in beyond 4096.
    """
    linear = synapses.projection.map
    nearest = grid.weights(synapses)
    fan_in = int(np.prod(nearest.shape[1:]))
    if (
        not isinstance(linear, RealDense | RealConv)
        or synapses.projection.delays is not None
        or fan_in > LARGEST_FAN_IN
    ):
        return nearest
    one_sign = grid.step(synapses) == 1
    if isinstance(linear, RealDense):
        # what has the same weights everywhere (copies of a neuron) is felt as one
        _, first, place = np.unique(linear.weights, axis=1, return_index=True, return_inverse=True)
        place = place.reshape(-1)
        if len(first) == len(place):  # none has
            traces = _traces(layer, spikes[..., first])
        else:
            traces = summed_by(place, _traces(layer, spikes))
        moments = _moments(traces)
        return _rounded(grid.scaled(synapses)[:, first], moments, one_sign, grid.bits)[:, place]
    traces = _traces(layer, spikes)
    shape = layer.network.population(synapses.projection.source).shape
    few = distinct_channels(linear)
    patches = _patches(linear, summed_by(few.given, traces.reshape(-1, *shape)))
    scaled = grid.scaled(synapses)[:, few.columns]
    rows = np.split(scaled.reshape(len(scaled), -1), linear.groups)
    rounded = [
        _rounded(part, _moments(patches[:, group]), one_sign, grid.bits)
        for group, part in enumerate(rows)
    ]
    whole = np.concatenate(rounded).reshape(scaled.shape)
    return whole if linear.groups > 1 else whole[:, few.given]


def _traces(layer: Layer, spikes: np.ndarray) -> np.ndarray:
    """What is left of each input's spikes in the potential, float64 ``(rows, n_pre)``."""
    kept_u = float(np.mean(layer.dynamics.current_kept))
    kept_v = min(float(np.mean(layer.dynamics.voltage_kept)), LONGEST_KEPT)
    chosen = np.linspace(0, len(spikes) - 1, min(len(spikes), -(-ROWS // spikes.shape[1])))
    sent = spikes[np.unique(chosen.astype(int))]
    traces = np.empty(sent.shape)
    u, v = np.zeros((2, *sent[:, 0].shape))
    for t in range(sent.shape[1]):
        u *= kept_u
        u += sent[:, t]
        v *= kept_v
        v += u
        traces[:, t] = v
    return traces.reshape(-1, spikes.shape[2])


def _patches(conv: RealConv, images: np.ndarray) -> np.ndarray:
    """What lies under the kernel of each group, float64 ``(rows, groups, fan-in)``."""
    channels = conv.weights.shape[1] * conv.groups
    _, rows, columns = conv.output_shape((channels, *images.shape[2:]))
    every = max(1, len(images) * rows * columns // ROWS)
    taps = unfolded(conv, images[:: max(1, every // 4)], rows, columns)
    grouped = taps.reshape(len(taps), conv.groups, -1, rows * columns)
    return grouped.transpose(0, 3, 1, 2).reshape(-1, *grouped.shape[1:3])


def _moments(inputs: np.ndarray) -> np.ndarray:
    moments = inputs.T @ inputs / len(inputs)
    mean = float(np.trace(moments)) / len(moments) or 1.0
    return moments + DAMPING * mean * np.eye(len(moments))


def _rounded(scaled: np.ndarray, moments: np.ndarray, one_sign: bool, bits: int) -> np.ndarray:
    """Integers near ``scaled`` whose errors cancel under the moments, int64, same shape."""
    order = np.argsort(-np.diag(moments), kind="stable")
    spread = np.linalg.cholesky(np.linalg.inv(moments[np.ix_(order, order)])).T
    left = np.ascontiguousarray(scaled[:, order].T)
    rounded = np.zeros(left.shape, dtype=np.int64)
    absent = left == 0
    n_weights = len(order)
    for start in range(0, n_weights, TOGETHER):
        end = min(start + TOGETHER, n_weights)
        errors = np.empty((end - start, left.shape[1]))
        for i in range(start, end):
            # what the block's weights before it have lost, and it makes up for
            left[i] -= spread[start:i, i] @ errors[: i - start]
            target = np.where(absent[i], 0.0, left[i])
            rounded[i] = nearest_mantissas(target, one_sign=one_sign, bits=bits)
            errors[i - start] = (left[i] - rounded[i]) / spread[i, i]
        left[end:] -= spread[start:end, end:].T @ errors
    back = np.empty_like(rounded)
    back[order] = rounded
    return back.T
