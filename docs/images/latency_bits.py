"""The first picture of README, the figure of the same name as a file.

    python docs/images/latency_bits.py

writes docs/images/latency_bits.svg from the newest record: legible on white and on black.
"""

import runpy
from pathlib import Path

from ssdp_neuro import plot

HERE = Path(__file__)


def main():
    """Draw and write it."""
    draw = runpy.run_path(str(HERE.parents[1] / "figures" / HERE.name))["draw"]
    with plot.style(plot.Background.TRANSPARENT):
        HERE.with_suffix(".svg").write_text(plot.svg(draw()), encoding="utf-8")


if __name__ == "__main__":
    main()
