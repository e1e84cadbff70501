"""Figures of pages: every script in ``docs/figures`` has a function ``draw`` that makes one.

A hook of MkDocs. A page shows ``figures/name.py`` as ``figures/name.svg``.
"""

import runpy
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from ssdp_neuro import plot

FOLDER = Path(__file__).parents[1] / "figures"


def on_files(files: Files, config: Any) -> Files:
    """Add every figure as SVG, legible in light and in dark mode."""
    for path in sorted(FOLDER.glob("*.py")):
        with plot.style(plot.Background.TRANSPARENT):
            drawing = plot.svg(runpy.run_path(str(path))["draw"]())
        files.append(File.generated(config, f"figures/{path.stem}.svg", content=drawing))
    return files
