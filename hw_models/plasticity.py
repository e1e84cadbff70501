"""Parameters of the integer DA-SSDP rule: what the chip keeps and how it rounds.

At the end of a sample every neuron is known by one flag bit (it fired) and a latency
code of ``latency_bits`` bits: its first spike step shifted right by ``latency_shift``,
or the silent code ``2**latency_bits - 1``. For a synapse with codes ``s`` (post) and
``r`` (pre), and a third factor ``gate`` in 1/128,

    amplitude = potentiation if both fired else -depression
    delta     = round(kernel[|s - r|] * amplitude * gate / 2**shift)
    weight   <- saturate(weight + delta, weight_low, weight_high)

A silent neuron stands at ``silent_latency`` when ``|s - r|`` is taken.

References
----------
DA-SSDP, arXiv 2512.07194 (Gaussian kernel of first-spike latencies, gate in [0, 2));
SSDP, arXiv 2505.14841.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.arrays import integer_array
from hw_models.choices import member
from hw_models.dopamine import CORRELATION_ONE
from hw_models.errors import RangeError, ShapeError, TypeMismatchError
from hw_models.formats import Rounding
from hw_models.integers import integer
from hw_models.records import FrozenRecord

GATE_LOW, GATE_HIGH = -256, 255
ROUNDINGS = (Rounding.NEAREST_AWAY, Rounding.STOCHASTIC)
MOST_WARM_UP = 2**31 - 1


class ThirdFactor(enum.Enum):
    """Where the gate of the rule comes from."""

    CONSTANT = "constant"
    DOPAMINE = "dopamine"
    REWARD = "reward"
    TEACHER = "teacher"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DaSsdpParams(FrozenRecord):
    """Integer DA-SSDP of one projection; see the module for the equation.

    Parameters
    ----------
    latency_bits
        Width of a latency code, 3..8.
    latency_shift
        Steps per code as a power of two, 0..15.
    silent_latency
        Place of a silent neuron on the latency axis, 0..2**latency_bits - 1.
    kernel
        Table over the latency difference, 0..2**kernel_bits - 1, shape ``(2**latency_bits,)``.
    potentiation, depression
        Amplitude mantissas, 0..2**amplitude_bits - 1: both ends fired, or not both.
    shift
        Right shift of kernel x amplitude x gate, 0..31. The product of a full kernel
        (255), amplitude ``a`` and gate one (128) is ``255 * 128 * a``.
    rounding
        ``NEAREST_AWAY`` or ``STOCHASTIC`` (keyed by seed, sample, post and pre).
    weight_low, weight_high
        Saturation of the weight mantissa, -256..255.
    third_factor
        Constant one, the fitted dopamine gate of a sample's synchrony, one reward per sample,
        or one signed error per sample and post-synaptic neuron (with teacher forcing of the
        neurons that should have fired).
    teacher_latency
        Latency code given to a neuron that the teacher forces, 0..2**latency_bits - 2.
    warm_up
        Samples from which the dopamine gate is fitted and nothing is learned, 2..2**31 - 1;
        0 with every other third factor.
    least_correlation
        Magnitude that the warm-up's correlation of synchrony and loss must exceed to be
        believed, in 1/32768, 0..32768; else the gate is one. 0 with every other third factor.
    kernel_bits, amplitude_bits
        Widths of a kernel entry and of an amplitude, unsigned, 1..8.
    """

    latency_bits: int
    latency_shift: int = 0
    silent_latency: int
    kernel: Any
    potentiation: int
    depression: int
    shift: int
    rounding: Rounding = Rounding.NEAREST_AWAY
    weight_low: int = -128
    weight_high: int = 127
    third_factor: ThirdFactor = ThirdFactor.CONSTANT
    teacher_latency: int = 0
    warm_up: int = 0
    least_correlation: int = 0
    kernel_bits: int = 8
    amplitude_bits: int = 8

    def __post_init__(self) -> None:
        put = object.__setattr__
        where = "DaSsdpParams"
        put(self, "latency_bits", integer(f"{where}.latency_bits", self.latency_bits, 3, 8))
        for field in ("kernel_bits", "amplitude_bits"):
            put(self, field, integer(f"{where}.{field}", getattr(self, field), 1, 8))
        amplitude_high = (1 << self.amplitude_bits) - 1
        for field, low, high in (
            ("latency_shift", 0, 15),
            ("silent_latency", 0, self.silent_code),
            ("potentiation", 0, amplitude_high),
            ("depression", 0, amplitude_high),
            ("shift", 0, 31),
            ("weight_low", -256, 255),
            ("weight_high", -256, 255),
            ("teacher_latency", 0, self.silent_code - 1),
        ):
            put(self, field, integer(f"{where}.{field}", getattr(self, field), low, high))
        if self.weight_low > self.weight_high:
            raise RangeError(
                f"{where}.weight_low: {self.weight_low}; allowed up to weight_high"
                f" = {self.weight_high}"
            )
        kernel_high = (1 << self.kernel_bits) - 1
        kernel = integer_array(f"{where}.kernel", self.kernel, 0, kernel_high, np.uint8)
        if kernel.shape != (self.silent_code + 1,):
            raise ShapeError(
                f"{where}.kernel: shape {kernel.shape}; ({self.silent_code + 1},) is needed"
            )
        put(self, "kernel", kernel)
        if self.rounding not in ROUNDINGS:
            raise TypeMismatchError(f"{where}.rounding: {self.rounding!r}; one of {ROUNDINGS}")
        member(f"{where}.third_factor", self.third_factor, ThirdFactor)
        has_gate = self.third_factor is ThirdFactor.DOPAMINE
        for field, low, high in (
            ("warm_up", 2, MOST_WARM_UP),
            ("least_correlation", 0, CORRELATION_ONE),
        ):
            allowed = (low, high) if has_gate else (0, 0)
            put(self, field, integer(f"{where}.{field}", getattr(self, field), *allowed))

    @property
    def silent_code(self) -> int:
        """Latency code of a neuron that did not fire."""
        return (1 << self.latency_bits) - 1
