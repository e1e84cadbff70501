"""Chips as records: register widths and limits, every figure with where it was published."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from hw_models.errors import TypeMismatchError, brief
from hw_models.integers import integer

DAVIES = "Davies et al., IEEE Micro 38(1), 2018"
BRIEF = "Intel Labs, technology brief on Loihi 2, 2021"
LAVA_LIF = "lava-nc 0.10.0, docstring of PyLifModelBitAcc"
LAVA_DATAPATH = "lava-nc 0.10.0, AbstractPyLifModelFixed.__init__"
LAVA_WEIGHTS = "lava-nc 0.10.0, clip_weights and truncate_weights of lava.utils.weightutils"
LAVA_DELAYS = "lava-nc 0.10.0, docstring of PyDelayDenseModelBitAcc"
LAVA_LEARNING = "lava-nc 0.10.0, lava.magma.core.learning.constants"
NENGO_BLOCK = "nengo-loihi 1.1.0, nengo_loihi/block.py"
BRIAN2_LOIHI = "README of brian2_loihi (Michaelis et al., Front. Neuroinform. 16, 2022)"
PROGRAMMABLE = "not fixed: neuron models are microcode (" + BRIEF + ")"


@dataclass(frozen=True)
class Figure:
    """A published number, or None with the reason in ``source``.

    Parameters
    ----------
    value
        The number; None if no figure is public.
    source
        Paper, table or class docstring; for None, why there is no number.
    """

    value: int | None
    source: str

    def __post_init__(self) -> None:
        if self.value is not None:
            integer("Figure.value", self.value, -(2**63), 2**63 - 1)
        if not isinstance(self.source, str) or not self.source:
            raise TypeMismatchError(f"Figure.source: {self.source!r}; a non-empty string is needed")


@dataclass(frozen=True, kw_only=True)
class Chip:
    """Register widths and limits of a chip; every field but the name is a :class:`Figure`.

    Parameters
    ----------
    name
        Name in messages.
    weight_bits
        Of a weight mantissa: 8 means 0..255 where all weights of a projection have one sign,
        else -256..254 in steps of 2: the sign takes the place of the lowest bit.
    weight_exponent_low, weight_exponent_high
        Weights are scaled by ``2**exponent``.
    state_bits
        Current ``u`` and membrane potential ``v``, sign included.
    decay_bits
        Current and voltage decay, unsigned, in ``2**-decay_bits`` per step.
    threshold_bits, threshold_shift
        Unsigned threshold, and its alignment to ``v`` (compared as ``threshold << shift``).
    bias_mantissa_bits, bias_exponent_bits
        Signed mantissa, unsigned exponent (a left shift).
    max_refractory
        Most steps after a spike without another one.
    max_threshold_rise
        Most that a spike raises a threshold.
    max_delay
        Most extra steps of a synapse.
    trace_bits, tag_bits, epoch_bits
        Of the learning engine: traces (latency codes travel as such), tags without their
        sign, and the length of a learning epoch in steps.
    neurons_per_core, cores_per_chip
        Most neurons of a core, neuron cores of a chip.
    in_axons_per_core, out_axons_per_core
        Most different sources, and destinations, of a core.
    synaptic_memory_bytes_per_core
        Memory that holds nothing but synapses.
    synapses_per_chip
        Most synapses of a chip.

    Examples
    --------
    >>> LOIHI1.threshold_bits
    Figure(value=17, source='lava-nc 0.10.0, docstring of PyLifModelBitAcc')
    """

    name: str
    weight_bits: Figure
    weight_exponent_low: Figure
    weight_exponent_high: Figure
    state_bits: Figure
    decay_bits: Figure
    threshold_bits: Figure
    threshold_shift: Figure
    bias_mantissa_bits: Figure
    bias_exponent_bits: Figure
    max_refractory: Figure
    max_threshold_rise: Figure
    max_delay: Figure
    trace_bits: Figure
    tag_bits: Figure
    epoch_bits: Figure
    neurons_per_core: Figure
    cores_per_chip: Figure
    in_axons_per_core: Figure
    out_axons_per_core: Figure
    synaptic_memory_bytes_per_core: Figure
    synapses_per_chip: Figure

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self)[1:]:
            if not isinstance(getattr(self, field.name), Figure):
                raise TypeMismatchError(f"{self.name}.{field.name}: a Figure is needed")

    @property
    def neurons(self) -> int | None:
        """Most neurons of the chip, None if not public."""
        if self.neurons_per_core.value is None or self.cores_per_chip.value is None:
            return None
        return self.neurons_per_core.value * self.cores_per_chip.value

    def __repr__(self) -> str:
        """The name alone; :func:`dataclasses.asdict` gives every figure."""
        return f"<Chip {self.name}>"


LOIHI1 = Chip(
    name="Loihi 1",
    weight_bits=Figure(8, LAVA_WEIGHTS),
    weight_exponent_low=Figure(-8, BRIAN2_LOIHI),
    weight_exponent_high=Figure(7, BRIAN2_LOIHI),
    state_bits=Figure(24, LAVA_DATAPATH),
    decay_bits=Figure(12, LAVA_LIF),
    threshold_bits=Figure(17, LAVA_LIF),
    threshold_shift=Figure(6, LAVA_DATAPATH),
    bias_mantissa_bits=Figure(13, LAVA_LIF),
    bias_exponent_bits=Figure(3, LAVA_LIF),
    # given there as 1..64, the step of the spike itself included
    max_refractory=Figure(63, BRIAN2_LOIHI),
    max_threshold_rise=Figure(0, LAVA_LIF),
    max_delay=Figure(None, "public sources disagree on the last of the 6-bit codes (62 or 63)"),
    trace_bits=Figure(7, LAVA_LEARNING),
    tag_bits=Figure(8, LAVA_LEARNING),
    epoch_bits=Figure(6, LAVA_LEARNING),
    neurons_per_core=Figure(1024, DAVIES),
    cores_per_chip=Figure(128, DAVIES),
    in_axons_per_core=Figure(4096, NENGO_BLOCK),
    out_axons_per_core=Figure(4096, NENGO_BLOCK),
    synaptic_memory_bytes_per_core=Figure(128 * 1024, NENGO_BLOCK),
    synapses_per_chip=Figure(None, "follows from the synaptic memory and the synapse format"),
)

# The LIF that Lava maps to Loihi 2 keeps the registers of Loihi 1: Lava has one model for both.
LOIHI2 = dataclasses.replace(
    LOIHI1,
    name="Loihi 2",
    max_refractory=Figure(None, PROGRAMMABLE),
    max_threshold_rise=Figure(None, PROGRAMMABLE),
    max_delay=Figure(63, LAVA_DELAYS),
    neurons_per_core=Figure(8192, BRIEF),
    cores_per_chip=Figure(128, BRIEF),
    in_axons_per_core=Figure(None, "not public"),
    out_axons_per_core=Figure(None, "not public"),
    synaptic_memory_bytes_per_core=Figure(
        None, "a core shares its memory between neurons, synapses and microcode (" + BRIEF + ")"
    ),
    synapses_per_chip=Figure(120_000_000, BRIEF),
)

CHIPS = {"loihi1": LOIHI1, "loihi2": LOIHI2}


def chip_of(where: str, value: Any) -> Chip:
    """A chip, or the one of that word: ``"loihi1"`` or ``"loihi2"``, as the command line has it.

    Raises
    ------
    TypeMismatchError
        If ``value`` is something else; lists the words.
    """
    if isinstance(value, Chip):
        return value
    if isinstance(value, str) and value in CHIPS:
        return CHIPS[value]
    words = ", ".join(map(repr, CHIPS))
    raise TypeMismatchError(f"{where}: {brief(value)}; a Chip is needed, or one of {words}")
