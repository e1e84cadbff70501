"""Networks of convolutions, delays and sigma-delta neurons, for bench_from_lava."""

from __future__ import annotations

from typing import Any

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.sdn.process import Delta, SigmaDelta

from benchmarks.lava_counter.processes import SpikeCounter
from benchmarks.lava_tutorials import FIXED, FLOAT, sink_of


def _neurons(shape: tuple[int, ...], tag: str, vth: int) -> Any:
    if tag == FIXED:
        return LIF(shape=shape, du=1000, dv=300, vth=vth)
    return LIF(shape=shape, du=0.25, dv=0.07, vth=vth / 100)


def _images(tag: str) -> tuple[Any, Any, str]:
    """17x17x2 - 8 channels - 8 channels, kernels 3x3."""
    rng = np.random.default_rng(2)
    unit = 1 if tag == FIXED else 0.01
    before: Any = Source(data=(rng.random((17, 17, 2, 1000)) < 0.05) * 1)
    shape = (17, 17, 2)
    for padding, stride in ((0, 1), (1, 2)):
        weights = rng.integers(-60, 61, (8, 3, 3, shape[2])) * unit
        conv = Conv(input_shape=shape, weight=weights, padding=padding, stride=stride)
        before.s_out.connect(conv.s_in)
        before, shape = _neurons(conv.output_shape, tag, 200), conv.output_shape
        conv.a_out.connect(before.a_in)
    flat = LIF(shape=(int(np.prod(shape)),), du=4095 if tag == FIXED else 1, dv=0, vth=0)
    before.s_out.flatten().connect(flat.a_in)
    if tag == FIXED:
        before.s_out.connect(SpikeCounter(shape=shape).a_in)
    return flat, sink_of(flat), tag


def images_fixed() -> tuple[Any, Any, str]:
    """In fixed point, a Process of the user's counts spikes."""
    return _images(FIXED)


def images_float() -> tuple[Any, Any, str]:
    """In floating point."""
    return _images(FLOAT)


def _late(tag: str) -> tuple[Any, Any, str]:
    """200 inputs, 100 neurons that drive each other, delays up to 7."""
    rng = np.random.default_rng(3)
    unit = 1 if tag == FIXED else 0.01
    source = Source(data=(rng.random((200, 1000)) < 0.05) * 1)
    neurons = _neurons((100,), tag, 600)
    for sender in (source, neurons):
        n_pre = sender.s_out.shape[0]
        weights = rng.integers(-50, 51, (100, n_pre)) * unit
        into = DelayDense(weights=weights, delays=rng.integers(0, 8, (100, n_pre)), max_delay=7)
        sender.s_out.connect(into.s_in)
        into.a_out.connect(neurons.a_in)
    if tag == FIXED:
        neurons.s_out.connect(SpikeCounter(shape=(100,)).a_in)
    return neurons, sink_of(neurons), tag


def late_fixed() -> tuple[Any, Any, str]:
    """In fixed point, a Process of the user's counts spikes."""
    return _late(FIXED)


def late_float() -> tuple[Any, Any, str]:
    """In floating point."""
    return _late(FLOAT)


def _frames(tag: str) -> tuple[Any, Any, str]:
    """Frames 33x20x3 - 8 - 12 channels - 10, kernels 3x3 in steps of 2, like PilotNet."""
    rng = np.random.default_rng(1)
    is_fixed, shape = tag == FIXED, (33, 20, 3)
    unit, vth = (1, 60) if is_fixed else (0.01, 0.2)
    state = {"state_exp": 6} if is_fixed else {}
    frames = np.cumsum(rng.integers(-3, 4, (*shape, 100)), axis=-1)
    source = Source(data=frames if is_fixed else frames / 10)
    first = Delta(shape=shape, vth=3 if is_fixed else 0.3, **state)
    source.s_out.connect(first.a_in)
    before: Any = first.s_out
    for channels in (8, 12):
        weights = rng.integers(-30, 31, (channels, 3, 3, shape[2])) * unit
        conv = Conv(input_shape=shape, weight=weights, stride=2, num_message_bits=16)
        neurons = SigmaDelta(shape=conv.output_shape, vth=vth, **state)
        before.connect(conv.s_in)
        conv.a_out.connect(neurons.a_in)
        before, shape = neurons.s_out, conv.output_shape
    weights = rng.integers(-60, 61, (10, int(np.prod(shape)))) * unit
    dense, last = (
        Dense(weights=weights, num_message_bits=16),
        SigmaDelta(shape=(10,), vth=vth, **state),
    )
    before.flatten().connect(dense.s_in)
    dense.a_out.connect(last.a_in)
    return last, sink_of(last), tag


def frames_fixed() -> tuple[Any, Any, str]:
    """In fixed point."""
    return _frames(FIXED)


def frames_own() -> tuple[Any, Any, str]:
    """In fixed point, a Process of the user's counts spikes."""
    last, sink, tag = _frames(FIXED)
    last.s_out.connect(SpikeCounter(shape=(10,)).a_in)
    return last, sink, tag


def frames_float() -> tuple[Any, Any, str]:
    """In floating point."""
    return _frames(FLOAT)


NETWORKS = {
    "images_fixed": (images_fixed, "Conv 17x17x2 - 8 - 8, fixed point, own Python counts"),
    "images_float": (images_float, "Conv 17x17x2 - 8 - 8, floating point"),
    "late_fixed": (late_fixed, "DelayDense 200 - 100, recurrent, fixed point, own Python counts"),
    "frames_fixed": (frames_fixed, "sigma-delta 33x20x3 - 8 - 12 - 10, Conv, fixed point"),
    "frames_own": (frames_own, "the same, own Python counts"),
    "frames_float": (frames_float, "sigma-delta 33x20x3 - 8 - 12 - 10, Conv, floating point"),
    "late_float": (late_float, "DelayDense 200 - 100, recurrent, floating point"),
}
