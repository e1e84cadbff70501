"""What a network takes of a chip, as a table."""

from __future__ import annotations

from conversions.report_pages import html_page
from hw_models import Chip, FixedPointNetwork
from hw_models.constraints import ChipUse, chip_use

_NAMES = {"synapses": "weights stored", "synaptic_bytes": "bytes of weights and delays"}


def chip_share(network: FixedPointNetwork, chip: Chip) -> str:
    """As HTML: what is used and what there is, and where those figures are from."""
    uses = chip_use(network, chip)
    rows = [["of the chip", "used", "there", "share"]]
    for use in uses:
        share = "-" if use.share is None else f"{use.share:.2%}"
        there = "not public" if use.available is None else f"{use.available:,}"
        rows.append([_name(use), f"{use.used:,}", there, share])
    return html_page.table(rows) + html_page.facts({_name(use): use.source for use in uses})


def _name(use: ChipUse) -> str:
    return _NAMES.get(use.what, use.what)
