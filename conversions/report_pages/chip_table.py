"""What a network takes of a chip, as rows of a table."""

from __future__ import annotations

from hw_models import Chip, FixedPointNetwork
from hw_models.constraints import chip_use

_NAMES = {"synapses": "weights stored", "synaptic_bytes": "bytes of weights and delays"}


def chip_rows(network: FixedPointNetwork, chip: Chip) -> list[list[str]]:
    """Headings, then what is used, what there is, and where that figure is from."""
    table = [["of the chip", "used", "there", "share", "figure published in"]]
    for use in chip_use(network, chip):
        share = "-" if use.share is None else f"{use.share:.2%}"
        there = "not public" if use.available is None else f"{use.available:,}"
        table.append([_NAMES.get(use.what, use.what), f"{use.used:,}", there, share, use.source])
    return table
