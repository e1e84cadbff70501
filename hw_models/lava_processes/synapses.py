"""Which Lava Process expresses a projection exactly, and how it is connected.

All are Lava's own. What decides between ``Conv`` and ``Sparse`` for a convolution:

- ``Conv`` ignores the weight exponent. A positive one is multiplied into the weights,
  which ``Conv`` keeps whole; a negative one needs a floor of each sum, as ``Sparse`` has.
- ``Conv`` keeps its geometry in 8-bit integers and computes in them, so that larger
  images or more channels overflow.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from lava.magma.core.process.ports.ports import OutPort
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

from hw_models.lava_processes.convolution import convolution_matrix
from hw_models.populations import Population
from hw_models.projections import (
    ConvProjection,
    DenseProjection,
    PoolProjection,
    Projection,
    SparseProjection,
)

SynapseProcess: TypeAlias = Dense | DelayDense | Sparse | DelaySparse | Conv
GEOMETRY_LIMIT = 127
WHC = (2, 1, 0)  # Lava's order of an image (C, H, W), and back


def synapse_process(
    projection: Projection, source: Population, target: Population
) -> SynapseProcess:
    """A Process that delivers this projection bit for bit, one step late."""
    if isinstance(projection, PoolProjection):
        projection = projection.as_convolution(source.shape[0])
    if isinstance(projection, DenseProjection):
        return _dense(projection)
    if isinstance(projection, SparseProjection):
        return _sparse(projection, (target.n_neurons, source.n_neurons))
    if projection.weight_exponent >= 0 and _fits_conv(projection, source, target):
        return _conv(projection, source)
    return Sparse(
        weights=convolution_matrix(projection, source.shape),
        **_number_format(projection.weights, projection),
    )


def connect_input(port: OutPort, process: SynapseProcess, source: Population) -> None:
    """Connect the flat spikes of ``source`` to a Process of :func:`synapse_process`."""
    if isinstance(process, Conv):
        port = port.reshape(source.shape).transpose(WHC)
    port.connect(process.s_in)


def connect_output(process: SynapseProcess, target: Population, neurons: Any) -> None:
    """Connect a Process of :func:`synapse_process` to the neurons of ``target``."""
    port = process.a_out
    if isinstance(process, Conv):
        port = port.transpose(WHC).reshape((target.n_neurons,))
    port.connect(neurons.a_in)


def _dense(projection: DenseProjection) -> Dense | DelayDense:
    weights = projection.weights.astype(np.int32)
    fields = _number_format(weights, projection)
    if projection.delays is None or not projection.delays.any():
        return Dense(weights=weights, **fields)
    return DelayDense(weights=weights, delays=projection.delays.astype(int), **fields)


def _sparse(projection: SparseProjection, shape: tuple[int, int]) -> Sparse | DelaySparse:
    used = projection.weights != 0  # Lava drops the others itself, but not their delays
    ends = (projection.post[used], projection.pre[used])
    weights = csr_matrix((projection.weights[used].astype(np.int32), ends), shape=shape)
    fields = _number_format(projection.weights, projection)
    if projection.delays is None or not projection.delays[used].any():
        return Sparse(weights=weights, **fields)
    delays = csr_matrix((projection.delays[used].astype(int), ends), shape=shape)
    delays.eliminate_zeros()
    return DelaySparse(weights=weights, delays=delays, **fields)


def _number_format(weights: np.ndarray, projection: Projection) -> dict[str, Any]:
    """Sign mode and width under which Lava keeps every weight as it is.

    Weights of one sign and even weights of both have 8 bits; a ninth keeps odd ones.
    """
    lowest, highest = int(weights.min(initial=0)), int(weights.max(initial=0))
    sign_mode, bits = SignMode.MIXED, 9 if (weights & 1).any() else 8
    if lowest >= 0:
        sign_mode, bits = SignMode.EXCITATORY, 8
    elif highest <= 0 and lowest >= -255:
        sign_mode, bits = SignMode.INHIBITORY, 8
    return {
        "sign_mode": sign_mode,
        "num_weight_bits": bits,
        "weight_exp": projection.weight_exponent,
        "name": projection.name,
    }


def _fits_conv(projection: ConvProjection, source: Population, target: Population) -> bool:
    kernel = projection.weights.shape[2:]
    padded = (
        size + 2 * pad for size, pad in zip(source.shape[1:], projection.padding, strict=True)
    )
    spread = (d * (k - 1) + 1 for d, k in zip(projection.dilation, kernel, strict=True))
    return max(*source.shape, *target.shape, *padded, *spread) <= GEOMETRY_LIMIT


def _conv(projection: ConvProjection, source: Population) -> Conv:
    kernel = projection.weights[:, :, ::-1, ::-1]  # Lava convolves where PyTorch correlates
    return Conv(
        weight=kernel.transpose(0, 3, 2, 1).astype(np.int32) << projection.weight_exponent,
        input_shape=source.shape[::-1],
        stride=projection.stride[::-1],
        padding=projection.padding[::-1],
        dilation=projection.dilation[::-1],
        groups=projection.groups,
        name=projection.name,
    )
