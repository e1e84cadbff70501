"""The picture of README: what goes in, what runs, what comes out.

    python docs/images/overview.py

writes docs/images/overview.svg: greys that can be read on white and on black.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

INK, EDGE, ACCENT = "#7a7f87", "#9aa0a8", "#2a7fb8"
READERS = (
    "PyTorch: snnTorch,\nSpikingJelly, Norse,\nSinabs, SLAYER, ours",
    "NIR files",
    "lava-dl netx",
    "Lava programs",
)
EXECUTORS = (
    "engine (Numba,\nevent by event)",
    "oracle (NumPy,\nslow and plain)",
    "Lava's own\nmodels and runtime",
)
RESULTS = ("accuracy, spikes,\nenergy, share of chip", "weights learned\non the chip")


def box(ax, x, y, text, *, width, height, colour=EDGE):
    """A rounded box with text in its middle."""
    frame = FancyBboxPatch(
        (x - width / 2, y - height / 2),
        width,
        height,
        boxstyle="round,pad=0.02,rounding_size=0.12",
        fill=False,
        edgecolor=colour,
        linewidth=1.2,
    )
    ax.add_patch(frame)
    ax.text(x, y, text, ha="center", va="center", color=INK if colour == EDGE else colour, size=8.5)


def arrow(ax, start, end):
    """An arrow between two points."""
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=EDGE, lw=1))


def main():
    """Draw and write it."""
    mpl.rcParams.update({"svg.hashsalt": "overview", "svg.fonttype": "none"})
    figure, ax = plt.subplots(figsize=(8.6, 3.3))
    ax.set(xlim=(0, 11.4), ylim=(0, 4.4))
    ax.axis("off")
    for text, y in zip(READERS, (3.55, 2.45, 1.65, 0.85), strict=True):
        box(ax, 1.3, y, text, width=2.4, height=1.05 if "\n" in text else 0.5)
        arrow(ax, (2.6, y), (3.2, 2.2))
    network = "FixedPointNetwork\none frozen description\nin integers"
    box(ax, 4.55, 2.2, network, width=2.5, height=1.2, colour=ACCENT)
    box(ax, 4.55, 0.5, "HDF5, NIR, netx, Lava", width=2.5, height=0.5)
    arrow(ax, (4.55, 1.55), (4.55, 0.82))
    for text, y in zip(EXECUTORS, (3.55, 2.2, 0.85), strict=True):
        box(ax, 7.35, y, text, width=2.1, height=0.85)
        arrow(ax, (5.9, 2.2), (6.2, y))
    for y in (2.87, 1.52):
        ax.text(7.35, y, "=", ha="center", va="center", color=ACCENT, size=13, weight="bold")
    for text, y in zip(RESULTS, (2.9, 1.5), strict=True):
        box(ax, 10.1, y, text, width=2.4, height=0.85)
        arrow(ax, (8.5, 2.2), (8.8, y))
    target = Path(__file__).with_name("overview.svg")
    figure.savefig(target, transparent=True, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
