"""The colours of every picture, told apart by colour-blind readers and on white as on black.

References
----------
Okabe and Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"
PURPLE, ORANGE, SKY = "#cc79a7", "#e69f00", "#56b4e9"
NEUTRAL = "#7a7a7a"  # about as far from white as from black, 4.3 and 4.9 to 1
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""Colours of lines and bars beside each other, in this order."""


def series_colour(place: int) -> str:
    """Colour of the line or bar with that number; begins anew after the last."""
    return SERIES[place % len(SERIES)]


def share_colours() -> Colormap:
    """From nothing, so that the background shows, to blue."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    return LinearSegmentedColormap.from_list("share", [to_rgba(BLUE, 0.0), to_rgba(BLUE, 1.0)])
