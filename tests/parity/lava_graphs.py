"""Random Lava programs in plain Lava code, as a user of Lava would write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from hypothesis import strategies as st
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFReset, TernaryLIF
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import coo_array, coo_matrix, csr_array, csr_matrix

NEVER_BELOW = -(2**17)  # vth_lo that no membrane potential is below


@dataclass
class LavaGraph:
    """Connected Processes, by what they are."""

    sources: list[Any] = field(default_factory=list)
    synapses: list[Any] = field(default_factory=list)
    neurons: list[Any] = field(default_factory=list)
    sinks: list[Any] = field(default_factory=list)

    @property
    def processes(self) -> list[Any]:
        return [*self.sources, *self.synapses, *self.neurons, *self.sinks]


SHAPES = st.sampled_from([(1,), (5,), (7,), (3, 4), (2, 3, 2), (4, 3, 2), (1, 2, 2, 2), (5, 4, 1)])
DECAYS = (4095, 409, 0, 1, 2048, 4094)
TYPES = (int, np.int32, np.int64, np.int16)


@st.composite
def sources(draw, shape):
    """A ring buffer of 0 and 1, of integers of either sign, or of floats, shorter or longer."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = (*shape, draw(st.sampled_from((1, 3, 8, 40))))
    spikes = rng.random(size) < draw(st.sampled_from((0.05, 0.3, 0.9)))
    style = draw(st.sampled_from(("binary", "binary", "graded", "float")))
    if style == "binary":
        return Source(data=spikes.astype(draw(st.sampled_from((int, np.int32, bool)))))
    values = spikes * rng.integers(-3, 4, size)
    return Source(data=values if style == "graded" else values * 0.7)


@st.composite
def neurons(draw, shape):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def one_or_each(values, kinds=TYPES):
        kind = draw(st.sampled_from(kinds))
        if draw(st.sampled_from((True, True, False))):
            return kind(draw(st.sampled_from(values)))
        return rng.choice(values, size=shape).astype(kind)

    fields = {
        "shape": shape,
        "du": one_or_each(DECAYS),
        "dv": one_or_each((0, 128, 1, 2048, 4095, 4096)),
        "bias_mant": draw(
            st.sampled_from((0, 0, 300, -20, 1.9, -1.9, 32767, rng.integers(-9999, 40000, shape)))
        ),
        "bias_exp": draw(st.sampled_from((0, 0, 6, -2, 15, -15, -30))),
    }
    thresholds: tuple[int, ...] = (0, 2, 60, 150, 700, 5000, 131071, 2**25 - 1, -1, -70)
    kind = draw(st.sampled_from((LIF, LIF, LIF, LIFReset, TernaryLIF)))
    if kind is TernaryLIF:
        high = draw(st.sampled_from(thresholds))
        return TernaryLIF(
            vth_hi=high, vth_lo=draw(st.sampled_from((NEVER_BELOW, -(2**25)))), **fields
        )
    fields["vth"] = one_or_each(thresholds, (int, np.int32, np.int64))
    if draw(st.integers(0, 9)) == 0:
        fields["vth"] = one_or_each((2**25, 2**30, 2**56, -(2**25) - 1, -(2**40)), (int, np.int64))
    if kind is LIFReset:
        interval = draw(st.integers(1, 6))
        return LIFReset(reset_interval=interval, reset_offset=draw(st.integers(0, 9)), **fields)
    return LIF(**fields)


@st.composite
def number_formats(draw, sends_bits):
    """What a Process of synapses is told about its numbers."""
    fields = {"weight_exp": draw(st.sampled_from((0, 0, 0, 1, 3, 7, -1, -3, -8)))}
    if draw(st.booleans()):
        fields["num_weight_bits"] = draw(st.sampled_from((8, 7, 4, 1)))
    if draw(st.booleans()):
        fields["sign_mode"] = draw(st.sampled_from(list(SignMode)))
    if sends_bits and draw(st.booleans()):
        fields["num_message_bits"] = draw(st.sampled_from((0, 1, 8)))
    return fields


def weights_of(draw, rng, shape):
    low, high, kind = draw(
        st.sampled_from(
            (
                (-100, 160, int), (-256, 256, int), (-400, 400, int), (0, 256, int),
                (-300, 1, int), (0, 1, int), (-120.0, 180.0, float), (-0.9, 0.9, float),
            )
        )
    )  # fmt: skip
    if kind is float:
        return rng.uniform(low, high, shape)
    return rng.integers(low, high, shape).astype(draw(st.sampled_from((int, np.int16, float))))


def unsorted(weights):
    """A sparse matrix that stores each row from its last synapse to its first."""
    matrix = csr_matrix(weights[:, ::-1])
    matrix.indices = (weights.shape[1] - 1 - matrix.indices).astype(matrix.indices.dtype)
    return csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=weights.shape)


@st.composite
def matrix_synapses(draw, n_out, n_in, sends_bits):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    fields = draw(number_formats(sends_bits))
    weights = weights_of(draw, rng, (n_out, n_in))
    kind = draw(st.sampled_from((Dense, Dense, DelayDense, Sparse, DelaySparse)))
    if kind is Dense:
        return Dense(weights=weights, **fields)
    delays = rng.integers(0, draw(st.sampled_from((1, 2, 9, 64))), (n_out, n_in))
    if draw(st.booleans()):
        fields["max_delay"] = draw(st.sampled_from((1, 12)))
    if kind is DelayDense:
        one = draw(st.booleans())
        return DelayDense(weights=weights, delays=int(delays[0, 0]) if one else delays, **fields)
    weights = weights * (rng.random(weights.shape) < draw(st.sampled_from((0.3, 0.9))))
    forms = [np.asarray, csr_matrix, coo_matrix, unsorted]
    if kind is DelaySparse or fields.get("num_message_bits"):  # else Lava fails on arrays
        forms += [csr_array, coo_array]
    form = draw(st.sampled_from(forms))
    if form in (csr_array, coo_array):  # which Lava does not clip
        weights = weights.clip(-256, 255)
    if kind is Sparse:
        fields.pop("max_delay", None)
        return Sparse(weights=form(weights), **fields)
    some_delays = delays * (rng.random(delays.shape) < 0.8)
    form_of_delays = draw(st.sampled_from((csr_matrix, np.asarray, csr_array, coo_array)))
    if draw(st.booleans()):
        return DelaySparse(weights=form(weights), delays=int(delays[0, 0]), **fields)
    return DelaySparse(weights=form(weights), delays=form_of_delays(some_delays), **fields)


def axes_of(draw, port):
    return draw(st.permutations(range(len(port.shape))))


def shuffled(draw, port):
    """A port, reshaped and transposed at will."""
    if draw(st.booleans()):
        port = port.transpose(axes_of(draw, port))
    if draw(st.booleans()):
        port = port.flatten()
    elif draw(st.booleans()) and port.size % 2 == 0:
        port = port.reshape((2, port.size // 2)).transpose()
    return port


def connect(draw, port, end):
    """Connect two ports of equal size whatever their shapes."""
    port = shuffled(draw, port)
    if port.shape != end.shape:
        port = port.reshape(end.shape)
    port.connect(end)


def is_binary(process):
    return not isinstance(process, Source) or set(np.unique(process.data.init)) <= {0, 1}


@st.composite
def convolutions(draw, graph, process):
    """A Conv from an image, and new neurons behind it in one of three orders."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width, height, channels = shape = process.s_out.shape
    as_transposed = draw(st.booleans())
    if as_transposed:
        width, height, channels = shape[::-1]
    groups = channels if draw(st.booleans()) else 1
    kernel = (draw(st.integers(1, min(3, width))), draw(st.integers(1, min(3, height))))
    channels_out = groups * draw(st.integers(1, 2))
    low, high = draw(st.sampled_from(((-120, 180), (-300, 300), (-8000, 8000), (-2, 3))))
    weight = rng.integers(low, high, (channels_out, *kernel, channels // groups))
    conv = Conv(
        weight=weight * draw(st.sampled_from((1, 1, 4, 0.3))),
        weight_exp=draw(st.sampled_from((0, 3))),
        input_shape=(width, height, channels),
        padding=draw(st.sampled_from((0, 1, (2, 0)))),
        stride=draw(st.sampled_from((1, 2, (1, 2)))),
        groups=groups,
        num_message_bits=draw(st.sampled_from((0, 8))) if is_binary(process) else 0,
    )
    port = process.s_out
    (port.transpose((2, 1, 0)) if as_transposed else port).connect(conv.s_in)
    made = tuple(int(size) for size in conv.a_out.shape)
    order = draw(st.sampled_from(("Lava", "flat", "images")))
    shape_out = {"Lava": made, "flat": (int(np.prod(made)),), "images": made[::-1]}[order]
    target = draw(neurons(shape_out))
    out = conv.a_out
    if order == "images":
        out = out.transpose((2, 1, 0))
    elif order == "flat":
        out = (out.transpose((2, 1, 0)) if draw(st.booleans()) else out).flatten()
    out.connect(target.a_in)
    graph.synapses.append(conv)
    graph.neurons.append(target)


@st.composite
def lava_graphs(draw):
    """Sources, neurons, connections with loops, and a sink for all neurons."""
    graph = LavaGraph()
    graph.sources = [draw(sources(draw(SHAPES))) for _ in range(draw(st.integers(1, 2)))]
    graph.neurons = [draw(neurons(draw(SHAPES))) for _ in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        images = [p for p in (*graph.sources, *graph.neurons) if len(p.s_out.shape) == 3]
        if images:
            draw(convolutions(graph, draw(st.sampled_from(images))))
    chain = [*graph.sources, *graph.neurons]
    pairs = [(before, after) for before, after in pairwise(chain) if after in graph.neurons]
    if len(graph.sources) > 1:
        pairs.append((graph.sources[0], graph.neurons[0]))
    more = st.tuples(st.sampled_from(chain), st.sampled_from(graph.neurons))
    pairs += draw(st.lists(more, max_size=3))
    for source, target in pairs:
        n_in, n_out = source.s_out.size, target.a_in.size
        synapses = draw(matrix_synapses(n_out, n_in, is_binary(source)))
        connect(draw, source.s_out, synapses.s_in)
        connect(draw, synapses.a_out, target.a_in)
        same = [n for n in graph.neurons if n is not target and n.a_in.size == n_out]
        if same and draw(st.booleans()):
            connect(draw, synapses.a_out, same[0].a_in)
        graph.synapses.append(synapses)
    for process in chain + [n for n in graph.neurons if n not in chain]:
        port = process.s_out
        port = port.transpose(axes_of(draw, port))
        sink = Sink(shape=port.shape, buffer=draw(st.sampled_from((7, 25))))
        port.connect(sink.a_in)
        graph.sinks.append(sink)
    return graph
