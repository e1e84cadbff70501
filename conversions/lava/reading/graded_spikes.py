"""Graded spikes of ring buffers as the bits of their numbers, each an input of spikes."""

from __future__ import annotations

import dataclasses

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.proc.conv.process import Conv

from conversions.lava.reading.connection_processes import EXPONENTS, Ends, takes_graded_spikes
from conversions.lava.reading.walk import label
from hw_models.errors import ConversionError

MOST_BITS = 15
MOST_BEYOND = 4  # a shift by this more is 16 projections


def sends_numbers(process: AbstractProcess, data: np.ndarray | None) -> bool:
    """Whether a connection multiplies by numbers of a ring buffer other than 0 and 1."""
    return data is not None and takes_graded_spikes(process) and not np.isin(data, (0, 1)).all()


def check_numbers_sent(process: AbstractProcess, where: str, data: np.ndarray) -> None:
    """Refuse graded spikes that no sum of spikes is.

    Raises
    ------
    ConversionError
        If they are negative or too large, or go into a ``Conv``.
    """
    low, high = int(data.min()), int(data.max())
    if isinstance(process, Conv):
        raise ConversionError(
            f"{where}: graded spikes; a network's spikes are 0 or 1 (with num_message_bits=0 Lava"
            " takes them so)"
        )
    if low < 0 or high >> MOST_BITS:
        raise ConversionError(
            f"{where}: graded spikes of {low}..{high}; allowed 0..{(1 << MOST_BITS) - 1}"
        )


def bit_planes(
    process: AbstractProcess, ends: list[Ends], exponent: int, ring_data: dict[str, np.ndarray]
) -> tuple[list[Ends], list[str]]:
    """The same connections from the bits of their sources, which are added to ``ring_data``.

    Raises
    ------
    ConversionError
        If the sum is shifted down: Lava rounds it down once, the parts each would be. Or if a
        bit counts more than a few projections together.
    """
    found, notes = [], []
    for each in ends:
        data = ring_data[each.source]
        if exponent < 0:
            raise ConversionError(
                f"{label(process)}: weight_exp {exponent} with graded spikes; 0 or more is needed"
            )
        bits = [bit for bit in range(MOST_BITS) if (data >> bit & 1).any()]
        for bit in bits:
            plane = f"{each.source}:bit {bit}"
            ring_data[plane] = data >> bit & 1
            beyond = max(0, exponent + bit - EXPONENTS[1])
            if beyond > MOST_BEYOND:
                raise ConversionError(
                    f"{label(process)}: weight_exp {exponent} with graded spikes up to"
                    f" {int(data.max())}; both together may shift by {EXPONENTS[1] + MOST_BEYOND}"
                )
            for copy in range(1 << beyond):  # a shift that is too far, as a sum
                name = f"{each.name}:bit {bit}" + f", {copy + 1}" * (copy > 0)
                found.append(dataclasses.replace(each, name=name, source=plane, shift=bit - beyond))
        notes.append(
            f"{label(process)}: graded spikes of {each.source} as {len(bits)} inputs, one a bit"
        )
    return found, notes
