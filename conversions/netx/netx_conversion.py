"""lava-dl's network files: ``from_netx`` and ``to_netx``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from conversions.netx.chain import Options
from conversions.netx.exponent_folding import folded
from conversions.netx.hdf5_layers import NetxMeaning, read_file, write_file
from conversions.netx.layer_reading import read_network
from conversions.netx.layer_writing import file_of
from hw_models import LOIHI2, Chip, FixedPointNetwork, TypeMismatchError, check
from hw_models.chips import chip_of
from hw_models.choices import choice
from hw_models.errors import brief
from hw_models.integers import integer, shape_of

if TYPE_CHECKING:
    from conversions.conversion_report import ConversionReport


def from_netx(
    path: str | os.PathLike[str],
    *,
    input_shape: Any = None,
    meaning: NetxMeaning | str = NetxMeaning.AS_TRAINED,
    weight_exp_bits: int = 3,
    chip: Chip | str = LOIHI2,
) -> tuple[FixedPointNetwork, ConversionReport]:
    """Read a network that lava-dl's SLAYER exported for its ``netx``.

    The file holds the chip's integers, so nothing is rounded. Step ``t`` of a population is
    step ``t`` in Lava, and step ``t`` of what SLAYER's block returns: blocks hand their spikes
    on one step late, as the chip's connections do.

    Parameters
    ----------
    path
        An HDF5 file; nothing in it is executed.
    input_shape
        Shape ``(C, H, W)`` (or ``(N,)``) of the input, if the file has no input layer.
    meaning
        Whose reading of the file is kept where SLAYER and netx differ; the report names
        each such place.
    weight_exp_bits
        ``WgtScaleBatchNorm.weight_exp_bits`` of the model, which the file does not say.
    chip
        What the network is checked against; the report says what does not fit.

    Returns
    -------
    network : FixedPointNetwork
        Populations ``input`` and one for each layer, by type and number (``conv1``).
    report : ConversionReport
        Its notes say what lava-dl does otherwise.

    Raises
    ------
    ConversionError
        If a layer is not supported; names its number, type and what is supported.
    NetworkFileError
        If the file is not a readable netx file.
    """
    from conversions.conversion_report import ConversionReport

    chip, meaning = chip_of("chip", chip), choice("meaning", meaning, NetxMeaning)
    options = Options(
        meaning=meaning,
        input_shape=None if input_shape is None else shape_of("input_shape", input_shape),
        weight_exp_bits=integer("weight_exp_bits", weight_exp_bits, 0, 15),
    )
    network, shifts, notes = read_network(read_file(path), options)
    notes = [f"The integers are those of the file, {meaning.value}; nothing was rounded.", *notes]
    notes += [f"Does not fit {chip.name}: {violation}" for violation in check(network, chip)]
    report = ConversionReport(chip=chip.name, layers=(), shifts=shifts, notes=tuple(notes))
    return network, report


def to_netx(network: FixedPointNetwork, path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Write a network as a file that lava-dl's ``netx.hdf5.Network`` loads.

    What netx then runs in Lava computes the same, spike for spike, and
    :func:`from_netx` gives back the same records if none of the notes says otherwise: weights
    whose exponent netx cannot hold become their mantissas, in a layer that counts in larger units.

    Parameters
    ----------
    network
        One layer after another from one input: dense, with feedback of its own or delays up
        to 62, and convolutions (netx flattens between them); neurons that reset to zero,
        without refractory or reset intervals.
    path
        Replaced if it exists, whole or not at all.

    Returns
    -------
    notes
        What is written otherwise than it was, in sentences.

    Raises
    ------
    ConversionError
        If netx cannot do what the network does; names the population or projection.
    NetworkFileError
        If the file cannot be written.
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"to_netx: {brief(network)}; a FixedPointNetwork is needed")
    written, of_exponents = folded(network)
    file, notes = file_of(written)
    write_file(file, path)
    return (*of_exponents, *notes)
